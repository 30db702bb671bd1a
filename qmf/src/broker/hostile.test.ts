import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import rhea, { type Connection, type EventContext, type Receiver, type Sender } from 'rhea';
import { type RunningBroker, startBroker } from './index.js';
import { until as poll } from '../testing/poll.test.fixture.js';

const header = Buffer.from('AMQP\0\x01\0\0', 'latin1');

function frame(...performative: readonly (number | Buffer)[]): Buffer {
  const body = Buffer.concat(performative.map(part => (typeof part === 'number' ? Buffer.of(part) : part)));
  const head = Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]);
  head.writeUInt32BE(8 + body.length);
  return Buffer.concat([head, body]);
}

/** A performative with its fields, each already encoded. */
function performative(code: number, ...fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat(fields);
  const head = Buffer.alloc(12);
  head.set([0, 0x53, code, 0xd0]);
  head.writeUInt32BE(body.length + 4, 4);
  head.writeUInt32BE(fields.length, 8);
  return Buffer.concat([head, body]);
}

const uint = (value: number) => {
  const bytes = Buffer.alloc(5, 0x70);
  bytes.writeUInt32BE(value, 1);
  return bytes;
};
const text = (value: string) => Buffer.concat([Buffer.of(0xa1, value.length), Buffer.from(value)]);
const nothing = Buffer.of(0x40);
const yes = Buffer.of(0x41);
const no = Buffer.of(0x42);
const maximum = uint(0xffff_ffff);

const open = frame(performative(0x10, text('hostile')));
const begin = frame(performative(0x11, nothing, uint(0), uint(2048), uint(2048)));
const attach = (name: string, role: Buffer, source: Buffer, target: Buffer, handle = 0) =>
  frame(
    performative(
      0x12,
      text(name),
      uint(handle),
      role,
      nothing,
      nothing,
      source,
      target,
      nothing,
      nothing,
      uint(0),
    ),
  );
const source = (address: string) => performative(0x28, text(address));
const target = (address: string) => performative(0x29, text(address));
const sending2 = attach('s2', no, source('x'), target('amq.topic'), 1);
const sending = attach('s', no, source('x'), target('amq.topic'));
const receiving = attach('r', yes, source('amq.topic'), target('x'));
const transfer = (id: number, more: Buffer, payload: Buffer) =>
  frame(performative(0x14, uint(0), uint(id), Buffer.of(0xa0, 1, id & 255), uint(0), no, more), payload);
const opened = [header, open, begin];

