import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import rhea, { type Connection, type ConnectionOptions, type Receiver, type Sender } from 'rhea';
import { encodeBareMessage } from '../codec/amqp10-message.js';
import { discard } from '../rhea/discard.js';
import { type BrokerOptions, type RunningBroker, startBroker } from './index.js';
import { conditionOf, outcomeOf, refusal } from './links.test.fixture.js';
import type { BrokerLimits } from './quota.js';
import type { TalkativePeer } from './talkative-peer.test.fixture.js';

const MiB = 1 << 20;
const onDemand = (address: string) => ({ target: { address, capabilities: ['queue', 'create-on-demand'] } });
const messageOf = (size: number): Buffer =>
  encodeBareMessage({ subject: 'k', body: { form: 'data', bytes: Buffer.alloc(size) } });

describe('limits of the embedded broker', () => {
  const brokers: RunningBroker[] = [];
  const clients: Connection[] = [];
  const sockets: Socket[] = [];
  const start = async (options?: BrokerOptions): Promise<RunningBroker> => {
    const broker = await startBroker(options);
    brokers.push(broker);
    return broker;
  };
  const client = (
    { host, port }: RunningBroker,
    options: Partial<ConnectionOptions> = {},
    id?: string,
  ): Connection => {
    const container = rhea.create_container(id === undefined ? {} : { id });
    container.on('error', () => undefined);
    const connection = container.connect({ host, port, reconnect: false, ...options });
    for (const event of ['disconnected', 'connection_error', 'session_error', 'sender_error']) {
      connection.on(event, () => undefined);
    }
    for (const event of ['receiver_error', 'settled']) connection.on(event, () => undefined);
    clients.push(connection);
    return connection;
  };
  const silent = async ({ host, port }: RunningBroker): Promise<Socket> => {
    const socket = connect({ host, port });
    socket.on('error', () => undefined).resume();
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  const sender = async (connection: Connection, address: string): Promise<Sender> => {
    const link = connection.open_sender(onDemand(address));
    await once(link, 'sendable');
    return link;
  };
  const send = async (link: Sender, size: number): Promise<string> => {
    const outcome = outcomeOf(link);
    link.send(messageOf(size), undefined, 0);
    return await outcome;
  };
  afterEach(async () => {
    for (const connection of clients.splice(0)) connection.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const broker of brokers.splice(0)) await broker.stop();
  });

  it('holds at most half of its bytes for one client, however many queues, and lets others send', async () => {
    const total = 8 * MiB;
    const broker = await start({ limits: { bytes: total } });
    const greedy = client(broker);
    const outcomes: string[] = [];
    for (let queue = 0; queue < 60; queue++) {
      outcomes.push(await send(await sender(greedy, `mine-${queue}`), MiB / 4));
    }
    expect(new Set(outcomes)).to.deep.equal(new Set(['accepted', 'released']));
    expect(broker.stats().used.bytes).to.be.within(total / 2 - MiB / 2, total / 2);
    expect(await send(await sender(client(broker), 'honest'), MiB)).to.equal('accepted');
    expect(greedy.is_open()).to.equal(true);
  });

  it('keeps an eighth of its bytes for queues whose client has left, however often it comes again', async () => {
    const total = 8 * MiB;
    const broker = await start({ limits: { bytes: total } });
    const witness = await sender(client(broker), 'witness');
    for (let round = 0; round < 5; round++) {
      const greedy = client(broker);
      for (let queue = 0; queue < 20; queue++) {
        await send(await sender(greedy, `mine-${round}-${queue}`), MiB / 4);
      }
      greedy.close();
      await until(() => broker.stats().connections === 1);
      expect(broker.stats().used.bytes).to.be.within(1, total / 8);
    }
    expect(await send(witness, MiB)).to.equal('accepted');
  });

  it('deletes on-demand queues and exchanges that nobody uses for some time', async () => {
    const broker = await start({ unusedNodeTimeout: 20 });
    const connection = client(broker);
    const used = await sender(connection, 'used');
    const left = await sender(connection, 'left');
    expect(await send(left, 1000)).to.equal('accepted');
    const target = { address: 'left-exchange', capabilities: ['topic', 'create-on-demand'] };
    const exchange = connection.open_sender({ target });
    await once(exchange, 'sendable');
    left.close();
    exchange.close();
    await until(() => broker.stats().used.exchanges === 0 && broker.stats().used.queues === 1);
    expect(broker.stats().queues.map(({ name }) => name)).to.deep.equal(['used']);
    expect(broker.stats().used.bytes).to.equal(0);
    expect(await send(used, 10)).to.equal('accepted');
  });

  it('charges a queue whose client has left to the client that uses it next', async () => {
    const broker = await start({ limits: { bytes: 8 * MiB } });
    const first = client(broker);
    await send(await sender(first, 'shared'), MiB / 2);
    first.close();
    await until(() => broker.stats().connections === 0);
    const second = client(broker);
    const link = await sender(second, 'shared');
    // An eighth would not hold these.
    for (let count = 0; count < 5; count++) expect(await send(link, MiB / 2)).to.equal('accepted');
    expect(broker.stats().queues[0]).to.include({ messages: 6 });
  });

  const kinds: readonly [
    what: string,
    limits: Partial<BrokerLimits>,
    open: (connection: Connection, index: number) => Sender | Receiver,
  ][] = [
    ['queues', { queues: 10 }, (connection, index) => connection.open_sender(onDemand(`q${index}`))],
    ['subscriptions', { queues: 10 }, connection => connection.open_receiver('amq.topic')],
    [
      'exchanges',
      { exchanges: 10 },
      (connection, index) =>
        connection.open_sender({
          target: { address: `e${index}`, capabilities: ['topic', 'create-on-demand'] },
        }),
    ],
    ['links', { links: 10 }, connection => connection.open_sender('amq.topic')],
    ['words of bindings', { bindingWords: 10 }, connection => connection.open_receiver('amq.topic')],
  ];
  for (const [what, limits, open] of kinds) {
    it(`gives one client half of the ${what}, refuses more by link, and has some for the next`, async () => {
      const broker = await start({ limits });
      const greedy = client(broker);
      const refusals: (string | undefined)[] = [];
      for (let index = 0; index < 12; index++) refusals.push(await refusal(open(greedy, index)));
      expect(refusals).to.deep.equal([
        ...new Array<undefined>(5).fill(undefined),
        ...new Array<string>(7).fill('amqp:resource-limit-exceeded'),
      ]);
      expect(greedy.is_open()).to.equal(true);
      expect(await refusal(open(client(broker), 99))).to.equal(undefined);
      greedy.close();
      await until(() => broker.stats().connections === 1);
      expect(broker.stats().used.links).to.equal(1);
    });
  }

  it('ends sessions beyond the share of a client, and goes on with the others', async () => {
    const broker = await start({ limits: { sessions: 4 } });
    const connection = client(broker);
    await once(connection, 'connection_open');
    const sessions = Array.from({ length: 6 }, () => connection.create_session());
    const ended = sessions.slice(2).map(session => once(session, 'session_error'));
    for (const session of sessions) session.begin();
    await Promise.all(ended);
    expect(sessions[5]?.error).to.have.property('condition', 'amqp:resource-limit-exceeded');
    await until(() => broker.stats().used.sessions === 2);
    expect(await refusal(sessions[0]!.open_sender('amq.topic'))).to.equal(undefined);
  });

  it('gives one user half of the connections, and takes them again when it has closed some', async () => {
    const users = { alice: 'a', bob: 'b' };
    const broker = await start({ users, maxConnections: 6 });
    const as = (username: keyof typeof users): Connection =>
      client(broker, { username, password: users[username] });
    const opened = (connection: Connection): Promise<string | undefined> => {
      const refused = once(connection, 'connection_close').then(() => conditionOf(connection));
      return Promise.race([refused, refusal(connection.open_sender('amq.topic'))]);
    };
    const all = Array.from({ length: 4 }, () => as('alice'));
    const results: (string | undefined)[] = [];
    for (const connection of all) results.push(await opened(connection));
    expect(results).to.deep.equal([undefined, undefined, undefined, 'amqp:resource-limit-exceeded']);
    expect(await opened(as('bob'))).to.equal(undefined);
    all[0]?.close();
    await until(() => broker.stats().connections === 3);
    expect(await opened(as('bob'))).to.equal(undefined);
  });

  it('holds a bounded number of connections that are not open yet, and lets honest peers in meanwhile', async () => {
    const broker = await start({ maxHandshakes: 5, handshakeTimeout: 3_600_000 });
    const slow: Socket[] = [];
    for (let count = 0; count < 20; count++) slow.push(await silent(broker));
    await until(() => slow.filter(({ closed }) => closed).length === 15);
    expect(broker.stats().handshakes).to.equal(5);
    expect(slow.slice(15).some(({ closed }) => closed)).to.equal(false);
    await once(client(broker), 'connection_open');
  });

  it('refuses keys and names that are longer than any broker takes, and goes on', async () => {
    const broker = await start();
    const connection = client(broker);
    const long = 'k'.repeat(256);
    const filter = { subject: rhea.types.wrap_described(long, 0x468c_0000_0001) };
    expect(await refusal(connection.open_receiver({ source: { address: 'amq.topic', filter } }))).to.equal(
      'amqp:invalid-field',
    );
    expect(await refusal(connection.open_sender({ ...onDemand('q'), name: 'n'.repeat(513) }))).to.equal(
      'amqp:invalid-field',
    );
    expect(await refusal(connection.open_sender(onDemand('q'.repeat(1025))))).to.equal('amqp:invalid-field');
    const relay = connection.open_sender({ target: {} });
    await once(relay, 'sendable');
    for (const message of [{ to: 'amq.topic', subject: long }, { to: long }]) {
      const outcome = outcomeOf(relay);
      relay.send({ ...message, body: 1 });
      expect(await outcome).to.equal('rejected');
    }
    const outcome = outcomeOf(relay);
    relay.send({ to: 'amq.topic', subject: 'k'.repeat(255), body: 1 });
    expect(await outcome).to.equal('accepted');
    expect(broker.stats().used).to.include({ queues: 0, links: 1 });
    expect(await refusal(client(broker, {}, 'c'.repeat(255)).open_sender('amq.topic'))).to.equal(undefined);
    const nameless = client(broker, {}, 'c'.repeat(256));
    await once(nameless, 'connection_close');
    expect(conditionOf(nameless)).to.equal('amqp:invalid-field');
  });

  for (const opens of ['links', 'sessions'] as const) {
    it(`keeps nothing of what peers say when they open ${opens} but what it needs`, async () => {
      const broker = await start();
      const workerData: TalkativePeer = { port: broker.port, opens, count: 200 };
      const before = heapUsed();
      const peer = new Worker(new URL('./talkative-peer.test.fixture.js', import.meta.url), { workerData });
      try {
        await until(() => broker.stats().used[opens] >= 200);
        expect((heapUsed() - before) / MiB, 'MiB').to.be.below(20);
      } finally {
        await peer.terminate();
      }
    });
  }

  it('cuts off a peer that does not detach the links that it was refused, and no other', async () => {
    const broker = await start({ limits: { links: 20 } });
    // Not in rhea's typings; without it each answer takes 40 ms.
    const quick = { tcp_no_delay: true };
    const patient = client(broker, { port: broker.port, ...quick });
    // It detaches each as soon as it hears of the refusal.
    for (let count = 0; count < 300; count++) await refusal(patient.open_sender('amq.topic'));
    const connection = client(broker);
    await once(connection, 'connection_open');
    for (let count = 0; count < 300; count++) {
      // Not in rhea's typings: a peer that takes no notice of the broker's detach.
      (connection.open_sender('amq.topic') as unknown as { on_detach: unknown }).on_detach = () => undefined;
    }
    await once(connection, 'connection_close');
    expect((connection.error as { description?: string }).description).to.include(
      '256 links that were refused',
    );
    await until(() => broker.stats().connections === 1);
    expect(await refusal(client(broker).open_sender('amq.topic'))).to.equal(undefined);
  });

  it('keeps large messages for slow peers in the bounds of their queues, and sends them whole later', async () => {
    const peers = 6;
    const size = 12 * MiB;
    const broker = await start({ limits: { bytes: 1024 * MiB } });
    const publisher = client(broker);
    const slow: Receiver[] = [];
    const whole: number[] = [];
    for (let number = 0; number < peers; number++) {
      const link = await sender(publisher, `q${number}`);
      const connection = client(broker);
      const receiver = connection.open_receiver({
        ...{ source: { address: `q${number}` }, snd_settle_mode: 1, credit_window: 0 },
      });
      receiver.on('message', ({ message }) =>
        whole.push((message as { body: { content: Buffer } }).body.content.length),
      );
      await once(receiver, 'receiver_open');
      receiver.add_credit(1);
      slow.push(receiver);
      await until(() =>
        broker.stats().queues.some(({ name, consumers }) => name === `q${number}` && consumers === 1),
      );
      socketOf(connection).pause();
      expect(await send(link, size)).to.equal('accepted');
    }
    const { output, used } = broker.stats();
    expect(output, 'a MiB, a frame and what is gathered for each').to.be.below(peers * 1.25 * MiB);
    expect(used.bytes).to.be.above(peers * size);
    for (const { connection } of slow) socketOf(connection).resume();
    await until(() => whole.length === peers);
    expect(new Set(whole)).to.deep.equal(new Set([size]));
    await until(() => broker.stats().used.bytes === 0 && broker.stats().output === 0);
  });

  it('bounds the parts of messages that are not complete, by client and in total', async () => {
    const total = 4 * MiB;
    const broker = await start({ limits: { partialBytes: total } });
    const greedy = await Halves.open(broker, 40);
    await greedy.send(60_000, 4); // 9 MiB
    await until(() => greedy.detached > 0);
    expect(broker.stats().used.partialBytes).to.be.within(1, total / 2);
    expect(greedy.text).to.include('amqp:resource-limit-exceeded');
    expect(broker.stats().connections).to.equal(1);
    // A message of many frames, while the others are incomplete.
    expect(await send(await sender(client(broker), 'honest'), MiB)).to.equal('accepted');
    greedy.destroy();
    await until(() => broker.stats().used.partialBytes === 0);
  });
});

