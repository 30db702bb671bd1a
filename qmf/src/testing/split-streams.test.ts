import { setImmediate as turn } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { transferOverhead, writeTransferHead } from '../broker/transfer-frame.js';
import { startBroker } from '../broker/index.js';
import { decodeBareMessage } from '../codec/amqp10-message.js';
import { mapVectors, recordedMessages } from '../codec/vectors.fixture.js';
import type { Envelope } from '../message/envelope.js';
import { amqp091 } from '../transport/amqp091/amqp091.js';
import {
  type Delivered,
  deliveryFrames,
  startMiniBroker,
} from '../transport/amqp091/mini-broker.test.fixture.js';
import { amqp10, type Binding, type Transport, type Wire } from '../transport/index.js';
import { chopInput, pooled, watchSockets } from './chopped-input.test.fixture.js';

const never = new AbortController().signal;
const binding: Binding = { exchange: 'qmf.default.topic', exchangeType: 'topic', key: '#', create: false };

/** The recorded messages, and each of the map vectors as the body of one. */
const messages: readonly Buffer[] = recordedMessages.map(({ hex }) => Buffer.from(hex, 'hex'));
const bodies: readonly Buffer[] = mapVectors
  .filter(({ hex }) => hex !== undefined)
  .map(({ hex }) => Buffer.from(hex ?? '', 'hex'));

/** A wire that listens, its socket, and what it was last given. */
interface Listening {
  readonly wire: Wire;
  readonly socket: Socket;
  readonly received: Envelope[];
  readonly malformed: unknown[];
}

async function listen(transport: Transport): Promise<Listening> {
  const sockets: Socket[] = [];
  const malformed: unknown[] = [];
  const received: Envelope[] = [];
  const wire = await watchSockets(
    socket => sockets.push(socket),
    () => transport.dial(never),
  );
  wire.onMalformed?.(error => malformed.push(error));
  const [socket] = sockets;
  if (socket === undefined) throw new Error('no socket was seen');
  await wire.bind(binding, envelope => received.push(structuredEnvelope(envelope)));
  return { wire, socket, received, malformed };
}

/** Has a socket deliver nothing but what the test gives it, until the result's `restore` is called. */
function takeOver(socket: Socket): { push: (piece: Buffer) => void; restore: () => void } {
  const push = socket.push.bind(socket);
  socket.push = () => true; // what the broker says on its own account would land between two pieces
  return {
    push: piece => void push(piece),
    restore: () => {
      socket.push = push;
    },
  };
}

/** A copy that shares no memory with the input. */
function structuredEnvelope(envelope: Envelope): Envelope {
  return deepCopy(envelope) as Envelope; // a copy is of the same type
}

function deepCopy(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, deepCopy(item)]));
  if (Array.isArray(value)) return value.map(deepCopy);
  if (typeof value !== 'object' || value === null) return value;
  const copy: object = Object.create(Object.getPrototypeOf(value) as object | null) as object; // typed `any`
  return Object.assign(
    copy,
    Object.fromEntries(Object.entries(value).map(([key, item]) => [key, deepCopy(item)])),
  );
}

/** Bytes of frames cut in two at every offset, and byte by byte; what comes out each time must be `expected`. */
async function splitEverywhere(
  stream: Buffer,
  { received, malformed }: Listening,
  give: (piece: Buffer) => Promise<void>,
): Promise<void> {
  const attempt = async (cuts: readonly number[]): Promise<Envelope[]> => {
    received.length = 0;
    const pieces = [...cuts, stream.length].map((cut, index) =>
      pooled(stream.subarray(index === 0 ? 0 : cuts[index - 1], cut)),
    );
    for (const piece of pieces) await give(piece);
    // What was handed over is done with: nothing may look at this memory again.
    for (const piece of pieces) Buffer.from(piece.buffer).fill(0xee);
    return [...received];
  };
  const whole = await attempt([]);
  expect(whole).to.have.length(1);
  for (let cut = 1; cut < stream.length; cut++) {
    const got = await attempt([cut]);
    if (!isDeepStrictEqual(got, whole)) expect(got, `cut at ${cut}`).to.deep.equal(whole);
  }
  const bytewise = await attempt(Array.from({ length: stream.length - 1 }, (_, index) => index + 1));
  expect(bytewise, 'byte by byte').to.deep.equal(whole);
  expect(malformed).to.deep.equal([]);
}

