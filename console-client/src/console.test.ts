import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { QmfError, transportsFor } from '@imagefactory/qmf';
import { startBroker } from '@imagefactory/qmf/broker';
import { BuildAdaptorStatusEvent } from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { BuildFailedError } from './tracking/build-state.js';
import type { BuildChange } from './tracking/build-change.js';
import { type ConnectedConsole, connectConsole } from './connect.js';
import { Clock } from './testing/clock.test.fixture.js';
import { ScriptedFactory } from './testing/scripted-factory.test.fixture.js';
import { until } from './testing/until.test.fixture.js';

const fastRetry = { retry: { initialDelay: 20, maxDelay: 50 } };

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) result.push(item);
  return result;
}

/** Changes as short words, for comparing sequences. */
function words(changes: readonly BuildChange[]): string[] {
  return changes.map(change => {
    if (change.kind === 'status') return change.status;
    return change.kind === 'percent' ? `${change.percent}%` : `failure ${change.type}`;
  });
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('a rejection was expected');
}

describe('the typed console', () => {
  let factory: ScriptedFactory;
  let client: ConnectedConsole;

  beforeEach(async () => {
    factory = await ScriptedFactory.start();
    client = await connectConsole({ broker: factory.broker.url, ...fastRetry });
  });

  afterEach(async () => {
    await client.close();
    await factory.stop();
  });

  it('builds an image and tells every change up to the end', async () => {
    factory.onBuild = adaptor => void factory.complete(adaptor);
    const build = await (await client.findFactory()).buildImage({
      descriptor: '<template></template>',
      target: 'mock',
      imageUuid: 'foo',
      secCredentials: 'bar',
    });
    const changes = await collect(build.changes());
    expect(words(changes)).to.deep.equal(['BUILDING', '50%', 'COMPLETED']);
    expect(changes.at(-1)).to.include({ finishedImage: '/images/one.body', caughtUp: false });
    expect(await build.finished()).to.equal('/images/one.body');
    expect(factory.lastInputs).to.deep.equal({
      descriptor: '<template></template>',
      target: 'mock',
      image_uuid: 'foo',
      sec_credentials: 'bar',
    });
  });

  it('misses no event that overtakes the answer', async () => {
    factory.beforeReply = adaptor => void factory.complete(adaptor);
    const build = await (await client.findFactory()).buildImage({
      descriptor: '<template/>',
      target: 'mock',
    });
    expect(words(await collect(build.changes()))).to.deep.equal(['BUILDING', '50%', 'COMPLETED']);
  });

  it('gives a late reader all changes again', async () => {
    factory.onBuild = adaptor => void factory.complete(adaptor);
    const build = await (await client.findFactory()).buildImage({
      descriptor: '<template/>',
      target: 'mock',
    });
    await build.finished();
    expect(words(await collect(build.changes()))).to.deep.equal(['BUILDING', '50%', 'COMPLETED']);
  });

  it('tells a failure once, whichever of its two events comes first', async () => {
    const inOrders: readonly ((adaptor: Parameters<typeof factory.onBuild>[0]) => Promise<void>)[] = [
      async adaptor => {
        await factory.status(adaptor, 'FAILED');
        await factory.failure(adaptor, 'tool_failed', 'Failure encountered while: testing: it broke');
      },
      async adaptor => {
        await factory.failure(adaptor, 'tool_failed', 'Failure encountered while: testing: it broke');
        await factory.status(adaptor, 'FAILED');
      },
    ];
    for (const run of inOrders) {
      factory.onBuild = adaptor => void run(adaptor);
      const build = await (await client.findFactory()).buildImage({
        descriptor: '<template/>',
        target: 'mock',
      });
      expect(words(await collect(build.changes()))).to.deep.equal(['FAILED', 'failure tool_failed']);
      const error = await rejection(build.finished());
      expect(error).to.be.instanceOf(BuildFailedError).and.to.include({ type: 'tool_failed' });
      expect(error.message).to.equal('Failure encountered while: testing: it broke');
    }
  });

  it('ends a failed build of an agent that gives no reason', async () => {
    factory.onBuild = adaptor => void factory.status(adaptor, 'FAILED');
    const build = await (await client.findFactory()).buildImage({
      descriptor: '<template/>',
      target: 'mock',
    });
    expect(words(await collect(build.changes()))).to.deep.equal(['FAILED', 'failure unknown']);
  });

  it('passes on the text of a refusal', async () => {
    const factoryObject = await client.findFactory();
    const error = await rejection(factoryObject.buildImage({ descriptor: '<template/>', target: 'moon' }));
    expect(error).to.be.instanceOf(QmfError).and.to.include({ code: 'agent_exception', agentCode: 4 });
    expect((error as QmfError).agentText).to.equal('target: moon is not known');
  });

  it('picks up a build that runs already', async () => {
    const first = await (await client.findFactory()).buildImage({
      descriptor: '<template/>',
      target: 'mock',
    });
    const adaptor = factory.adaptors[0]!;
    await factory.status(adaptor, 'BUILDING');
    await factory.percent(adaptor, 20);
    const other = await connectConsole({ broker: factory.broker.url });
    try {
      const build = await (await other.findFactory()).build(first.name);
      expect(build).to.include({ status: 'BUILDING', percentComplete: 20 });
      void factory.complete(adaptor);
      const changes = await collect(build.changes());
      expect(words(changes)).to.deep.equal(['20%', 'BUILDING', '50%', 'COMPLETED']);
      expect(changes.map(change => change.caughtUp)).to.deep.equal([true, true, false, false]);
    } finally {
      await other.close();
    }
  });

  it('catches up after the bus was away, and says so', async () => {
    const build = await (await client.findFactory()).buildImage({
      descriptor: '<template/>',
      target: 'mock',
    });
    const adaptor = factory.adaptors[0]!;
    await factory.status(adaptor, 'BUILDING');
    await until(() => build.status === 'BUILDING', 'the console has heard of BUILDING');
    const { port } = factory.broker;
    await factory.broker.stop();
    // No event tells of these changes: an agent would keep events in its outbox, but here none is raised.
    adaptor.update({ status: 'COMPLETED', finished_image: '/images/two.body', percent_complete: 100 });
    const again = await startBroker({ port });
    try {
      const changes = await collect(build.changes());
      expect(words(changes)).to.deep.equal(['BUILDING', 'COMPLETED']);
      expect(changes.at(-1)).to.include({ caughtUp: true, finishedImage: '/images/two.body' });
    } finally {
      await client.close();
      await again.stop();
    }
  });

  it('says that the end is unknown when the agent was restarted', async () => {
    const factoryObject = await client.findFactory();
    const build = await factoryObject.buildImage({ descriptor: '<template/>', target: 'mock' });
    await factory.leave();
    const restarted = await ScriptedFactory.start({
      broker: factory.broker,
      instance: factoryObject.agent.info.instance,
      epoch: 2,
    });
    try {
      const error = await rejection(build.finished());
      expect(error).to.include({ code: 'agent_unknown' });
    } finally {
      await restarted.leave();
    }
  });

  it('streams typed events of all builds', async () => {
    const seen: string[] = [];
    const events = client.events(BuildAdaptorStatusEvent);
    const reading = (async () => {
      for await (const { values } of events) {
        seen.push(`${values.old_status}>${values.new_status}`);
        if (values.new_status === 'COMPLETED') return;
      }
    })();
    factory.onBuild = adaptor => void factory.complete(adaptor);
    await (await client.findFactory()).buildImage({ descriptor: '<template/>', target: 'mock' });
    await reading;
    expect(seen).to.deep.equal(['NEW>BUILDING', 'BUILDING>COMPLETED']);
  });

  it('stops watching when its signal fires', async () => {
    const build = await (await client.findFactory()).buildImage({
      descriptor: '<template/>',
      target: 'mock',
    });
    const stop = new AbortController();
    const watching = rejection(collect(build.changes({ signal: stop.signal })));
    stop.abort();
    expect(await watching).to.include({ code: 'aborted' });
  });

  it('names the agent that it looked for in vain', async () => {
    await factory.leave();
    const lonely = await connectConsole({ broker: factory.broker.url });
    const error = await rejection(lonely.findFactory({ timeout: 100 }));
    await lonely.close();
    expect(error.message).to.match(/^no Image Factory agent \(redhat\.com:imagefactory\) answered at amqp:/);
  });
});

