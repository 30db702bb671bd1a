import { QmfError } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import {
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
} from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Build } from './build.js';
import type { BuildChange } from './tracking/build-change.js';
import { BuildFailedError } from './tracking/build-state.js';
import { type ConnectedConsole, connectConsole } from './connect.js';
import type { ConnectOptions } from './connect-options.js';
import { ScriptedFactory } from './testing/scripted-factory.test.fixture.js';
import { until } from './testing/until.test.fixture.js';

const order = { descriptor: '<template/>', target: 'mock' };

const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? `${value}` : typeof value;

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('a rejection was expected');
    },
    (error: unknown) => error,
  );
}

describe('a console after a gap', () => {
  let factory: ScriptedFactory;
  let client: ConnectedConsole;
  let brokers: RunningBroker[];
  const connect = (options: ConnectOptions = {}) =>
    connectConsole({ broker: factory.broker.url, retry: { initialDelay: 10, maxDelay: 20 }, ...options });

  beforeEach(async () => {
    factory = await ScriptedFactory.start();
    brokers = [factory.broker];
    client = await connect();
  });
  afterEach(async () => {
    await client.close();
    await factory.leave();
    for (const broker of brokers) await broker.stop();
  });

  /** The bus goes away, `meanwhile` happens, and it comes back. */
  async function away(meanwhile: () => void): Promise<void> {
    const { port } = factory.broker;
    await brokers.at(-1)?.stop();
    await until(() => client.connection.state !== 'open', 'the console has noticed');
    meanwhile();
    brokers.push(await startBroker({ port }));
  }

  const start = async (): Promise<Build> => (await client.findFactory()).buildImage(order);

  /** Reads statuses, percentages and failures as words, those filled in with a `+`. */
  function watchEvents(): string[] {
    const words: string[] = [];
    client.onEvent(event => {
      const mark = event.caughtUp ? '+' : '';
      const { values } = event;
      if (event.className === BuildAdaptorStatusEvent.schema.id.className)
        words.push(`${mark}${text(values['new_status'])}`);
      if (event.className === BuildAdaptorPercentCompleteEvent.schema.id.className)
        words.push(`${mark}${text(values['percent_complete'])}%`);
      if (event.className === BuildFailedEvent.schema.id.className)
        words.push(`${mark}failure ${text(values['type'])}`);
    });
    return words;
  }

  it('fills in the end of a build, in order and marked, in events() too', async () => {
    const words = watchEvents();
    const build = await start();
    const [adaptor] = factory.adaptors;
    await factory.status(adaptor!, 'BUILDING');
    await until(() => words.includes('BUILDING'), 'the first event is here');
    await away(() => adaptor!.update({ status: 'COMPLETED', percent_complete: 100, finished_image: '/one' }));
    expect(await build.finished()).to.equal('/one');
    await until(() => words.length > 2, 'the end is told');
    expect(words).to.deep.equal(['BUILDING', '+100%', '+COMPLETED']);
  });

  it('gets type and reason of a failure from the agent, in events() too, and also long after it', async () => {
    const words = watchEvents();
    const build = await start();
    await until(() => client.session.statistics.pendingRequests === 0, 'it knows what there is');
    const reason = { type: 'AgentRestarted', message: 'its agent was killed' };
    await away(() =>
      factory.adaptors[0]!.update({
        ...{ status: 'FAILED', failure_type: reason.type, failure_info: reason.message },
      }),
    );
    expect(await rejection(build.finished())).to.include(reason);
    await until(() => words.length > 1, 'the end is told');
    expect(words).to.deep.equal(['+failure AgentRestarted', '+FAILED']);
    const late = await (await client.findFactory()).build(build.name);
    expect(await rejection(late.finished())).to.include(reason);
  });

  it('says of a build that failed meanwhile that its reason was told to nobody here', async () => {
    const build = await start();
    await away(() => factory.adaptors[0]!.update({ status: 'FAILED' }));
    expect(await rejection(build.finished()))
      .to.be.instanceOf(BuildFailedError)
      .with.property('message')
      .that.matches(/^its reason was told while the bus was away/);
  });

  it('fills in a build that nobody had heard of, and not those that were over before', async () => {
    await start();
    factory.adaptors[0]!.update({ status: 'COMPLETED' });
    const late = await connect();
    try {
      const words: string[] = [];
      late.onEvent(({ caughtUp, values }) =>
        words.push(`${caughtUp} ${text(values['new_status'] ?? values['type'])}`),
      );
      await late.findFactory();
      await until(() => late.session.statistics.pendingRequests === 0, 'it knows what there is');
      await (await late.findFactory()).builds();
      const { port } = factory.broker;
      await factory.broker.stop();
      await until(() => late.connection.state !== 'open', 'the console has noticed');
      factory.makeBuild('<template/>').update({ status: 'FAILED' });
      brokers.push(await startBroker({ port }));
      await until(() => words.length === 2, 'the end is told');
      expect(words).to.deep.equal(['true unknown', 'true FAILED']);
    } finally {
      await late.close();
    }
  });

  it('prefers what the agent had kept for us, with the reason of a failure', async () => {
    await client.close();
    await factory.leave();
    // After the console: what it kept would else go out before there is anybody to hear it.
    factory = await ScriptedFactory.start({ broker: factory.broker, returnsAfter: 500 });
    client = await connect();
    const words = watchEvents();
    const build = await start();
    const adaptor = factory.adaptors[0]!;
    await factory.status(adaptor, 'BUILDING');
    await until(() => words.length === 1, 'the first event is here');
    await away(() => {
      void factory.failure(adaptor, 'no_space', 'the disk is full');
      void factory.status(adaptor, 'FAILED');
    });
    expect(await rejection(build.finished())).to.include({ type: 'no_space', message: 'the disk is full' });
    await until(() => words.some(word => word.endsWith('FAILED')), 'the end is told');
    expect(words.filter(word => word.endsWith('FAILED'))).to.have.lengthOf(1);
    expect(words).to.include('failure no_space');
  });

  it('tells everybody of the end although a listener throws, and warns of that', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): unknown => warnings.push(warning.message);
    process.on('warning', onWarning);
    client.onEvent(() => {
      throw new Error('a bug of a listener');
    });
    const words = watchEvents();
    const build = await start();
    const adaptor = factory.adaptors[0]!;
    await factory.status(adaptor, 'BUILDING');
    await until(() => words.includes('BUILDING'), 'the first event is told');
    await away(() => adaptor.update({ status: 'FAILED' }));
    await until(() => words.includes('+FAILED'), 'the end is told');
    expect(words).to.include('+failure unknown');
    expect(await rejection(build.finished())).to.be.instanceOf(BuildFailedError);
    process.off('warning', onWarning);
    expect(warnings).to.include('a bug of a listener');
  });

  it('notices an event that was lost without a gap', async () => {
    await client.close();
    client = await connect({ silence: 30 });
    const words = watchEvents();
    const build = await start();
    const adaptor = factory.adaptors[0]!;
    await factory.status(adaptor, 'BUILDING');
    adaptor.update({ status: 'COMPLETED', finished_image: '/lost' });
    expect(await build.finished()).to.equal('/lost');
    await until(() => words.includes('+COMPLETED'), 'the end is told');
  });

  it('says of a restarted agent that the end is unknown, to a waiting reader and in events()', async () => {
    const words = watchEvents();
    const build = await start();
    await factory.status(factory.adaptors[0]!, 'BUILDING');
    await until(() => words.length === 1, 'the first event is here');
    const changes = build.changes();
    expect(await changes.next()).to.deep.include({ done: false });
    const waiting = rejection(changes.next());
    const { instance } = (await client.findFactory()).agent.info;
    await factory.leave();
    const restarted = await ScriptedFactory.start({ broker: factory.broker, instance, epoch: 2 });
    try {
      const error = await waiting;
      expect(error).to.include({ code: 'agent_unknown', retryable: true });
      expect(String(error)).to.include('was restarted and does not know');
      await until(() => words.includes('+failure unknown'), 'events() tells it');
    } finally {
      await restarted.leave();
    }
  });

  it('tells an agent that is gone from a bus that is gone', async () => {
    await client.close();
    client = await connect({ maxAgentAge: 50, retry: { maxAttempts: 1 } });
    const build = await start();
    // Three intervals of the agent, which beats every second.
    await factory.leave();
    const agentGone = await rejection(build.finished());
    expect(agentGone).to.be.instanceOf(QmfError).and.to.include({ code: 'agent_unknown' });
    expect(String(agentGone)).to.include('while the bus is there');

    const other = await ScriptedFactory.start({ broker: factory.broker });
    try {
      const next = await (await client.findFactory()).buildImage(order);
      const events = client.events();
      const watching = rejection(Promise.all([next.finished(), events.next()]));
      const ended = rejection(events.next());
      await factory.broker.stop();
      expect(await watching)
        .to.have.property('code')
        .that.is.oneOf(['connection_lost', 'unreachable']);
      await ended;
    } finally {
      await other.leave();
    }
  });

  it('ends every waiting loop when it is closed', async () => {
    const build = await start();
    const changes: BuildChange[] = [];
    const reading = (async () => {
      for await (const change of build.changes()) changes.push(change);
    })();
    const finished = rejection(build.finished());
    const events = client.events().next();
    await client.close();
    await reading;
    expect(await finished).to.include({ code: 'closed' });
    expect(await events).to.deep.include({ done: true });
  });

  it('drops progress before the ends of builds for a slow reader, and says how much', async () => {
    const events = client.events({ limit: 8 });
    let seen = 0;
    client.onEvent(() => seen++);
    await start();
    const adaptor = factory.adaptors[0]!;
    await factory.status(adaptor, 'BUILDING');
    for (let percent = 1; percent <= 40; percent++) await factory.percent(adaptor, percent);
    await factory.failure(adaptor, 'no_space', 'the disk is full');
    await factory.status(adaptor, 'FAILED');
    await until(() => seen === 43, 'all events are here');
    const kept: string[] = [];
    let dropped = 0;
    for await (const event of events) {
      dropped += event.droppedBefore;
      kept.push(event.className);
      if (event.values['new_status'] === 'FAILED') break;
    }
    expect(kept).to.have.lengthOf(8);
    expect(kept[0]).to.equal('BuildAdaptorStatusEvent');
    expect(kept.slice(-2)).to.deep.equal(['BuildFailedEvent', 'BuildAdaptorStatusEvent']);
    expect(dropped).to.equal(43 - 8);
    expect(client.droppedEvents).to.equal(43 - 8);
  });
});
