import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { ByteReader } from '../../codec/byte-reader.js';
import { matchesTopic, topicPattern } from '../../message/topic-match.js';

/** What a broker makes of the client's words at a login: a challenge, or its decision. */
export type SaslServerSteps = (response: Buffer) => Buffer | 'accept' | 'refuse';

/** How the broker behaves, beside doing its work. */
export interface Behaviour {
  /** Reply code and text with which it ends the login. */
  readonly refuseLogin?: readonly [number, string];
  readonly refuseVhost?: readonly [number, string];
  readonly mechanisms?: string;
  /** The broker's side of each login by another mechanism than PLAIN and ANONYMOUS. */
  readonly login?: () => SaslServerSteps;
  /** What it says to messages for an exchange of this name; the code ends the channel. */
  readonly answer?: (exchange: string) => 'ack' | 'nack' | 'nothing' | number;
  /** What it allows: channels (0 for any number) and bytes of a frame. */
  readonly channelMax?: number;
  readonly frameMax?: number;
  /** Ends the connection right behind its opening, in the same packet. */
  readonly closeWhenOpened?: number;
}

export interface Delivered {
  readonly exchange: string;
  readonly key: string;
  readonly properties: Buffer;
  readonly content: Buffer;
}

interface Exchange {
  readonly type: string;
  readonly bindings: { readonly key: string; readonly queue: string }[];
}

const u8 = (value: number): Buffer => Buffer.from([value]);
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const u32 = (value: number): Buffer =>
  Buffer.from([value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]);
const short = (text: string): Buffer => Buffer.concat([u8(Buffer.byteLength(text)), Buffer.from(text)]);
const long = (text: string): Buffer => Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);
const readShort = (reader: ByteReader): string => reader.utf8(reader.u8());

export function frame(type: number, channel: number, payload: Buffer): Buffer {
  return Buffer.concat([u8(type), u16(channel), u32(payload.length), payload, u8(0xce)]);
}

const method = (channel: number, classId: number, methodId: number, ...fields: Buffer[]): Buffer =>
  frame(1, channel, Buffer.concat([u16(classId), u16(methodId), ...fields]));