describe('connecting a console', () => {
  it('fails at once, and says where, when there is no broker', async () => {
    const broker = await startBroker();
    await broker.stop();
    const error = await rejection(connectConsole({ broker: broker.url, timeout: 5_000 }));
    expect(error).to.include({ code: 'unreachable' });
    expect(error.message).to.include(`127.0.0.1:${broker.port}`).and.to.include('ECONNREFUSED');
  });

  it('comes to the second broker of a list in time, although the first keeps silent', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo; // not of a pipe
    const first = `amqp://127.0.0.1:${port}`;
    const broker = await startBroker();
    const clock = new Clock();
    const news: string[] = [];
    const transport = transportsFor([first, broker.url]).map(each => ({
      ...{ description: each.description, bodyForm: each.bodyForm },
      dial: (signal: AbortSignal) => {
        news.push(`${each.description} at ${clock.now()}`);
        return each.dial(signal);
      },
    }));
    const connecting = connectConsole({ transport, timeout: 20_000, timers: clock });
    await once(silent, 'connection');
    clock.pass(8_999);
    await new Promise(resolve => setImmediate(resolve));
    expect(news).to.deep.equal([`${first} at 0`]);
    clock.pass(1);
    const client = await connecting;
    expect(client.connection.broker).to.equal(broker.url);
    expect(news).to.deep.equal([`${first} at 0`, `${broker.url} at 9000`]);
    await client.close();
    await broker.stop();
    silent.close();
  });

  it('says within its time that the broker keeps silent', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo; // not of a pipe
    const broker = `amqp://127.0.0.1:${port}`;
    const clock = new Clock();
    const failing = rejection(connectConsole({ broker, timeout: 10_000, timers: clock }));
    await once(silent, 'connection');
    clock.pass(9_000);
    expect(await failing).to.include({
      code: 'unreachable',
      message: `${broker} did not answer within 9 s`,
    });
    silent.close();
  });
});
