import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RunningBroker, startBroker } from '../broker/index.js';
import type { BareMessage } from '../codec/amqp10-message.js';
import { FakeTimers, turn } from '../connection/fake-timers.test.fixture.js';
import { FakeTransport } from '../connection/fake-transport.test.fixture.js';
import { BusConnection } from '../connection/index.js';
import { BIND_EVENT_KEY, encodeBindEvent, SUBSCRIBE_EVENT_KEY } from '../message/bind-event.js';
import type { Envelope } from '../message/envelope.js';
import { connectTo } from '../testing/brokers.test.fixture.js';
import { until } from '../testing/poll.test.fixture.js';
import { opcodeIn, RawPeer } from '../testing/raw-peer.test.fixture.js';
import type { Transport } from '../transport/index.js';
import { mapOf } from '../value/text.js';
import { int32, type ValueMap } from '../value/value.js';
import { bodyList } from './agent.test.fixture.js';
import { AgentSession } from './agent-session.js';
import { Arrivals } from './arrivals.js';
import { bindingSourcesOf } from './binding-sources.js';

const topic = 'qmf.default.topic';
const name = { vendor: 'example.com', product: 'arrivals', instance: '1' };
const heartbeatKey = 'agent.ind.heartbeat.example_com.arrivals.1';

const qpidd = { vendor: 'apache.org', product: 'qpidd', instance: 'x' };

function event(key: string, exchange = topic): Omit<Envelope, 'to'> & { subject: string } {
  const forged = { exchange, key, queue: 'q', user: 'u', host: 'h' };
  return encodeBindEvent(qpidd, forged, 1n);
}

function valuesIn(message: BareMessage): ValueMap {
  return mapOf(bodyList(message)[0]?.get('_values')) ?? new Map();
}

function isHeartbeat(message: BareMessage): boolean {
  return opcodeIn(message) === '_agent_heartbeat_indication' && message.subject === heartbeatKey;
}

describe('a console that sends no locate request (embedded broker)', () => {
  let broker: RunningBroker;
  let connection: BusConnection;
  let agent: AgentSession;
  const peers: RawPeer[] = [];
  const peer = async (): Promise<RawPeer> => {
    const opened = await RawPeer.connect(broker.port);
    peers.push(opened);
    return opened;
  };
  /** Bindings of all exchanges. */
  const bindings = (): number =>
    broker.stats().exchanges.reduce((sum, exchange) => sum + exchange.bindings, 0);
  /** Waits until the agent listens to announcements: the fifth binding, beside its address, requests to all, its name and its heartbeats. */
  const settled = async (): Promise<void> => {
    await until('the agent listens', () => bindings() === 5);
  };
  const start = async (domain = 'default'): Promise<void> => {
    broker = await startBroker({ exchanges: { 'qmf.lab.topic': 'topic', 'qmf.lab.direct': 'direct' } });
    connection = await connectTo(broker.url);
    // Its next heartbeat by time would come in an hour.
    agent = new AgentSession(connection, { ...name, interval: 3_600, domain });
    await agent.open();
    await settled();
  };
  afterEach(async () => {
    for (const opened of peers.splice(0)) await opened.close();
    agent.close();
    await connection.close();
    await broker.stop();
  });

  for (const key of ['agent.#', 'agent.ind.#', 'agent.ind.heartbeat.example_com.*.#', '#', '#.1']) {
    it(`is sent a heartbeat at once when it binds ${key}`, async () => {
      await start();
      const inbox = await (await peer()).listen(topic, key);
      expect(await inbox.next(isHeartbeat)).to.include({ subject: heartbeatKey });
    });
  }

  it('is noticed in another domain too', async () => {
    await start('lab');
    const inbox = await (await peer()).listen('qmf.lab.topic', 'agent.#');
    await inbox.next(isHeartbeat);
  });

  it('is noticed again after the broker was away', async () => {
    await start();
    broker.dropConnections();
    await until('it is back', () => connection.statistics.reconnects === 1);
    await settled();
    const listener = await peer();
    // The first may be sent a heartbeat that the new connection alone is the reason for.
    for (let console = 0; console < 2; console++) {
      const inbox = await listener.listen(topic, 'agent.#');
      await inbox.next(isHeartbeat);
    }
  });

  it('does not see the announcements unless it names them, and its own binding as qpidd announces it if it does', async () => {
    await start();
    const listener = await peer();
    const all = await listener.listen(topic, 'agent.#');
    const named = await listener.listen(topic, `${BIND_EVENT_KEY}.#`);
    await listener.listen(topic, 'mine.#');
    const message = await named.next(each => valuesIn(each).get('key') === 'mine.#');
    expect(message.subject).to.match(
      /^agent\.ind\.event\.org_apache_qpid_broker\.bind\.info\.imagefactory_org\.embedded-broker\.[\w-]+$/,
    );
    expect(message.contentType).to.equal('amqp/list');
    expect([...(message.applicationProperties ?? [])].map(([key]) => key)).to.include.members([
      'method',
      'qmf.agent',
      'qmf.content',
      'qmf.opcode',
    ]);
    const values = valuesIn(message);
    expect([...values.keys()]).to.deep.equal(['args', 'exName', 'key', 'qName', 'rhost', 'user']);
    expect(values.get('exName')).to.equal(topic);
    expect(all.messages.some(({ subject }) => subject?.startsWith(BIND_EVENT_KEY))).to.equal(false);
  });
});