describe('embedded broker: hostile peers', () => {
  let broker: RunningBroker;
  let witness: Witness;
  const said: unknown[][] = [];
  const console_ = { error: console.error, warn: console.warn, trace: console.trace };

  before(async () => {
    broker = await startBroker({ maxFrameSize: 4096, maxMessageSize: 100_000, handshakeTimeout: 300 });
    witness = await Witness.open(broker);
    // rhea writes to the console about what it does not understand; a peer must not be able to make it.
    for (const method of ['error', 'warn', 'trace'] as const) {
      console[method] = (...args: unknown[]) => void said.push(args);
    }
  });
  after(async () => {
    Object.assign(console, console_);
    witness.close();
    await broker.stop();
  });
  beforeEach(() => said.splice(0));
  afterEach(async () => {
    await witness.check();
    expect(said).to.deep.equal([]);
  });

  const attacks: readonly [what: string, bytes: readonly Buffer[]][] = [
    ['HTTP instead of AMQP', [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]],
    ['AMQP 0-9-1', [Buffer.from('AMQP\0\0\x09\x01', 'latin1')]],
    ['a frame of 4 GiB', [header, Buffer.alloc(64, 0xff)]],
    ['open twice', [header, open, open]],
    ['an unknown performative', [header, open, frame(performative(0x7f))]],
    ['a performative that is no list', [header, open, frame(0, 0x53, 0x11, 0x40)]],
    ['a session frame without session', [header, open, receiving]],
    ['an attach without name', [...opened, frame(performative(0x12, nothing, uint(0), no))]],
    ['a link named __proto__', [...opened, attach('__proto__', no, source('x'), target('amq.topic'))]],
    ['the same link twice', [...opened, receiving, receiving]],
    ['a handle out of bounds', [...opened, frame(performative(0x12, text('h'), maximum, no))]],
    ['a transfer without credit', [...opened, receiving, transfer(0, no, Buffer.from('x'))]],
    ['a transfer on no link', [...opened, transfer(0, no, Buffer.from('x'))]],
    ['detach of no link', [...opened, frame(performative(0x16, uint(7)))]],
    ['a SASL frame after the header of AMQP', [header, frame(performative(0x41, text('PLAIN')))]],
  ];
  for (const [what, bytes] of attacks) {
    it(`cuts off ${what}`, async () => {
      const peer = await Peer.connect(broker);
      peer.write(...bytes);
      await peer.closed();
    });
  }

  it('cuts off transfers beyond the credit given', async () => {
    const peer = await Peer.connect(broker);
    peer.write(...opened, sending);
    await peer.said(0x13);
    const many = Array.from({ length: 600 }, (_, id) => transfer(id, no, Buffer.from([0, 0x53, 0x77, 0x40])));
    // All in one piece, so no new credit can have been seen, let alone 2000 more.
    peer.write(Buffer.concat([...many, ...many, ...many, ...many, ...many]));
    await peer.closed();
  });

  it('ends the link of a message without end, then the connection that goes on with it', async () => {
    const peer = await Peer.connect(broker);
    peer.write(...opened, sending);
    await peer.said(0x13);
    for (let part = 0; part < 40; part++) peer.write(transfer(0, yes, Buffer.alloc(3000)));
    await peer.said(0x16);
    expect(peer.text).to.include('amqp:link:message-size-exceeded');
    expect(broker.stats().used.partialBytes).to.equal(0);
    peer.write(sending2);
    await peer.said(0x13);
    for (let part = 0; part < 100; part++) peer.write(transfer(0, yes, Buffer.alloc(3000)));
    await peer.closed();
  });

  it('lives through a disposition and a credit of four thousand million', async () => {
    const peer = await Peer.connect(broker);
    peer.write(...opened, receiving);
    await peer.said(0x12);
    const accepted = performative(0x24);
    const before = process.cpuUsage();
    peer.write(
      frame(performative(0x15, yes, uint(0), maximum, yes, accepted)),
      frame(performative(0x15, no, uint(0), maximum, yes, accepted)),
      // role, first, last, settled, an outcome that nobody knows
      frame(performative(0x15, yes, uint(0), uint(3), yes, performative(0x34))),
      // flow with drain: next-incoming-id, windows, next-outgoing-id, handle, delivery-count, credit, available, drain
      frame(performative(0x13, uint(0), maximum, uint(0), maximum, uint(0), uint(0), maximum, nothing, yes)),
    );
    await peer.said(0x13);
    await witness.check();
    // To count to four thousand million is many seconds' work.
    expect(process.cpuUsage(before).user / 1e6).to.be.below(2);
    peer.destroy();
  });

  it('refuses a transaction coordinator and rejects what is no message, and the connection lives on', async () => {
    const peer = await Peer.connect(broker);
    peer.write(...opened, attach('tx', no, source('x'), performative(0x30)));
    await peer.said(0x16);
    const other = await Peer.connect(broker);
    other.write(...opened, sending);
    await other.said(0x13);
    other.write(transfer(0, no, Buffer.from('this is no AMQP message')));
    await other.said(0x15);
    other.write(transfer(1, no, Buffer.from([0, 0x53, 0x77, 0x40])));
    await other.said(0x15);
    expect(broker.stats().connections).to.be.at.least(3);
    peer.destroy();
    other.destroy();
  });

  it('forgets an aborted message and takes the next', async () => {
    const peer = await Peer.connect(broker);
    peer.write(...opened, sending);
    await peer.said(0x13);
    const aborted = performative(
      0x14,
      uint(0),
      uint(0),
      Buffer.of(0xa0, 1, 0),
      uint(0),
      no,
      no,
      nothing,
      nothing,
      no,
      yes,
    );
    peer.write(transfer(0, yes, Buffer.from([0, 0x53])), frame(aborted));
    peer.write(transfer(1, no, Buffer.from([0, 0x53, 0x77, 0x40])));
    await peer.said(0x15);
    peer.destroy();
  });

  it('loses nothing but the connection of a peer that dies in the middle of a message', async () => {
    const peer = await Peer.connect(broker);
    peer.write(...opened, sending);
    await peer.said(0x13);
    const last = transfer(1, no, Buffer.alloc(100));
    peer.write(transfer(0, yes, Buffer.alloc(1000)), last.subarray(0, last.length - 20));
    const before_ = broker.stats().connections;
    peer.reset();
    await until(() => broker.stats().connections === before_ - 1);
  });

  it('says in a short line what a peer makes it say', async () => {
    const lines: string[] = [];
    const other = await startBroker({ onEvent: ({ message }) => lines.push(message) });
    const peer = await Peer.connect(other);
    const id = Buffer.from(`\n\x1b[2Jforged${'x'.repeat(249)}`);
    peer.write(
      header,
      frame(performative(0x10, Buffer.concat([Buffer.of(0xb1, 0, 0, 0, 255), id.subarray(0, 255)]))),
    );
    await peer.said(0x10);
    const long = Buffer.alloc(20_000, 'y');
    const name = Buffer.concat([Buffer.of(0xb1, 0, 0, long.length >> 8, long.length & 255), long]);
    const named = frame(performative(0x12, name, uint(0), no));
    peer.write(begin, named, named);
    await peer.closed();
    await until(() => lines.some(line => line.endsWith('closed')));
    expect(lines.length).to.be.at.most(4);
    for (const line of lines)
      expect(line)
        .to.have.length.below(400)
        .and.not.match(/[\n\x1b]/);
    await other.stop();
  });

  it('refuses to send heartbeats every other millisecond', async () => {
    const peer = await Peer.connect(broker);
    peer.write(header, frame(performative(0x10, text('hostile'), nothing, nothing, nothing, uint(2))));
    await peer.closed();
    expect(peer.text).to.include('amqp:not-allowed');
  });

  it('cuts off who does not open its connection in time', async () => {
    const peer = await Peer.connect(broker);
    peer.write(header);
    await peer.closed();
  });

  it('lives through random bytes, frames and performatives', async () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map(random => Buffer.from(random));
    const input = fc.oneof(
      bytes.map(random => [random]),
      bytes.map(random => [header, random]),
      bytes.map(random => [...opened, frame(random)]),
      fc
        .array(fc.tuple(fc.integer({ min: 0x10, max: 0x18 }), fc.array(bytes.map(binary), { maxLength: 8 })))
        .map(list => [...opened, ...list.map(([code, fields]) => frame(performative(code, ...fields)))]),
      // A well-formed conversation in which one byte is wrong.
      fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
        const whole = Buffer.concat([...opened, receiving, begin]);
        const index = at % whole.length;
        whole[index] = (whole[index] ?? 0) ^ flip;
        return [whole];
      }),
    );
    await fc.assert(
      fc.asyncProperty(input, async parts => {
        const peer = await Peer.connect(broker);
        peer.write(...parts);
        peer.end();
        await peer.closed();
      }),
      { numRuns: 400 },
    );
    await until(() => broker.stats().connections === 1);
  }).timeout(180_000);
});