describe('AMQP 1.0 frames in pieces', function () {
  this.timeout(300_000);

  const transfers = (bytes: Buffer, deliveryId: number, frames: number): Buffer => {
    const size = Math.ceil(bytes.length / frames);
    const parts = Array.from({ length: frames }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    return Buffer.concat(
      parts.map((part, index) => {
        const head = Buffer.alloc(transferOverhead);
        const more = index < frames - 1;
        const fields = { channel: 0, handle: 0, deliveryId, settled: true, more };
        return Buffer.concat([head.subarray(0, writeTransferHead(head, fields, part.length)), part]);
      }),
    );
  };

  for (const frames of [1, 3]) {
    it(`carry every recorded message, cut at every byte, in ${frames} transfer(s) each`, async () => {
      const broker = await startBroker();
      const listening = await listen(amqp10(broker.url));
      const { socket } = listening;
      const { restore } = takeOver(socket);
      let id = 0;
      for (const bytes of messages) {
        // Ids go up with each attempt, so the stream is written anew; its length stays, as ids are written in five bytes.
        const base = 1 << 20;
        const stream = transfers(bytes, base, frames);
        const parts = transferIds(stream, base);
        let start = true;
        let fed = 0;
        await splitEverywhere(stream, listening, piece => {
          if (start) id++;
          start = false;
          for (const at of parts) writeId(piece, at - fed, base + id - 1);
          fed += piece.length;
          socket.emit('data', piece);
          if (fed === stream.length) {
            start = true;
            fed = 0;
          }
          // Room for further deliveries is made only at the end of a turn.
          return new Promise(resolve => setImmediate(resolve));
        });
        const [envelope] = listening.received;
        const { body, correlationId, applicationProperties } = decodeBareMessage(bytes);
        expect(envelope?.body).to.deep.equal(body);
        expect(envelope?.correlationId).to.deep.equal(correlationId);
        expect(envelope?.headers).to.deep.equal(applicationProperties ?? new Map());
      }
      restore();
      await listening.wire.close();
      await broker.stop();
    });
  }
});

/** Offsets at which the four bytes of the delivery id stand, twice in each transfer: as the id and as the tag. */
function transferIds(stream: Buffer, id: number): number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(id);
  const found: number[] = [];
  for (let at = stream.indexOf(bytes); at >= 0; at = stream.indexOf(bytes, at + 1)) found.push(at);
  return found;
}

/** Writes those bytes of an id that lie within the piece. */
function writeId(piece: Buffer, at: number, id: number): void {
  for (let index = 0; index < 4; index++) {
    const offset = at + index;
    if (offset >= 0 && offset < piece.length) piece[offset] = (id >>> (24 - 8 * index)) & 0xff;
  }
}

describe('AMQP 0-9-1 frames in pieces', function () {
  this.timeout(300_000);

  /** Channels are numbered in the order in which the transport opens them: for declaring, then for listening. */
  const LISTENING = 2;

  for (const bodyFrame of [undefined, 7]) {
    const how = bodyFrame === undefined ? 'one body frame' : `body frames of ${bodyFrame} bytes`;
    it(`carry every vector, cut at every byte, in ${how} each`, async () => {
      const broker = await startMiniBroker();
      const published: Delivered[] = [];
      broker.consumers.set('captured', message => published.push(message));
      const listening = await listen(amqp091(broker.url));
      for (const bytes of messages) {
        const message = decodeBareMessage(bytes);
        await listening.wire.send({
          to: { node: 'captured' },
          headers: message.applicationProperties ?? new Map(),
          body: message.body,
          ...(message.contentType === undefined ? {} : { contentType: message.contentType }),
        });
      }
      const properties = published[0]?.properties ?? Buffer.alloc(2);
      const bodiesOnly = bodies
        .filter(({ length }) => length <= 2_000)
        .map(content => ({ exchange: '', key: '', properties, content }));
      const { push, restore } = takeOver(listening.socket);
      const all = bodyFrame === undefined ? [...published, ...bodiesOnly] : published.slice(0, 6);
      for (const message of all) {
        const delivered = { ...message, exchange: binding.exchange, key: 'a.b' };
        await splitEverywhere(deliveryFrames(LISTENING, delivered, bodyFrame), listening, async piece => {
          push(piece);
          await turn();
        });
        expect(listening.received[0]?.body).to.deep.equal(
          message.content.length === 0 ? { form: 'none' } : { form: 'data', bytes: message.content },
        );
      }
      restore();
      await listening.wire.close();
      await broker.stop();
    });
  }
});

describe('a connection whose input comes in pieces', function () {
  this.timeout(300_000);

  const subjects = [
    ['AMQP 1.0', () => startBroker(), amqp10],
    ['AMQP 0-9-1', () => startMiniBroker(), amqp091],
  ] as const;

  for (const [name, start, transport] of subjects) {
    it(`opens, binds, sends and receives over ${name}, cut at every byte and byte by byte`, async () => {
      const broker = await start();
      const attempt = async (cutAfter: (offset: number, length: number) => number): Promise<number> => {
        let taken: () => number = () => 0;
        const wire = await watchSockets(
          socket => {
            taken = chopInput(socket, cutAfter);
          },
          () => transport(broker.url).dial(never),
        );
        let take: (envelope: Envelope) => void = () => undefined;
        const first = new Promise<Envelope>(resolve => {
          take = resolve;
        });
        await wire.bind({ ...binding, exchange: 'qmf.x.topic', create: true }, each => take(each));
        await wire.send({
          to: { node: 'qmf.x.topic', subject: 'k' },
          headers: new Map([['qmf.opcode', 'x']]),
          body: { form: 'data', bytes: Buffer.alloc(300, 7) },
        });
        const envelope = await first;
        expect(envelope.headers.get('qmf.opcode')).to.equal('x');
        expect(envelope.body).to.deep.equal({ form: 'data', bytes: Buffer.alloc(300, 7) });
        const bytes = taken();
        await wire.close();
        return bytes;
      };
      const length = await attempt(() => 1);
      // One connection cuts whatever comes in one go at the same place, so it needs as many as the longest of these has bytes.
      let cuts = 0;
      for (let place = 1, before = -1; cuts > before; place++) {
        before = cuts;
        let isRest = false;
        await attempt((_offset, chunk) => {
          isRest = !isRest && chunk > place;
          if (isRest) cuts++;
          return isRest ? place : chunk;
        });
      }
      expect(length).to.be.greaterThan(500);
      expect(cuts, 'places cut at').to.be.greaterThan(length / 2);
      await broker.stop();
    });
  }
});