describe('announcements of bindings', () => {
  let broker: RunningBroker;
  let connection: BusConnection;
  let timers: FakeTimers;
  let arrivals: Arrivals;
  let announced: number;
  beforeEach(async () => {
    broker = await startBroker({ users: { agent: 'a', outsider: { password: 'o', role: 'console' } } });
    timers = new FakeTimers();
    announced = 0;
  });
  afterEach(async () => {
    arrivals.close();
    await connection.close();
    await broker.stop();
  });
  const options = (debug: (text: string) => void = () => undefined) => ({
    exchange: topic,
    key: () => heartbeatKey,
    announce: () => {
      announced++;
    },
    log: { debug, warn: () => expect.fail('nothing is wrong') },
    timers,
  });

  it('cost one heartbeat a second at most, however many are forged, and nothing where they make no sense', async () => {
    connection = await connectTo(broker.url, { user: 'agent', password: 'a' });
    arrivals = new Arrivals(connection, options());
    await arrivals.ready;
    expect(announced).to.equal(0);
    const seen: string[] = [];
    await connection.bind({ exchange: topic, exchangeType: 'topic', key: 'marker', create: false }, () =>
      seen.push('marker'),
    );
    const send = (message: Omit<Envelope, 'to'>, subject: string): Promise<void> =>
      connection.send({ ...message, to: { node: topic, subject } }, { whileAway: 'fail' });
    const flood = async (forged: readonly (Omit<Envelope, 'to'> & { subject: string })[]): Promise<void> => {
      for (const message of forged) await send(message, message.subject);
      seen.length = 0;
      await send({ headers: new Map(), body: { form: 'none' } }, 'marker');
      await until('all before it has come', () => seen.length === 1);
    };
    await flood(Array.from({ length: 300 }, () => event('agent.#')));
    expect(announced).to.equal(1);
    await timers.pass(999);
    expect(announced).to.equal(1);
    await timers.pass(1);
    expect(announced).to.equal(2);
    await timers.pass(10_000);
    expect(announced).to.equal(2);
    const senseless: Omit<Envelope, 'to'>[] = [
      event('agent.ind.event.#'),
      event('direct-console.x'),
      event('agent.#', 'qmf.other.topic'),
      event('#'.repeat(100)),
      event(''),
      { headers: new Map(), body: { form: 'none' } },
      { headers: new Map(), body: { form: 'value', value: 'text' } },
      { headers: new Map(), body: { form: 'value', value: [int32(1), null, [], new Map()] } },
      { headers: new Map(), contentType: 'amqp/list', body: { form: 'data', bytes: Buffer.from('no list') } },
    ];
    await flood(senseless.map(message => ({ ...message, subject: `${BIND_EVENT_KEY}.info` })));
    expect(announced).to.equal(2);
    await flood([event('agent.#')]);
    expect(announced).to.equal(3);
  });

  it('are done without where the broker refuses them', async () => {
    connection = await connectTo(broker.url, { user: 'outsider', password: 'o' });
    const said: string[] = [];
    arrivals = new Arrivals(
      connection,
      options(text => said.push(text)),
    );
    await until('it was refused', () => said.length > 0);
    expect(said).to.have.length(1);
    expect(connection.state).to.equal('open');
    expect(announced).to.equal(0);
  });

  it('are not asked for any more where that has cost the connection twice', async () => {
    const fake = new FakeTransport();
    fake.onBind = () => {
      // As a broker that ends the session over a refusal.
      queueMicrotask(() => fake.wire.break());
      return new Promise(() => undefined);
    };
    const transport: Transport = {
      description: fake.description,
      dial: async signal => Object.assign(await fake.dial(signal), { peer: { product: 'qpid-cpp' } }),
    };
    connection = new BusConnection(transport, { timers });
    arrivals = new Arrivals(connection, options());
    connection.start();
    for (let second = 0; second < 600; second++) await timers.pass(1_000);
    await turn();
    expect(fake.wires).to.have.length(3);
    expect(connection.state).to.equal('open');
  });
});

describe('brokers that announce bindings', () => {
  const keys = (product?: string): readonly string[] =>
    bindingSourcesOf(product === undefined ? {} : { product }).map(({ binding }) => binding.key);

  it('are known by their product; others are not asked', () => {
    expect(keys('qpid-cpp')).to.deep.equal([`${BIND_EVENT_KEY}.#`, `${SUBSCRIBE_EVENT_KEY}.#`]);
    expect(keys('imagefactory-embedded-broker')).to.deep.equal([`${BIND_EVENT_KEY}.#`]);
    for (const product of ['apache-activemq-artemis', 'qpid-broker-j', undefined])
      expect(keys(product)).to.deep.equal([]);
    const [rabbit] = bindingSourcesOf({ product: 'RabbitMQ' });
    expect(rabbit?.binding).to.include({ exchange: 'amq.rabbitmq.event', key: 'binding.created' });
    const headers = new Map([
      ['source_name', topic],
      ['source_kind', 'exchange'],
      ['routing_key', 'agent.#'],
    ]);
    const envelope = { to: { node: 'amq.rabbitmq.event' }, headers, body: { form: 'none' } } as const;
    expect(rabbit?.read(envelope, topic)).to.deep.equal([{ exchange: topic, key: 'agent.#' }]);
  });

  it('tell of a receiver of AMQP 1.0 by the name of its queue', () => {
    const [, subscriptions] = bindingSourcesOf({ product: 'qpid-cpp' });
    const found = (queue: string): readonly unknown[] => {
      const content = encodeBindEvent(qpidd, { exchange: '', key: '', queue, user: '', host: '' }, 1n);
      return subscriptions?.read({ to: { node: topic }, ...content }, topic) ?? [];
    };
    for (const queue of [`container_${topic}_b1c2`, `host-${topic}`])
      expect(found(queue)).to.deep.equal([{ exchange: topic, key: '#' }]);
    for (const queue of ['qmf-1_from.2', 'container_qmf.lab.topic', ''])
      expect(found(queue)).to.deep.equal([]);
  });
});
