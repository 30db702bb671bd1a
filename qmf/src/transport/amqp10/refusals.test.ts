import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import rhea, { type EventContext } from 'rhea';
import { type BrokerOptions, type RunningBroker, startBroker } from '../../broker/index.js';
import { QmfError, type QmfErrorCode } from '../../errors.js';
import type { Envelope } from '../../message/envelope.js';
import { failure, until } from '../../testing/poll.test.fixture.js';
import type { Binding, Wire } from '../transport.js';
import { amqp10, type Amqp10Options } from './amqp10.js';

const topic = 'qmf.default.topic';
const never = new AbortController().signal;
const binding: Binding = { exchange: topic, exchangeType: 'topic', key: '#', create: false };
const message = (node = topic, size = 10): Envelope => ({
  to: { node, subject: 'k' },
  headers: new Map(),
  body: { form: 'data', bytes: Buffer.alloc(size) },
});
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'sent',
    (error: unknown) => (error instanceof QmfError ? error.code : String(error)),
  );

/** What a message gets that waits, and one that is on its way, when the link ends with the condition. */
const conditions: readonly (readonly [string | undefined, QmfErrorCode, QmfErrorCode])[] = [
  ['amqp:internal-error', 'message_released', 'connection_lost'],
  ['amqp:not-found', 'address_refused', 'address_refused'],
  ['amqp:unauthorized-access', 'not_authorised', 'not_authorised'],
  ['amqp:decode-error', 'address_refused', 'address_refused'],
  ['amqp:resource-limit-exceeded', 'message_released', 'connection_lost'],
  ['amqp:not-allowed', 'address_refused', 'address_refused'],
  ['amqp:invalid-field', 'address_refused', 'address_refused'],
  ['amqp:not-implemented', 'address_refused', 'address_refused'],
  ['amqp:resource-locked', 'message_released', 'connection_lost'],
  ['amqp:precondition-failed', 'address_refused', 'address_refused'],
  ['amqp:resource-deleted', 'address_refused', 'address_refused'],
  ['amqp:illegal-state', 'message_released', 'connection_lost'],
  ['amqp:frame-size-too-small', 'address_refused', 'address_refused'],
  ['amqp:link:detach-forced', 'message_released', 'connection_lost'],
  ['amqp:link:transfer-limit-exceeded', 'message_released', 'connection_lost'],
  ['amqp:link:message-size-exceeded', 'address_refused', 'message_rejected'],
  ['amqp:link:redirect', 'address_refused', 'address_refused'],
  ['amqp:link:stolen', 'message_released', 'connection_lost'],
  ['com.example:of-their-own', 'address_refused', 'address_refused'],
  [undefined, 'message_released', 'connection_lost'],
];

