import { join } from 'node:path';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { AgentProgram } from './support/agent-program.js';
import { Program, projectRoot } from './support/program.js';

describe('the example programs', () => {
  let broker: RunningBroker;
  let agent: AgentProgram;

  before(async () => {
    broker = await startBroker();
    agent = await AgentProgram.start(broker.url);
    await (await agent.console()).close();
  });

  after(async () => {
    await agent.stop();
    await broker.stop();
  });

  const run = (name: string) => Program.run(join(projectRoot, `examples/dist/${name}.js`), [broker.url]);

  it('seed-session: the console session of 2011', async () => {
    const program = await run('seed-session');
    expect(program.status, program.output).to.equal(0);
    expect(program.stdout).to.match(/redhat\.com:imagefactory:[0-9a-f-]+/);
    expect(program.stdout)
      .to.include('_agent_epoch: ')
      .and.to.match(/_object_name: 'build_adaptor-/);
    expect(program.stdout.trim().split('\n').at(-1)).to.equal('COMPLETED');
  });

  it('orchestrator: learns how each of its builds ended', async () => {
    const program = await run('orchestrator');
    expect(program.status, program.output).to.equal(0);
    expect(program.stdout).to.match(/^good made .+\.body$/m);
    expect(program.stdout).to.match(/^bad did not: Failure encountered while: .+$/m);
    expect(program.stdout).to.match(
      /^bus: build_adaptor-\S+ at redhat\.com:imagefactory:\S+: \w+ -> COMPLETED$/m,
    );
  });

  it('build-and-push: brings an image to a provider, and reads what is on record of it', async () => {
    const program = await run('build-and-push');
    expect(program.status, program.output).to.equal(0);
    expect(program.stdout).to.match(/^build for mock: COMPLETED\npush: PUSHING\npush: COMPLETED$/m);
    expect(program.stdout).to.match(/^mock image at mock-one: Mock_mock-one_\S+ \(COMPLETED\)$/m);
  });

  it('reader: orders once for a key, and reads what is on record', async () => {
    const program = await run('reader');
    expect(program.status, program.output).to.equal(0);
    expect(program.stdout).to.match(/^the same key, the same build: true$/m);
    expect(program.stdout).to.match(/^\d+: BUILDING\n\d+: FINISHING\n\d+: COMPLETED$/m);
    expect(program.stdout).to.match(/^processed all up to \d+\n[0-9a-f-]{36} target completed$/m);
  });

  it('operator: sees agents, their classes and builds', async () => {
    const program = await run('operator');
    expect(program.status, program.output).to.equal(0);
    expect(program.stdout).to.match(
      /ImageFactory: build_image\(descriptor, target, image_uuid, sec_credentials, build_adaptor\)/,
    );
    expect(program.stdout).to.match(/build_adaptor-\S+: COMPLETED 100 % \S+\.body/);
  });

  it('own-plugin: builds with plugins that the agent did not come with', async () => {
    const program = await run('own-plugin');
    expect(program.status, program.output).to.equal(0);
    expect(program.stdout).to.match(/^made \S+\.body$/m);
  });

  it('broken-bus: loses an answer, breaks the connections, and hears the end of the build', async () => {
    const program = await run('broken-bus');
    expect(program.status, program.output).to.equal(0);
    expect(program.stdout).to.match(/^answers lost: 1, and the call ended with timeout$/m);
    expect(program.stdout).to.match(/^made \S+\.body$/m);
  });
});