/** As much of an AMQP 0-9-1 broker as the transport needs, so that its tests run where there is no real one. */
export class MiniBroker {
  readonly exchanges = new Map<string, Exchange>([['', { type: 'direct', bindings: [] }]]);
  readonly consumers = new Map<string, (message: Delivered) => void>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(readonly behaviour: Behaviour) {
    this.#server = createServer(socket => {
      this.#sockets.add(socket.setNoDelay(true));
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
      new Peer(this, socket);
    });
  }

  async start(): Promise<this> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `amqp091://127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // TCP has no other kind of address
  }

  /** `connection.blocked`, and the end of it. */
  block(blocked: boolean): void {
    this.#sendAll(blocked ? method(0, 10, 60, short('low on memory')) : method(0, 10, 61));
  }

  /** `channel.flow` on one channel of every connection. */
  flow(channel: number, active: boolean): void {
    this.#sendAll(method(channel, 20, 20, u8(active ? 1 : 0)));
  }

  /** `connection.close` or `channel.close` out of the blue. */
  close(channel: number, code: number): void {
    const fields = [u16(code), short('as the test wants it'), u16(0), u16(0)];
    this.#sendAll(channel === 0 ? method(0, 10, 50, ...fields) : method(channel, 20, 40, ...fields));
  }

  /** Ids of the methods that peers have sent, as class.method, with the channel. */
  readonly heard: string[] = [];
  /** The largest frame that came in. */
  largestFrame = 0;

  #sendAll(bytes: Buffer): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.dropConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  /** Routes a message; whether any queue took it, or undefined for an exchange that isn't there. */
  route(message: Delivered): boolean | undefined {
    const exchange = this.exchanges.get(message.exchange);
    if (exchange === undefined) return undefined;
    const queues = new Set(message.exchange === '' ? [message.key] : []);
    for (const { key, queue } of exchange.bindings) {
      if (exchange.type === 'topic' ? matchesTopic(topicPattern(key), message.key) : key === message.key)
        queues.add(queue);
    }
    const taken = [...queues].filter(queue => this.consumers.has(queue));
    for (const queue of taken) this.consumers.get(queue)?.(message);
    return taken.length > 0;
  }
}

let queueNumber = 0;

/** One connection at the broker's end. */
class Peer {
  #rest = Buffer.alloc(0);
  #greeted = false;
  /** Publications under way, by channel. */
  readonly #incoming = new Map<
    number,
    { exchange: string; key: string; mandatory: boolean; properties: Buffer; size: number; parts: Buffer[] }
  >();
  readonly #published = new Map<number, number>();
  /** Channels that were ended here, and not by the other side yet. */
  readonly #closing = new Set<number>();
  readonly #queues = new Set<string>();
  #login: SaslServerSteps | undefined;

  constructor(
    private readonly broker: MiniBroker,
    private readonly socket: Socket,
  ) {
    socket.on('data', chunk => this.#take(chunk));
    // As brokers do: a sign of life twice in the time that was agreed on, which is never below a second here.
    const heartbeat = setInterval(() => this.#greeted && this.#send(frame(8, 0, Buffer.alloc(0))), 500);
    socket.on('close', () => {
      clearInterval(heartbeat);
      for (const queue of this.#queues) broker.consumers.delete(queue);
    });
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (!this.#greeted) {
      if (this.#rest.length < 8) return;
      this.#greeted = true;
      this.#rest = this.#rest.subarray(8);
      const properties = Buffer.concat([
        short('product'),
        Buffer.from('S'),
        long('RabbitMQ'),
        short('version'),
        Buffer.from('S'),
        long('0'),
      ]);
      this.#send(
        method(
          0,
          10,
          10,
          u8(0),
          u8(9),
          u32(properties.length),
          properties,
          long(this.broker.behaviour.mechanisms ?? 'PLAIN'),
          long('en_US'),
        ),
      );
    }
    while (this.#rest.length >= 8) {
      const size = this.#rest.readUInt32BE(3);
      if (this.#rest.length < size + 8) return;
      const [type, channel, payload] = [
        this.#rest[0],
        this.#rest.readUInt16BE(1),
        this.#rest.subarray(7, 7 + size),
      ];
      this.#rest = this.#rest.subarray(size + 8);
      this.broker.largestFrame = Math.max(this.broker.largestFrame, size + 8);
      if (type === 1) this.#method(channel, new ByteReader(payload));
      else if (type === 2) this.#header(channel, payload);
      else if (type === 3) this.#body(channel, payload);
    }
  }

  #send(...frames: Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames));
  }

  #closeConnection(code: number, text: string): Buffer {
    return method(0, 10, 50, u16(code), short(text), u16(0), u16(0));
  }

  #closeChannel(channel: number, code: number, text: string, classId: number, methodId: number): void {
    this.#published.delete(channel);
    this.#closing.add(channel);
    this.#send(method(channel, 20, 40, u16(code), short(text), u16(classId), u16(methodId)));
  }

  #method(channel: number, reader: ByteReader): void {
    const classId = reader.u16();
    const methodId = reader.u16();
    const { behaviour, exchanges } = this.broker;
    this.broker.heard.push(`${classId}.${methodId} on ${channel}`);
    switch (`${classId}.${methodId}`) {
      case '10.11': {
        reader.take(reader.u32()); // client properties
        const mechanism = readShort(reader);
        const response = reader.copy(reader.u32());
        if (behaviour.login !== undefined && mechanism !== 'PLAIN' && mechanism !== 'ANONYMOUS') {
          this.#login = behaviour.login();
          this.#logIn(response);
          return;
        }
        this.#send(
          behaviour.refuseLogin === undefined
            ? method(0, 10, 30, u16(behaviour.channelMax ?? 2047), u32(behaviour.frameMax ?? 131072), u16(60))
            : this.#closeConnection(...behaviour.refuseLogin),
        );
        return;
      }
      case '10.21':
        this.#logIn(reader.copy(reader.u32()));
        return;
      case '10.40': {
        const open =
          behaviour.refuseVhost === undefined
            ? method(0, 10, 41, short(''))
            : this.#closeConnection(...behaviour.refuseVhost);
        const { closeWhenOpened } = behaviour;
        this.#send(
          open,
          ...(closeWhenOpened === undefined ? [] : [this.#closeConnection(closeWhenOpened, 'not now')]),
        );
        return;
      }
      case '10.50':
        this.#send(method(0, 10, 51));
        this.socket.end();
        return;
      case '20.10': {
        if (this.#closing.has(channel)) {
          // As RabbitMQ says it.
          this.#send(this.#closeConnection(504, "CHANNEL_ERROR - second 'channel.open' seen"));
          return;
        }
        this.#send(method(channel, 20, 11, u32(0)));
        return;
      }
      case '20.40': {
        this.#send(method(channel, 20, 41));
        return;
      }
      case '20.41':
        this.#closing.delete(channel);
        return;
      case '85.10':
        this.#published.set(channel, 0);
        {
          this.#send(method(channel, 85, 11));
          return;
        }
      case '40.10': {
        reader.u16();
        const [name, type, flags] = [readShort(reader), readShort(reader), reader.u8()];
        const known = exchanges.get(name);
        if (known === undefined && (flags & 1) !== 0) {
          this.#closeChannel(channel, 404, `no exchange '${name}'`, 40, 10);
          return;
        }
        if (known !== undefined && (flags & 1) === 0 && known.type !== type) {
          this.#closeChannel(channel, 406, `inequivalent arg 'type' for exchange '${name}'`, 40, 10);
          return;
        }
        if (known === undefined) exchanges.set(name, { type, bindings: [] });
        this.#send(method(channel, 40, 11));
        return;
      }
      case '50.10': {
        const queue = `mini-${++queueNumber}`;
        this.#queues.add(queue);
        this.#send(method(channel, 50, 11, short(queue), u32(0), u32(0)));
        return;
      }
      case '50.20':
      case '50.50': {
        reader.u16();
        const [queue, name, key] = [readShort(reader), readShort(reader), readShort(reader)];
        const bindings = exchanges.get(name)?.bindings;
        if (bindings === undefined) {
          this.#closeChannel(channel, 404, `no exchange '${name}'`, 50, methodId);
          return;
        }
        const at = bindings.findIndex(binding => binding.key === key && binding.queue === queue);
        if (methodId === 20 && at < 0) bindings.push({ key, queue });
        if (methodId === 50 && at >= 0) bindings.splice(at, 1);
        this.#send(method(channel, 50, methodId + 1));
        return;
      }
      case '60.20': {
        reader.u16();
        const queue = readShort(reader);
        this.#send(method(channel, 60, 21, short('tag')));
        this.broker.consumers.set(queue, message => this.#deliver(channel, message));
        return;
      }
      case '60.40': {
        reader.u16();
        const [exchange, key, flags] = [readShort(reader), readShort(reader), reader.u8()];
        this.#incoming.set(channel, {
          exchange,
          key,
          mandatory: (flags & 1) !== 0,
          properties: Buffer.alloc(2),
          size: 0,
          parts: [],
        });
        return;
      }
      default: // answers to our own closing
    }
  }

  #logIn(response: Buffer): void {
    const answer = this.#login?.(response) ?? 'refuse';
    if (answer === 'accept') this.#send(method(0, 10, 30, u16(2047), u32(131072), u16(60)));
    else if (answer === 'refuse') this.#send(this.#closeConnection(403, 'ACCESS_REFUSED'));
    else this.#send(method(0, 10, 20, u32(answer.length), answer));
  }

  #deliver(channel: number, message: Delivered): void {
    this.#send(deliveryFrames(channel, message));
  }

  #header(channel: number, payload: Buffer): void {
    const incoming = this.#incoming.get(channel);
    if (incoming === undefined) return;
    incoming.size = Number(payload.readBigUInt64BE(4));
    incoming.properties = payload.subarray(12);
    if (incoming.size === 0) this.#complete(channel);
  }

  #body(channel: number, payload: Buffer): void {
    const incoming = this.#incoming.get(channel);
    if (incoming === undefined) return;
    incoming.parts.push(payload);
    incoming.size -= payload.length;
    if (incoming.size === 0) this.#complete(channel);
  }

  #complete(channel: number): void {
    const incoming = this.#incoming.get(channel);
    if (incoming === undefined) return;
    this.#incoming.delete(channel);
    const { exchange, key, properties, mandatory } = incoming;
    const published = this.#published.get(channel);
    if (published === undefined) return; // the channel is closed, or not in confirm mode
    const answer = this.broker.behaviour.answer?.(exchange) ?? 'ack';
    if (typeof answer === 'number') {
      this.#closeChannel(channel, answer, 'as the test wants it', 60, 40);
      return;
    }
    const content = Buffer.concat(incoming.parts);
    const routed = this.broker.route({ exchange, key, properties, content });
    if (routed === undefined) {
      this.#closeChannel(channel, 404, `no exchange '${exchange}'`, 60, 40);
      return;
    }
    this.#published.set(channel, published + 1);
    if (!routed && mandatory)
      this.#send(
        method(channel, 60, 50, u16(312), short('NO_ROUTE'), short(exchange), short(key)),
        ...contentFrames(channel, properties, content),
      );
    const tag = Buffer.concat([u32(0), u32(published + 1)]);
    if (answer !== 'nothing') this.#send(method(channel, 60, answer === 'ack' ? 80 : 120, tag, u8(0)));
  }
}

/** The frames of one delivered message. */
export function deliveryFrames(
  channel: number,
  { exchange, key, properties, content }: Delivered,
  bodyFrame?: number,
): Buffer {
  const tag = Buffer.concat([u32(0), u32(1)]);
  return Buffer.concat([
    method(channel, 60, 60, short('tag'), tag, u8(0), short(exchange), short(key)),
    ...contentFrames(channel, properties, content, bodyFrame),
  ]);
}

function contentFrames(channel: number, properties: Buffer, content: Buffer, bodyFrame = 100_000): Buffer[] {
  const size = Buffer.concat([u32(0), u32(content.length)]);
  const frames = [frame(2, channel, Buffer.concat([u16(60), u16(0), size, properties]))];
  for (let at = 0; at < content.length; at += bodyFrame)
    frames.push(frame(3, channel, content.subarray(at, at + bodyFrame)));
  return frames;
}

export function startMiniBroker(behaviour: Behaviour = {}): Promise<MiniBroker> {
  return new MiniBroker(behaviour).start();
}
