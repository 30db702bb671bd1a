import { join } from 'node:path';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { AgentProgram } from './support/agent-program.js';
import { skipBecause } from './support/lane.js';
import { Program, projectRoot } from './support/program.js';

/** Debian's own: an interpreter of another make on the PATH would not see Debian's modules. */
const PYTHON = '/usr/bin/python3';

describe('a console of another make: Python and Qpid Proton on AMQP 1.0', function () {
  this.timeout(300_000);
  let broker: RunningBroker | undefined;
  let agent: AgentProgram | undefined;

  before(async function () {
    const probe = await Program.run(PYTHON, ['-c', 'import proton'], {}).catch(() => undefined);
    if (probe?.status !== 0) {
      skipBecause(this, 'python3-qpid-proton is not installed (apt-get install python3-qpid-proton)');
    }
    broker = await startBroker();
    agent = await AgentProgram.start(broker.url);
    await (await agent.console()).close();
  });

  after(async () => {
    await agent?.stop();
    await broker?.stop();
  });

  it('finds the agent, builds, follows the events, and has its bad requests refused', async () => {
    const script = join(projectRoot, 'test/interop/proton_console.py');
    const run = await Program.run(PYTHON, [script, (broker?.url ?? '').replace('amqp://', '')]);
    expect(run.status, run.output).to.equal(0);
    expect(run.stdout.match(/^ok /gm)).to.have.length.of.at.least(18);
    expect(run.stdout).not.to.match(/^FAIL/m);
  });
});
