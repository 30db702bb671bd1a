import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningAgent, startAgent } from '@imagefactory/agent';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10 } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { Program } from './support/program.js';

const child = join(import.meta.dirname, 'kill/agent-child.js');

describe('a second agent on one image directory', () => {
  let directory: string;
  let broker: RunningBroker;
  const agents: (RunningAgent | Program)[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'second-agent-'));
    broker = await startBroker();
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) await agent.stop();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function startHere(): Promise<RunningAgent> {
    const agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay: 0 }), mockCloud({ stepDelay: 0 })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: join(directory, 'tmp'),
    });
    agents.push(agent);
    return agent;
  }

  it('is refused with the process of the first, which goes on; after the death of that it gets its name', async () => {
    const first = new Program(child, [broker.url, directory], { group: true });
    agents.push(first);
    first.say('go\n');
    await first.says(/^started .*$/m);
    const name = /^started (\S+)$/m.exec(first.stdout)?.[1];
    const refused = await startHere().then(() => 'started', String);
    expect(refused).to.match(
      new RegExp(
        `images is in use by another agent \\(process ${first.pid} on .*\\): stop that one, or choose another`,
      ),
    );
    expect(first.running).to.equal(true);
    first.kill('SIGKILL');
    await first.exited;
    expect((await startHere()).name).to.equal(name);
  });
});