/** Not in rhea's typings. */
function socketOf(connection: Connection): Socket {
  return (connection as unknown as { socket: Socket }).socket;
}

/** Bytes of all objects that are in use in this thread. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  // The collector is there in contexts that are made from now on.
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

/** A peer that begins messages on many links and completes none. */
class Halves {
  detached = 0;
  text = '';
  private constructor(
    private readonly connection: Connection,
    private readonly links: readonly Sender[],
  ) {}

  static async open({ host, port }: RunningBroker, count: number): Promise<Halves> {
    const container = rhea.create_container();
    container.on('error', () => undefined);
    const connection = container.connect({ host, port, reconnect: false });
    const links: Sender[] = [];
    for (const event of ['disconnected', 'settled']) connection.on(event, () => undefined);
    for (let index = 0; index < count; index++) {
      const link = connection.open_sender('amq.topic');
      await once(link, 'sendable');
      links.push(link);
    }
    const halves = new Halves(connection, links);
    connection.on('sender_error', () => undefined);
    connection.on('sender_close', ({ sender }: { sender?: Sender }) => {
      halves.detached++;
      halves.text += String(sender && conditionOf(sender));
    });
    return halves;
  }

  /** Sends `frames` frames of `size` bytes on each link, each saying that more will follow. */
  async send(size: number, frames: number): Promise<void> {
    const { socket } = this.connection as unknown as { socket: Socket };
    for (let frame = 0; frame < frames; frame++) {
      for (const [index, link] of this.links.entries()) {
        if (!link.is_open()) continue;
        const { handle } = (link as unknown as { local: { handle: number } }).local;
        socket.write(transferFrame(handle, index, size));
        await new Promise(resolve => setImmediate(resolve));
      }
    }
  }

  destroy(): void {
    discard(this.connection);
  }
}

function transferFrame(handle: number, deliveryId: number, size: number): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 2, 0, 0, 0, 0, 0x53, 0x14, 0xc0, 0, 6]);
  const fields = Buffer.from([0x52, handle, 0x52, deliveryId, 0xa0, 1, deliveryId, 0x43, 0x42, 0x41]);
  head[12] = fields.length + 1;
  const frame = Buffer.concat([head, fields, Buffer.alloc(size)]);
  frame.writeUInt32BE(frame.length, 0);
  return frame;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(2);
}
