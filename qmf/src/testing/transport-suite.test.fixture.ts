import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { decodeMap, encodeMap } from '../codec/amqp010.js';
import type { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import type { Binding, Transport, Wire } from '../transport/index.js';
import { toValue } from '../value/convert.js';
import { double, Int, int32, int64, uint64, Uuid, type Value, type ValueMap } from '../value/value.js';
import { startProxy } from './cuttable-proxy.test.fixture.js';
import { failure, until } from './poll.test.fixture.js';

/** A queue of a foreign client, as scripts use it for answers. */
export interface ForeignQueue {
  readonly name: string;
  /** Bodies that arrived. */
  readonly bodies: readonly Uint8Array[];
  close(): Promise<void>;
}

export interface SubjectBroker {
  readonly url: string;
  /** Cuts all connections off; only brokers of our own can. */
  dropConnections?(): void;
  stop(): Promise<void>;
}

/** A transport with a broker that it is tested on. */
export interface TransportSubject {
  start(): Promise<SubjectBroker>;
  transport(url: string, options?: { idleTimeout?: number }): Transport;
  openQueue(url: string): Promise<ForeignQueue>;
  /** Where the version of AMQP has no such type: what arrives in its place. */
  readonly substitutes: ReadonlyMap<string, Value>;
  /** Whether the time to live gets through. */
  readonly carriesTtl: boolean;
  /** Whether a connection goes on after a binding to an exchange of another type. */
  readonly outlivesTypeConflict: boolean;
}

const never = (): AbortSignal => new AbortController().signal;

/** Headers of every type that a value can have. */
const headers: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['qmf.opcode', '_query_response'],
  ['partial', null],
  ['text', 'Bär 🐻'],
  ['empty', ''],
  ['yes', true],
  ['no', false],
  ['int8', new Int('int8', -128)],
  ['uint8', new Int('uint8', 255)],
  ['int16', new Int('int16', -32768)],
  ['uint16', new Int('uint16', 65535)],
  ['int32', int32(-2147483648)],
  ['uint32', new Int('uint32', 4294967295)],
  ['int64', int64(-9223372036854775807n)],
  ['timestamp', uint64(1_700_000_000_123_456_789n)],
  ['uint64', uint64(18446744073709551615n)],
  ['double', double(0.1)],
  ['binary', Buffer.from([0, 255, 128])],
  ['uuid', Uuid.parse('00112233-4455-6677-8899-aabbccddeeff')],
]);

