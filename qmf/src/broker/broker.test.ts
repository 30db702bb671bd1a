import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import rhea, { type Connection, type ConnectionOptions, type EventContext, type Receiver } from 'rhea';
import { decodeBareMessage, encodeBareMessage } from '../codec/amqp10-message.js';
import { QmfError } from '../errors.js';
import { deliverRaw } from '../rhea/raw-deliveries.js';
import { Int } from '../value/value.js';
import { brokerProduct, type BrokerOptions, type RunningBroker, startBroker } from './index.js';
import { until as poll } from '../testing/poll.test.fixture.js';

const topicFilter = (key: string) => ({ subject: rhea.types.wrap_described(key, 0x468c_0000_0001) });

describe('startBroker', () => {
  const running: RunningBroker[] = [];
  const clients: Connection[] = [];
  const start = async (options?: BrokerOptions) => {
    const broker = await startBroker(options);
    running.push(broker);
    return broker;
  };
  const client = (broker: RunningBroker, options: Partial<ConnectionOptions> = {}) => {
    const container = rhea.create_container();
    container.on('error', () => undefined);
    const connection = container.connect({
      host: broker.host,
      port: broker.port,
      reconnect: false,
      ...options,
    });
    for (const event of ['disconnected', 'connection_error', 'sender_error', 'receiver_error', 'settled']) {
      connection.on(event, () => undefined);
    }
    clients.push(connection);
    return connection;
  };
  afterEach(async () => {
    for (const connection of clients.splice(0)) connection.close();
    for (const broker of running.splice(0)) await broker.stop();
  });

  it('says in its open what it is', async () => {
    const broker = await start();
    const connection = client(broker);
    await once(connection, 'connection_open');
    expect(connection.properties).to.deep.equal({ product: brokerProduct, version: '0.1.0' });
    expect(connection['offered_capabilities']).to.deep.equal(['ANONYMOUS-RELAY']);
    expect(connection.container_id).to.be.a('string').that.is.not.empty;
    expect(broker.url).to.equal(`amqp://127.0.0.1:${broker.port}`);
  });

  it('passes the bytes of a message on unchanged, in one frame or in many', async () => {
    const broker = await start({ maxFrameSize: 1024 });
    const connection = client(broker);
    connection.on('session_open', ({ session }: EventContext) => session && deliverRaw(session));
    const receiver = connection.open_receiver({
      source: { address: 'qmf.default.topic', filter: topicFilter('#') },
    });
    await once(receiver, 'receiver_open');
    const sender = connection.open_sender('qmf.default.topic');
    await once(sender, 'sendable');
    for (const size of [0, 10, 900, 1024, 5000, 300_000]) {
      const bytes = encodeBareMessage({
        subject: 'a.b',
        ttl: 60_000,
        applicationProperties: new Map([['wide', new Int('uint64', 2n ** 63n)]]),
        body: { form: 'data', bytes: Buffer.alloc(size, 7) },
      });
      const arrival = once(receiver, 'message');
      sender.send(bytes, undefined, 0);
      const [context] = (await arrival) as [{ message: unknown }];
      expect(context.message).to.be.instanceOf(Buffer);
      expect(bytes.equals(context.message as Buffer), `${size} bytes`).to.equal(true);
      expect(decodeBareMessage(bytes).body.form).to.equal('data');
    }
  });

  it('lets links of one session share a name, one of each direction', async () => {
    const connection = client(await start());
    const receiver = connection.open_receiver({ name: 'same', source: { address: 'amq.topic' } });
    await once(receiver, 'receiver_open');
    // rhea as a client keeps links by name too, so it has to forget the first one's.
    const session = receiver.session as unknown as { links: Record<string, unknown> };
    session.links = { other: receiver };
    const sender = connection.open_sender({ name: 'same', target: { address: 'amq.topic' } });
    await once(sender, 'sendable');
    const arrival = once(receiver, 'message');
    sender.send({ subject: 'x', body: 'through' });
    const [context] = (await arrival) as [EventContext];
    expect(context.message?.body).to.equal('through');
  });

  describe('SASL', () => {
    const users = { alice: 'a secret', bob: '' };
    const outcome = async (connection: Connection) =>
      await Promise.race([
        once(connection, 'connection_open').then(() => 'open'),
        once(connection, 'connection_error').then(() => 'refused'),
        once(connection, 'disconnected').then(() => 'cut'),
      ]);

    it('lets users in by their password only', async () => {
      const broker = await start({ users });
      expect(await outcome(client(broker, { username: 'alice', password: 'a secret' }))).to.equal('open');
      expect(await outcome(client(broker, { username: 'alice', password: 'wrong' }))).to.equal('refused');
      expect(await outcome(client(broker, { username: 'nobody', password: 'a secret' }))).to.equal('refused');
      expect(await outcome(client(broker, { username: 'anonymous' }))).to.equal('refused');
      expect(await outcome(client(broker))).to.equal('cut');
    });

    it('closes the socket after a wrong password, without waiting for the peer', async () => {
      const broker = await start({ users, handshakeTimeout: 60_000 });
      const socket = connect({ host: broker.host, port: broker.port, allowHalfOpen: true });
      const response = Buffer.from('\0alice\0wrong');
      const init = Buffer.from([0, 0, 0, 0, 2, 1, 0, 0, 0, 0x53, 0x41, 0xc0, 0, 2, 0xa3, 5]);
      const frame = Buffer.concat([
        init,
        Buffer.from('PLAIN'),
        Buffer.from([0xa0, response.length]),
        response,
      ]);
      frame.writeUInt32BE(frame.length, 0);
      frame[12] = frame.length - 13;
      socket.write(Buffer.concat([Buffer.from('AMQP\x03\x01\0\0', 'latin1'), frame]));
      socket.resume();
      await once(socket, 'end');
      socket.destroy();
    });

    it('takes ANONYMOUS beside users when told to', async () => {
      const broker = await start({ users, allowAnonymous: true });
      expect(await outcome(client(broker, { username: 'anonymous' }))).to.equal('open');
      expect(await outcome(client(broker))).to.equal('open');
      expect(await outcome(client(broker, { username: 'alice', password: 'a secret' }))).to.equal('open');
    });

    it('closes the link of who sends under the name of somebody else', async () => {
      const broker = await start({ users });
      const connection = client(broker, { username: 'alice', password: 'a secret' });
      const sender = connection.open_sender('amq.topic');
      await once(sender, 'sendable');
      const accepted = once(sender, 'accepted');
      sender.send({ user_id: 'alice', subject: 'x', body: 1 });
      await accepted;
      const refused = once(sender, 'sender_error');
      sender.send({ user_id: 'bob', subject: 'x', body: 1 });
      await refused;
      expect(sender.error).to.have.property('condition', 'amqp:not-allowed');
    });

    it('lets one who has shown no password send under no name but anonymous', async () => {
      const broker = await start({ users, allowAnonymous: true });
      for (const login of [{ username: 'anonymous' }, {}]) {
        const sender = client(broker, login).open_sender('amq.topic');
        await once(sender, 'sendable');
        const accepted = once(sender, 'accepted');
        sender.send({ user_id: 'anonymous', subject: 'x', body: 1 });
        await accepted;
        const refused = once(sender, 'sender_error');
        sender.send({ user_id: 'alice', subject: 'x', body: 1 });
        await refused;
        expect(sender.error).to.have.property('condition', 'amqp:not-allowed');
      }
    });

    it('goes on with a peer that does not wait for the outcome', async () => {
      const broker = await start();
      const socket = connect({ host: broker.host, port: broker.port });
      const init = Buffer.from([0, 0, 0, 26, 2, 1, 0, 0, 0, 0x53, 0x41, 0xc0, 13, 1, 0xa3, 10]);
      const mechanism = Buffer.from('ANONYMOUS');
      init[3] = init.length + mechanism.length;
      init[12] = mechanism.length + 3;
      init[15] = mechanism.length;
      const open = Buffer.from([0, 0, 0, 17, 2, 0, 0, 0, 0, 0x53, 0x10, 0xc0, 4, 1, 0xa1, 1, 0x63]);
      socket.write(
        Buffer.concat([
          Buffer.from('AMQP\x03\x01\0\0', 'latin1'),
          init,
          mechanism,
          Buffer.from('AMQP\0\x01\0\0', 'latin1'),
          open,
        ]),
      );
      let received = Buffer.alloc(0);
      socket.on('data', chunk => {
        received = Buffer.concat([received, chunk]);
      });
      await until(() => received.includes(Buffer.from(brokerProduct)));
      socket.destroy();
    });
  });

  describe('bounds', () => {
    /** Sends until told how many were accepted and released. */
    const publish = async (connection: Connection, count: number, size: number) => {
      const sender = connection.open_sender('amq.topic');
      const seen = { accepted: 0, released: 0 };
      sender.on('accepted', () => seen.accepted++);
      sender.on('released', () => seen.released++);
      const bytes = encodeBareMessage({
        subject: 'flood',
        body: { form: 'data', bytes: Buffer.alloc(size) },
      });
      let sent = 0;
      await until(() => {
        for (let burst = 0; burst < 50 && sent < count && sender.sendable(); burst++, sent++) {
          sender.send(bytes, undefined, 0);
        }
        return seen.accepted + seen.released === count;
      });
      return seen;
    };
    const counter = async (receiver: Receiver) => {
      let arrived = 0;
      receiver.on('message', () => arrived++);
      await once(receiver, 'receiver_open');
      return () => arrived;
    };

    it('keeps a consumer without credit from eating memory, and serves the others', async () => {
      const broker = await start({ queueBounds: { maxMessages: 100 } });
      const dead = client(broker).open_receiver({ source: { address: 'amq.topic' }, credit_window: 0 });
      await once(dead, 'receiver_open');
      const alive = await counter(client(broker).open_receiver('amq.topic'));
      expect(await publish(client(broker), 1000, 10)).to.deep.equal({ accepted: 100, released: 900 });
      await until(() => alive() === 1000);
      const queues = broker.stats().queues;
      expect(queues.map(queue => [queue.messages, queue.refused])).to.deep.equal([
        [100, 900],
        [0, 0],
      ]);
    });

    it('drops the oldest for a dead consumer where it is told to', async () => {
      const broker = await start({ queueBounds: { maxMessages: 100, whenFull: 'ring' } });
      const dead = client(broker).open_receiver({ source: { address: 'amq.topic' }, credit_window: 0 });
      await once(dead, 'receiver_open');
      expect(await publish(client(broker), 1000, 10)).to.deep.equal({ accepted: 1000, released: 0 });
      expect(broker.stats().queues[0]).to.include({ messages: 100, overwritten: 900 });
    });

    it('stops feeding a peer that gives credit but does not read', async () => {
      const broker = await start({ queueBounds: { maxBytes: 1 << 20 } });
      const dead = client(broker);
      const receiver = dead.open_receiver({ source: { address: 'amq.topic' }, credit_window: 0 });
      await once(receiver, 'receiver_open');
      receiver.add_credit(1_000_000);
      const alive = await counter(client(broker).open_receiver('amq.topic'));
      // rhea's socket; the typings leave it out.
      (dead as unknown as { socket: { pause(): void } }).socket.pause();
      const { accepted, released } = await publish(client(broker), 2000, 20_000);
      expect(accepted + released).to.equal(2000);
      expect(released).to.be.above(0);
      // The reader may fall behind for a moment too, but it is never stuck.
      await until(() => alive() + (broker.stats().queues[1]?.refused ?? 0) === 2000);
      // 40 MB were published; what waits for the dead peer is a queue, a socket buffer and the kernel's.
      expect(broker.stats().queues[0]?.bytes).to.be.at.most(1 << 20);
      (dead as unknown as { socket: { resume(): void } }).socket.resume();
      await until(() => broker.stats().queues[0]?.messages === 0);
    });
  });

  it('closes every connection when it stops, and tells why', async () => {
    const broker = await start({ handshakeTimeout: 3_600_000 }); // whoever says nothing is not waited for
    const connection = client(broker);
    await once(connection, 'connection_open');
    const silent = connect({ host: broker.host, port: broker.port });
    await once(silent, 'connect');
    const closed = once(connection, 'connection_error');
    const gone = once(silent.resume(), 'close');
    await broker.stop();
    await closed;
    await gone;
    expect(connection.error).to.have.property('condition', 'amqp:connection:forced');
    await broker.stop();
  });

  it('drops connections like a crash, and takes them again', async () => {
    const broker = await start();
    const connection = client(broker);
    await once(connection, 'connection_open');
    const lost = once(connection, 'disconnected');
    broker.dropConnections();
    await lost;
    await once(client(broker), 'connection_open');
  });

  it('says so when the port is taken', async () => {
    const { port } = await start();
    let caught: unknown;
    await startBroker({ port }).catch((error: unknown) => {
      caught = error;
    });
    expect(caught).to.be.instanceOf(QmfError).with.property('code', 'unreachable');
  });

  it('has the exchanges it is asked for, from the start or later', async () => {
    const broker = await start({ exchanges: { 'qmf.lab.topic': 'topic' } });
    broker.addExchange('qmf.lab.direct', 'direct');
    const connection = client(broker);
    for (const address of ['qmf.lab.topic', 'qmf.lab.direct']) {
      await once(connection.open_sender(address), 'sendable');
    }
    expect(broker.stats().exchanges.map(({ name }) => name)).to.include.members([
      'qmf.default.topic',
      'qmf.default.direct',
      'amq.topic',
      'amq.direct',
      'qmf.lab.topic',
      'qmf.lab.direct',
    ]);
  });

  it('cuts off a peer that falls silent', async () => {
    // A machine that is busy for a while must not make the patient one look silent too.
    const broker = await start({ idleTimeout: 3_000 });
    const socket = connect({ host: broker.host, port: broker.port });
    const open = Buffer.from([0, 0, 0, 17, 2, 0, 0, 0, 0, 0x53, 0x10, 0xc0, 4, 1, 0xa1, 1, 0x63]);
    socket.write(Buffer.concat([Buffer.from('AMQP\0\x01\0\0', 'latin1'), open]));
    const patient = client(broker);
    await once(patient, 'connection_open');
    await once(socket.resume(), 'close');
    await until(() => broker.stats().connections === 1);
    // rhea sends heartbeats, so it is still there.
    expect(patient.is_open()).to.equal(true);
  });

  it('misbehaves by its fault switches', async () => {
    const broker = await start({
      faults: {
        publish: ({ subject }) => (subject === 'fine' ? 'none' : (subject as 'drop' | 'release' | 'reject')),
        attach: (role, address) =>
          role === 'sender' && address === 'amq.direct' ? 'amqp:unauthorized-access' : undefined,
      },
    });
    const connection = client(broker);
    const receiver = connection.open_receiver('amq.topic');
    await once(receiver, 'receiver_open');
    const sender = connection.open_sender('amq.topic');
    await once(sender, 'sendable');
    for (const [subject, outcome] of [
      ['drop', 'accepted'],
      ['release', 'released'],
      ['reject', 'rejected'],
      ['fine', 'accepted'],
    ] as const) {
      const answered = once(sender, outcome);
      sender.send({ subject, body: subject });
      if (subject !== 'fine') await answered;
    }
    const [context] = (await once(receiver, 'message')) as [EventContext];
    expect(context.message?.body).to.equal('fine');
    const refused = connection.open_sender('amq.direct');
    await once(refused, 'sender_error');
    expect(refused.error).to.have.property('condition', 'amqp:unauthorized-access');
  });
});

async function until(holds: () => boolean): Promise<void> {
  await poll('it happens', holds);
}
