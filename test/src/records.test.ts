import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningAgent, startAgent } from '@imagefactory/agent';
import {
  type BuildChange,
  type ConnectedConsole,
  connectConsole,
  type Factory,
  type FactoryEvent,
} from '@imagefactory/console-client';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10 } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { mockCredentials, there } from './interop/session-2012.js';
import { Program, programs } from './support/program.js';
import { collect, rejection, until } from './support/until.js';

const template = '<template></template>';

const statuses = (changes: readonly (BuildChange | FactoryEvent)[]): string[] =>
  changes.flatMap(change => (change.kind === 'status' ? [change.status] : []));

describe('the record of an agent, read by the console library', () => {
  let broker: RunningBroker;
  let directory: string;
  let agent: RunningAgent;
  let client: ConnectedConsole;
  let factory: Factory;

  beforeEach(async () => {
    broker = await startBroker();
    directory = await mkdtemp(join(tmpdir(), 'imagefactory-records-'));
    client = await connectConsole({ broker: broker.url });
    await begin();
  });
  afterEach(async () => {
    await client.close();
    await agent.stop();
    await broker.stop();
    await rm(directory, { recursive: true });
  });

  async function begin(): Promise<void> {
    agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay: 1 }), mockCloud({ stepDelay: 1 })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: directory,
    });
    await agent.ready();
    const { epoch } = agent;
    await until('the console knows it', () =>
      client.session.agents().some(({ info }) => info.epoch === epoch),
    );
    factory = await client.findFactory();
  }

  const order = { descriptor: template, target: 'mock' };

  it('has the whole history of builds for a console that joins late, with sequences', async () => {
    const followed = await factory.buildImage(order);
    const live = await collect(followed.changes());
    const late = await connectConsole({ broker: broker.url });
    try {
      const build = await (await late.findFactory()).build(followed.name);
      const history = await collect(build.changes({ from: 'beginning' }));
      expect(statuses(history)).to.deep.equal(['INITIALIZING', 'BUILDING', 'FINISHING', 'COMPLETED']);
      expect(statuses(history)).to.deep.equal(statuses(live));
      expect(history.at(-1)).to.deep.equal({ ...live.at(-1), caughtUp: true });
      // Not all percentages are on record; what is has the sequence of its event.
      const known = live.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));
      expect(known).to.include.members(history.map(({ sequence }) => there(sequence)));
      expect(known).to.deep.equal([...known].sort((left, right) => left - right));
    } finally {
      await late.close();
    }
  });

  it('replays all builds after a restart of the agent from the last event that was processed', async () => {
    const all = ['NEW', 'INITIALIZING', 'BUILDING', 'FINISHING', 'COMPLETED'];
    await (await factory.buildImage(order)).finished();
    const before: FactoryEvent[] = [];
    for await (const event of factory.events({ from: 1 })) {
      before.push(event);
      if (event.kind === 'status' && event.status === 'COMPLETED') break;
    }
    expect(statuses(before)).to.deep.equal(all);
    await agent.stop();
    await begin();
    const second = await factory.buildImage(order);
    const after: FactoryEvent[] = [];
    for await (const event of factory.events({ from: there(before.at(-1)).sequence + 1 })) {
      after.push(event);
      if (event.kind === 'status' && event.status === 'COMPLETED') break;
    }
    expect(statuses(after)).to.deep.equal(all);
    expect(new Set(after.map(({ address }) => address?.objectName))).to.deep.equal(new Set([second.name]));
  });

  it('gives the same builds for the same key, after a restart too, and refuses it for another order', async () => {
    const build = await factory.buildImage({ ...order, orderKey: 'k-1' });
    const path = await build.finished();
    await agent.stop();
    await begin();
    const again = await factory.buildImage({ ...order, orderKey: 'k-1' });
    expect(again.name).to.equal(build.name);
    const [push, samePush] = await Promise.all(
      [1, 2].map(async () =>
        there(
          (
            await factory.pushImage({
              image: (await factory.imageRecord(build.imageId)).id,
              ...{ providers: ['mock-one'], credentials: mockCredentials, orderKey: 'k-2' },
            })
          )[0],
        ),
      ),
    );
    expect(there(push).name).to.equal(there(samePush).name);
    await there(push).finished();
    expect(path).to.match(/\.body$/);
    const other = await rejection(factory.buildImage({ ...order, imageUuid: 'other', orderKey: 'k-1' }));
    expect(other).to.include({ code: 'agent_exception' });
    const { items } = await factory.jobs({ sort: ['created'] });
    expect(items.map(({ kind }) => kind)).to.deep.equal(['target', 'provider']);
  });

  it('lists jobs by filters, and is there for people too', async () => {
    const build = await factory.buildImage(order);
    await build.finished();
    const none = await factory.jobs({ where: { status: ['new', 'running'] } });
    expect(none.items).to.deep.equal([]);
    await writeFile(join(directory, 'template.xml'), template);
    const cli = (...args: readonly string[]) =>
      Program.run(programs.console, ['--broker', broker.url, ...args]);
    const jobs = await cli('jobs', '--where', 'status=completed', '--where', 'percent>=100', '--json');
    expect(JSON.parse(jobs.stdout)).to.include({ id: build.imageId, target: 'mock' });
    const watched = await cli('watch', build.imageId.slice(0, 8), '--from-beginning');
    expect(watched.stdout).to.match(/^NEW 0%\nINITIALIZING 0%\nBUILDING 0%\n[^]*COMPLETED .*\.body\n$/);
    const events = await cli('events', '--from', '1', '--count', '2', '--json');
    expect(events.stdout.match(/"status":"\w+"/g)).to.deep.equal([
      '"status":"NEW"',
      '"status":"INITIALIZING"',
    ]);
  });
});
