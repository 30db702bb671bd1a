import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loggerTo, type RunningAgent, startAgent } from '@imagefactory/agent';
import { connectConsole } from '@imagefactory/console-client';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10 } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { until } from './support/until.js';

describe('a copied image directory', () => {
  let broker: RunningBroker;
  let directory: string;
  const running: RunningAgent[] = [];
  beforeEach(async () => {
    broker = await startBroker();
    directory = await mkdtemp(join(tmpdir(), 'imagefactory-copied-'));
  });
  afterEach(async () => {
    for (const agent of running.splice(0)) await agent.stop();
    await broker.stop();
    await rm(directory, { recursive: true });
  });

  async function start(name: string, said: string[] = []): Promise<RunningAgent> {
    const agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay: 0 }), mockCloud({ stepDelay: 0 })],
      imageDirectory: join(directory, name),
      temporaryDirectory: directory,
      log: loggerTo((_level, message) => said.push(message)),
    });
    await agent.ready();
    running.push(agent);
    return agent;
  }

  async function stop(agent: RunningAgent): Promise<void> {
    running.splice(running.indexOf(agent), 1);
    await agent.stop();
  }

  it('gives its agent a new name, for good, and each build runs once', async () => {
    const first = await start('original');
    const { name } = first;
    await stop(first);
    await cp(join(directory, 'original'), join(directory, 'copy'), { recursive: true });
    const said: string[] = [];
    const original = await start('original');
    const copy = await start('copy', said);
    await until('the copy has another name', () => copy.name !== name);
    expect(original.name).to.equal(name);
    await until('it says so', () =>
      said.some(line => line.includes(`another agent on the bus is called ${name}`)),
    );
    const client = await connectConsole({ broker: broker.url });
    try {
      for (const agent of [original, copy]) {
        const instance = agent.name.split(':')[2] ?? '';
        const factory = await client.findFactory({ instance });
        const build = await factory.buildImage({ descriptor: '<template></template>', target: 'mock' });
        expect(build.address.agentName).to.equal(agent.name);
        expect(await build.finished()).to.include(agent === copy ? '/copy/' : '/original/');
      }
      const counts = await Promise.all(
        client.session.agents().map(async agent => (await agent.query('{class:BuildAdaptor}')).length),
      );
      expect(counts).to.deep.equal([1, 1]);
    } finally {
      await client.close();
    }
    const renamed = copy.name;
    await stop(copy);
    expect((await start('copy')).name).to.equal(renamed);
  });
});