function binary(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0xa0, bytes.length), bytes]);
}

/** A peer that writes whatever it likes. */
class Peer {
  #received: Buffer = Buffer.alloc(0);
  #read = 0;

  private constructor(private readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
  }

  static async connect({ host, port }: RunningBroker): Promise<Peer> {
    const socket = connect({ host, port });
    await once(socket, 'connect');
    return new Peer(socket);
  }

  write(...parts: readonly Buffer[]): void {
    for (const part of parts) this.socket.write(part);
  }

  /** All that came, to look for names in. */
  get text(): string {
    return this.#received.toString('latin1');
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  async closed(): Promise<void> {
    await until(() => this.socket.closed);
  }

  /** Waits for the next frame with this performative. */
  async said(code: number): Promise<void> {
    const mark = Buffer.of(0, 0x53, code);
    await until(() => {
      const at = this.#received.indexOf(mark, this.#read);
      if (at < 0) return false;
      this.#read = at + 3;
      return true;
    });
  }
}

/** A well-behaved peer with a sender and a receiver, whose messages must go on coming through. */
class Witness {
  #count = 0;

  private constructor(
    private readonly connection: Connection,
    private readonly sender: Sender,
    private readonly receiver: Receiver,
  ) {}

  static async open({ host, port }: RunningBroker): Promise<Witness> {
    const container = rhea.create_container();
    container.on('error', () => undefined);
    const connection = container.connect({ host, port, reconnect: false });
    for (const event of ['disconnected', 'settled']) connection.on(event, () => undefined);
    const receiver = connection.open_receiver('amq.topic');
    await once(receiver, 'receiver_open');
    const sender = connection.open_sender('amq.topic');
    await once(sender, 'sendable');
    return new Witness(connection, sender, receiver);
  }

  async check(): Promise<void> {
    const body = String(this.#count++);
    const arrival = new Promise<void>(resolve => {
      const listener = ({ message }: EventContext) => {
        if (message?.body !== body) return;
        this.receiver.off('message', listener);
        resolve();
      };
      this.receiver.on('message', listener);
    });
    this.sender.send({ subject: 'witness', body });
    await Promise.race([
      arrival,
      delay(60_000, undefined, { ref: false }).then(() => {
        throw new Error('another connection no longer works');
      }),
    ]);
  }

  close(): void {
    this.connection.close();
  }
}

async function until(holds: () => boolean): Promise<void> {
  await poll('it happens', holds);
}