describe('an AMQP 1.0 broker that says no', () => {
  let broker: RunningBroker;
  const wires: Wire[] = [];
  const dial = async (options?: Amqp10Options): Promise<Wire> => {
    const wire = await amqp10(broker.url, { onWarning: () => undefined, ...options }).dial(never);
    wires.push(wire);
    return wire;
  };
  const restart = async (options: BrokerOptions): Promise<void> => {
    await broker.stop();
    broker = await startBroker(options);
  };
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(async () => {
    await Promise.all(wires.splice(0).map(wire => wire.close()));
    await broker.stop();
  });

  for (const [condition, waiting, flying] of conditions) {
    const error = condition === undefined ? undefined : { condition };
    it(`to a link, with ${condition ?? 'no condition at all'}`, async () => {
      const wire = await dial();
      if (error !== undefined) {
        const refused = broker.faults.attach({ do: 'refuse', error });
        expect(await codeOf(wire.send(message())), 'never attached').to.equal(waiting);
        const bound = await failure(wire.bind(binding, () => undefined));
        expect(bound.code).to.equal(
          condition === 'amqp:unauthorized-access' ? 'not_authorised' : 'address_refused',
        );
        expect(bound.message).to.include(condition);
        refused.off();
      }
      await wire.send(message());
      broker.faults.publish(error === undefined ? { do: 'detach' } : { do: 'detach', error }, { times: 1 });
      expect(await codeOf(wire.send(message())), 'on its way').to.equal(flying);
      if (flying === 'connection_lost') {
        expect((await wire.closed)?.code).to.equal('connection_lost');
        return;
      }
      await wire.send(message()); // on a new link of the same connection
    });
  }

  it('to a link that listens: the connection is made anew, whatever the condition', async () => {
    for (const condition of ['amqp:resource-deleted', 'amqp:link:detach-forced']) {
      const wire = await dial();
      await wire.bind(binding, () => undefined);
      broker.faults.detach({ condition }, { role: 'receiver' });
      const reason = await wire.closed;
      expect(reason?.code).to.equal('connection_lost');
      expect(reason?.message).to.include(condition);
    }
  });

  it('to a message that is too large: that one alone, and before it is sent where the limit is known', async () => {
    const wire = await dial();
    await wire.send(message());
    broker.faults.publish(
      { do: 'detach', error: { condition: 'amqp:link:message-size-exceeded' } },
      { times: 1 },
    );
    const sends = [10, 5_000, 20].map(size => codeOf(wire.send(message(topic, size))));
    expect(await Promise.all(sends)).to.deep.equal([
      'connection_lost',
      'message_rejected',
      'connection_lost',
    ]);
    await restart({ maxMessageSize: 1_000 });
    const bounded = await dial();
    expect(await codeOf(bounded.send(message(topic, 2_000)))).to.equal('message_rejected');
    await bounded.send(message());
  });

  it('to a session and to a connection, with each of their conditions', async () => {
    const ends = [
      ...['window-violation', 'errant-link', 'handle-in-use', 'unattached-handle'].map(
        name => [`amqp:session:${name}`, 'session'] as const,
      ),
      ...['forced', 'framing-error', 'redirect'].map(
        name => [`amqp:connection:${name}`, 'connection'] as const,
      ),
    ];
    for (const [condition, what] of ends) {
      const wire = await dial();
      await wire.send(message());
      if (what === 'session') broker.faults.endSessions({ condition });
      else broker.faults.close({ condition });
      const reason = await wire.closed;
      expect(reason, condition).to.include({ code: 'connection_lost', retryable: true });
      expect(reason?.message).to.include(condition);
    }
  });

  it('released by a broker that means "nobody listens" is no error on an exchange', async () => {
    broker.faults.publish('release');
    const wire = await dial({ dialect: 'embedded' });
    expect(await codeOf(wire.send(message()))).to.equal('message_released');
    // Its addresses mean nothing to the embedded broker's relay, but the outcome is what counts.
    const rabbit = await dial({ dialect: 'rabbitmq4' });
    expect(await codeOf(rabbit.send(message()))).to.equal('sent');
    const toQueue = { ...message(), to: { node: 'gone' } };
    expect(await codeOf(rabbit.send(toQueue))).to.equal('address_refused');
  });

  it('to a dialect that was forced wrongly: names the option, and is no loss of the connection', async () => {
    const wire = await dial({ dialect: 'rabbitmq4' });
    const refused = await failure(wire.bind(binding, () => undefined));
    expect(refused).to.include({ code: 'address_refused', retryable: false });
    expect(refused.message).to.match(
      /^\/management: amqp:not-found: .*the dialect 'rabbitmq4' \(--dialect\)/,
    );
    // Nothing else on the connection has suffered.
    expect((await failure(wire.bind(binding, () => undefined))).code).to.equal('address_refused');
    broker.faults.attach({ do: 'refuse', error: { condition: 'amqp:resource-locked' } });
    const passing = await failure(wire.bind(binding, () => undefined));
    expect(passing).to.include({ code: 'connection_lost', retryable: true });
    expect(passing.message).not.to.include('dialect');
  });

  it('to it by ending the session, as RabbitMQ 3 does', async () => {
    const server = rhea.create_container({ id: 'rabbitmq3' });
    server.on('sender_open', ({ session }: EventContext) =>
      session!.close({ condition: 'amqp:invalid-field', description: 'unknown address' }),
    );
    for (const event of ['error', 'disconnected', 'session_error']) server.on(event, () => undefined);
    const listener = server.listen({ port: 0, host: '127.0.0.1' });
    await until('it listens', () => listener.listening);
    const { port } = listener.address() as AddressInfo; // TCP has no other kind of address
    const options = { dialect: 'rabbitmq4', onWarning: () => undefined } as const;
    const wire = await amqp10(`amqp://127.0.0.1:${port}`, options).dial(never);
    const refused = await failure(wire.bind(binding, () => undefined));
    expect(refused.code).to.equal('address_refused');
    expect(refused.message).to.match(/amqp:invalid-field: unknown address; .*--dialect/);
    // The session was the binding's own.
    await wire.close();
    expect(await wire.closed).to.equal(undefined);
    listener.close();
  });

  it('names the place that a redirect points to', async () => {
    const server = rhea.create_container({ id: 'elsewhere' });
    server.on('connection_open', ({ connection }: EventContext) => {
      connection.close({
        condition: 'amqp:connection:redirect',
        description: 'not here',
        info: { 'network-host': 'broker2.example', port: 5673 },
      });
    });
    for (const event of ['error', 'disconnected']) server.on(event, () => undefined);
    const listener = server.listen({ port: 0, host: '127.0.0.1' });
    await until('it listens', () => listener.listening);
    const { port } = listener.address() as AddressInfo; // TCP has no other kind of address
    // Whether it counts as open for a moment depends on how the bytes come.
    const ended = amqp10(`amqp://127.0.0.1:${port}`)
      .dial(never)
      .then(async wire => Promise.reject((await wire.closed) ?? new Error('closed by us')));
    expect((await failure(ended)).message).to.include('it names broker2.example:5673');
    listener.close();
  });

  it('refuses to go on with frames smaller than AMQP knows, which would never hold a message', async () => {
    const server = rhea.create_container({ id: 'small', max_frame_size: 40 });
    const listener = server.listen({ port: 0, host: '127.0.0.1', max_frame_size: 40 });
    server.on('disconnected', () => undefined);
    await until('it listens', () => listener.listening);
    const { port } = listener.address() as AddressInfo; // TCP has no other kind of address
    const error = await failure(amqp10(`amqp://127.0.0.1:${port}`).dial(never));
    expect(error.code).to.equal('unreachable');
    expect(error.message).to.match(/at most 40 bytes/);
    listener.close();
  });

  it('to all but small frames: messages are cut to them', async () => {
    await restart({ maxFrameSize: 512 });
    const wire = await dial();
    const received: Envelope[] = [];
    await wire.bind(binding, envelope => received.push(envelope));
    await wire.send(message(topic, 50_000));
    const { body } = await until('it has come', () => received[0]);
    expect(body.form === 'data' && body.bytes.length).to.equal(50_000);
  });

  it('to further links: an idle one makes room, and a binding is refused', async () => {
    await restart({ maxLinks: 2 });
    const wire = await dial();
    await wire.bind(binding, () => undefined);
    await wire.send(message());
    expect((await failure(wire.bind(binding, () => undefined))).code).to.equal('address_refused');
    await until('the other exchange has its turn', async () => {
      const code = await codeOf(wire.send(message('amq.topic')));
      expect(code).to.be.oneOf(['sent', 'message_released']);
      return code === 'sent';
    });
  });

  it('to further sessions, where each link needs its own', async () => {
    await restart({ maxSessions: 1 });
    const wire = await dial({ dialect: 'rabbitmq4' });
    const error = await failure(wire.send(message()));
    expect(error.code).to.equal('message_released');
    expect(error.message).to.match(/allows 1 sessions on a connection/);
  });

  it('to no message, but later than others: what has no credit holds nothing else up', async () => {
    const wire = await dial();
    await wire.send(message());
    const rule = broker.faults.withholdCredit({ address: topic });
    // More than the credit that the link was given when it was attached, all in one turn.
    const held = Array.from({ length: 700 }, () => codeOf(wire.send(message())));
    await wire.send(message('amq.topic'));
    rule.off();
    expect(new Set(await Promise.all(held))).to.deep.equal(new Set(['sent']));
  });

  it('to nothing: it only closes its session window for a while', async () => {
    const wire = await dial();
    broker.faults.publish({ do: 'delay', milliseconds: 30 });
    const sends = Array.from({ length: 2_500 }, () => codeOf(wire.send(message())));
    expect(new Set(await Promise.all(sends))).to.deep.equal(new Set(['sent']));
  });
});