/** What every transport must do on every broker; defines the tests inside the caller's `describe`. */
export function transportSuite(subject: TransportSubject): void {
  let broker: Awaited<ReturnType<TransportSubject['start']>>;
  let wire: Wire;
  const wires: Wire[] = [];
  // Names of its own for each test, so that they may share a broker.
  let topic: string;
  let direct: string;

  const dial = async (url = broker.url): Promise<Wire> => {
    const opened = await subject.transport(url).dial(never());
    wires.push(opened);
    return opened;
  };
  const binding = (exchangeType: 'topic' | 'direct', key: string): Binding => ({
    exchange: exchangeType === 'topic' ? topic : direct,
    exchangeType,
    key,
    create: true,
  });
  const to = (node: string, subject: string | undefined, count: number): Envelope => ({
    to: { node, ...(subject === undefined ? {} : { subject }) },
    headers: new Map<string, Value>([['count', int32(count)]]),
    contentType: 'amqp/map',
    body: { form: 'data', bytes: encodeMap(new Map([['count', int32(count)]])) },
  });
  const listen = async (on: Wire, to: Binding): Promise<{ received: Envelope[]; release: () => void }> => {
    const received: Envelope[] = [];
    return { received, release: await on.bind(to, envelope => received.push(envelope)) };
  };
  const counts = (envelopes: readonly Envelope[]): unknown[] =>
    envelopes.map(({ headers }) => (headers.get('count') as Int | undefined)?.value);

  beforeEach(async () => {
    const tag = randomUUID();
    topic = `qmf.${tag}.topic`;
    direct = `qmf.${tag}.direct`;
    broker = await subject.start();
    wire = await dial();
  });
  afterEach(async () => {
    await Promise.all(wires.splice(0).map(each => each.close()));
    await broker.stop();
  });

  it('routes by key: patterns on topic exchanges, whole keys on direct ones', async () => {
    const events = await listen(wire, binding('topic', 'agent.ind.#'));
    const word = await listen(wire, binding('topic', 'agent.*.x'));
    const direct1 = await listen(wire, binding('direct', 'a.b:c d'));
    const direct2 = await listen(wire, binding('direct', 'agent.ind.#'));
    const sender = await dial();
    for (const [index, key] of ['agent.ind', 'agent.ind.x', 'agent.ind.x.y', 'agent', 'console.x'].entries())
      await sender.send(to(topic, key, index));
    for (const [index, key] of ['a.b:c d', 'agent.ind.x', 'agent.ind.#'].entries())
      await sender.send(to(direct, key, index));
    await until('the last has come', () => direct2.received.length === 1);
    await until('all have come', () => events.received.length === 3 && word.received.length === 1);
    expect(counts(events.received)).to.deep.equal([0, 1, 2]);
    expect(counts(word.received)).to.deep.equal([1]);
    expect(counts(direct1.received)).to.deep.equal([0]);
    expect(counts(direct2.received)).to.deep.equal([2]);
    expect(events.received[1]?.to.subject).to.equal('agent.ind.x');
  });

  it('delivers once to each of two bindings that match', async () => {
    const first = await listen(wire, binding('topic', 'a.#'));
    const second = await listen(wire, binding('topic', '#.b'));
    const twin = await listen(wire, binding('topic', 'a.#'));
    await wire.send(to(topic, 'a.b', 1));
    await wire.send(to(topic, 'a.c', 2));
    await until('all have come', () => first.received.length === 2 && twin.received.length === 2);
    await until('the other too', () => second.received.length === 1);
    twin.release();
    await wire.send(to(topic, 'nobody', 0)); // when this is accepted, the broker knows of the release
    await wire.send(to(topic, 'a.d', 3));
    await until('the remaining one gets it', () => first.received.length === 3);
    expect([counts(first.received), counts(second.received), counts(twin.received)]).to.deep.equal([
      [1, 2, 3],
      [1],
      [1, 2],
    ]);
  });

  it('stops delivering what was released, and binds it again', async () => {
    const before = await listen(wire, binding('topic', 'x'));
    const fence = await listen(wire, binding('topic', 'fence'));
    before.release();
    before.release();
    await wire.send(to(topic, 'x', 1));
    await wire.send(to(topic, 'fence', 1));
    await until('the fence has come', () => fence.received.length === 1);
    const after = await listen(wire, binding('topic', 'x'));
    await wire.send(to(topic, 'x', 2));
    await until('the second has come', () => after.received.length === 1);
    expect([counts(before.received), counts(after.received)]).to.deep.equal([[], [2]]);
  });

  it('keeps the order of a thousand messages sent at once', async () => {
    const { received } = await listen(wire, binding('topic', '#'));
    const sender = await dial();
    const all = Array.from({ length: 1_000 }, (_, index) => index);
    await Promise.all(all.map(index => sender.send(to(topic, `k.${index % 7}`, index))));
    await until('all have come', () => received.length === all.length);
    expect(counts(received)).to.deep.equal(all);
  });

  it('carries the whole envelope', async () => {
    const { received } = await listen(wire, binding('topic', 'k'));
    const body = toValue({ list: [1, 2.5, null, 'x', { deep: true }], bytes: Buffer.from([1, 2, 255]) });
    await wire.send({
      to: { node: topic, subject: 'k' },
      replyTo: { node: topic, subject: 'direct-console.1/2' },
      correlationId: '17',
      messageId: 'mid-1',
      contentType: 'amqp/map',
      ttl: 60_000,
      headers,
      body: { form: 'data', bytes: encodeMap(body as ValueMap) },
    });
    const envelope = await until('it has come', () => received[0]);
    expect(envelope.replyTo).to.deep.equal({ node: topic, subject: 'direct-console.1/2' });
    expect(envelope.correlationId).to.equal('17');
    expect(envelope.messageId).to.equal('mid-1');
    expect(envelope.contentType).to.equal('amqp/map');
    if (subject.carriesTtl) expect(envelope.ttl).to.be.within(1, 60_000);
    expect(envelope.body.form === 'data' && decodeMap(envelope.body.bytes)).to.deep.equal(body);
    for (const [name, value] of headers) {
      expect(envelope.headers.get(name), name).to.deep.equal(subject.substitutes.get(name) ?? value);
    }
  });

  it('answers to the name of a queue', async () => {
    const queue = await subject.openQueue(broker.url);
    await wire.send(to(queue.name, undefined, 5));
    await until('it has come', () => queue.bodies.length === 1);
    expect(decodeMap(queue.bodies[0] ?? Buffer.alloc(0))).to.deep.equal(new Map([['count', int32(5)]]));
    await queue.close();
  });

  it('says that there is no queue or exchange of a name, and goes on', async () => {
    const refused = [to(`none-${randomUUID()}`, undefined, 1), to(`none-${randomUUID()}`, 'key', 2)];
    for (const error of await Promise.all(refused.map(envelope => failure(wire.send(envelope)))))
      expect(error.code).to.equal('address_refused');
    const { received } = await listen(wire, binding('topic', 'k'));
    await wire.send(to(topic, 'k', 3));
    await until('it has come', () => received.length === 1);
  });

  it('takes what nobody listens to', async () => {
    await listen(wire, binding('topic', 'k'));
    await wire.send(to(topic, 'nobody', 1));
  });

  it('carries a body of 1 MB', async () => {
    const { received } = await listen(wire, binding('topic', 'big'));
    const bytes = randomBytes(1 << 20);
    await wire.send({ ...to(topic, 'big', 1), body: { form: 'data', bytes } });
    const { body } = await until('it has come', () => received[0], 10_000);
    expect(body.form === 'data' && Buffer.compare(body.bytes, bytes)).to.equal(0);
  });

  it('refuses a binding to an exchange of another type', async () => {
    const { received } = await listen(wire, binding('topic', 'k'));
    const other: Binding = { exchange: topic, exchangeType: 'direct', key: 'k', create: true };
    expect((await failure(wire.bind(other, () => undefined))).code).to.equal('address_refused');
    if (!subject.outlivesTypeConflict) return;
    await wire.send(to(topic, 'k', 1));
    await until('it has come', () => received.length === 1);
  });

  it('settles everything when the connection is cut', async () => {
    const proxy = await startProxy(broker.url);
    try {
      const cut = await dial(proxy.url);
      await listen(wire, binding('topic', 'k'));
      await cut.send(to(topic, 'k', 0));
      const sends = Array.from({ length: 500 }, (_, index) => cut.send(to(topic, 'k', index)));
      const binds = [cut.bind(binding('topic', 'late'), () => undefined)];
      const settled = Promise.allSettled([...sends, ...binds]);
      proxy.cut();
      const reasons = (await settled)
        .filter(result => result.status === 'rejected')
        .map(({ reason }) => (reason as QmfError).code);
      expect(new Set(reasons)).to.deep.equal(new Set(['connection_lost']));
      expect((await cut.closed)?.code).to.equal('connection_lost');
      expect((await failure(cut.send(to(topic, 'k', 1)))).code).to.equal('connection_lost');
      expect((await failure(cut.bind(binding('topic', 'k'), () => undefined))).code).to.equal(
        'connection_lost',
      );
      await cut.close();
    } finally {
      await proxy.stop();
    }
  });

  it('settles everything when it is closed', async () => {
    const proxy = await startProxy(broker.url);
    try {
      const closing = await dial(proxy.url);
      await listen(closing, binding('topic', 'k'));
      await closing.send(to(topic, 'k', 0));
      proxy.stall(); // so that nothing is settled by the broker
      const sends = Array.from({ length: 50 }, (_, index) => failure(closing.send(to(topic, 'k', index))));
      const bind = failure(closing.bind(binding('topic', 'late'), () => undefined));
      await Promise.all([closing.close(), closing.close()]);
      for (const error of await Promise.all([...sends, bind])) expect(error.code).to.equal('closed');
      expect(await closing.closed).to.equal(undefined);
      expect((await failure(closing.send(to(topic, 'k', 1)))).code).to.equal('closed');
    } finally {
      await proxy.stop();
    }
  });

  it('gives up dialling when told to', async () => {
    const proxy = await startProxy(broker.url);
    try {
      const stop = new AbortController();
      const dialling = failure(subject.transport(proxy.url).dial(stop.signal));
      stop.abort();
      expect((await dialling).code).to.equal('aborted');
      expect((await failure(subject.transport(proxy.url).dial(stop.signal))).code).to.equal('aborted');
    } finally {
      await proxy.stop();
    }
  });

  it('says that nobody is there', async () => {
    const proxy = await startProxy(broker.url);
    await proxy.stop();
    expect((await failure(subject.transport(proxy.url).dial(never()))).code).to.equal('unreachable');
  });
}
