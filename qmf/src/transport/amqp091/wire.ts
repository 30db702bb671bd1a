import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { QmfError } from '../../errors.js';
import type { Envelope } from '../../message/envelope.js';
import { watchSilence } from '../silence.js';
import type { Binding, Peer, Wire } from '../transport.js';
import type { UserIds } from '../../message/user-ids.js';
import { toEnvelope, toPublication } from './envelopes.js';
import { channelError } from './errors.js';
import { channelLimit, heedChannelFlow, socketOf } from './flow.js';
import type { Manners } from './manners.js';
import { Publisher } from './publisher.js';
import { Routes } from './routes.js';
import { Topology } from './topology.js';
import { UndecodedProperties } from './undecoded-headers.js';

/** Exchanges with a channel of their own at once; requests may name any in their reply address. */
const MAX_PUBLISHERS = 32;
/** The channels for declaring and for listening. */
const OTHER_CHANNELS = 2;
/** How long an orderly close waits for the broker's own close, in milliseconds. */
const CLOSE_TIMEOUT = 1_000;

export interface WireSetup {
  readonly peer: Peer;
  readonly manners: Manners;
  /** Messages that the queue holds at most. */
  readonly queueLimit: number;
  /** A peer silent for this long is taken for dead; milliseconds, 0 for never. */
  readonly idleTimeout: number;
  /** The broker's address, for people. */
  readonly where: string;
  /** Destroys the socket. */
  readonly hangUp: () => void;
}

/** An open AMQP 0-9-1 connection: one queue for all bindings, a confirming channel for each exchange sent to. */
export class Amqp091Wire implements Wire {
  readonly peer: Peer;
  readonly bodyForm = 'data';
  readonly userIds: UserIds;
  readonly closed: Promise<QmfError | undefined>;
  readonly #model: ChannelModel;
  readonly #setup: WireSetup;
  readonly #topology: Topology;
  readonly #routes = new Routes();
  readonly #publishers = new Map<string, Publisher>();
  readonly #pendingBinds = new Set<(error: QmfError) => void>();
  #blocked = false;
  readonly #maxPublishers: number;
  readonly #stopWatch: () => void;
  #queue: Promise<string> | undefined;
  #resolveClosed: (reason: QmfError | undefined) => void = () => undefined;
  #ended: QmfError | undefined;
  #malformed: (error: QmfError) => void = () => undefined;

  constructor(model: ChannelModel, setup: WireSetup) {
    this.#model = model;
    this.#setup = setup;
    this.#topology = new Topology(model);
    this.peer = setup.peer;
    this.userIds = setup.manners.userIds;
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve;
    });
    this.#maxPublishers = Math.max(1, Math.min(MAX_PUBLISHERS, channelLimit(model) - OTHER_CHANNELS));
    model.on('blocked', () => this.#hold(true));
    model.on('unblocked', () => this.#hold(false));
    heedChannelFlow(model, (channel, active) => {
      for (const publisher of this.#publishers.values()) {
        if (publisher.channel !== channel) continue;
        if (active) publisher.release('channel');
        else publisher.hold('channel');
      }
    });
    this.#stopWatch = watchSilence(socketOf(model), setup.idleTimeout, () => {
      const time = `for ${setup.idleTimeout / 1000} s`;
      this.fail(new QmfError('connection_lost', `nothing came from ${setup.where} ${time}`));
    });
  }

  /** Resolves once the broker answers; a connection that ended while it was opened never tells of it by itself. */
  start(): Promise<void> {
    return this.#orEnd(this.#topology.start());
  }

  async bind(binding: Binding, deliver: (envelope: Envelope) => void): Promise<() => void> {
    if (this.#ended !== undefined) throw this.#ended;
    const queue = await this.#orEnd((this.#queue ??= this.#consume()));
    // Before the broker knows of it, so that its first message finds the way.
    const remove = this.#routes.add(binding, deliver);
    try {
      await this.#orEnd(this.#topology.bind(queue, binding));
    } catch (error) {
      remove();
      this.#failIfLost(error);
      throw error;
    }
    let state: 'bound' | 'released' = 'bound';
    return () => {
      if (state === 'released') return;
      state = 'released';
      remove();
      if (this.#ended !== undefined) return;
      void this.#topology.unbind(queue, binding, () => this.#routes.has(binding));
    };
  }

  onMalformed(listener: (error: QmfError) => void): void {
    this.#malformed = listener;
  }

  async renewBindings(): Promise<void> {
    if (this.#ended !== undefined || this.#queue === undefined) return;
    try {
      const queue = await this.#queue;
      for (const binding of this.#routes.bindings) {
        if (hasEnded(this.#ended)) return;
        // Given up meanwhile, and about to be unbound.
        if (this.#routes.has(binding)) await this.#topology.bind(queue, binding);
      }
    } catch (error) {
      const { message } = QmfError.from(error, 'connection_lost');
      this.fail(new QmfError('connection_lost', message, { cause: error }));
    }
  }

  /** A binding that was lost on the way is put in place on the next connection, so there has to be one. */
  #failIfLost(error: unknown): void {
    const failure = QmfError.from(error, 'connection_lost');
    if (failure.code === 'connection_lost') this.fail(failure);
  }

  send(envelope: Envelope): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended.unsent());
    try {
      const publication = toPublication(envelope, this.#setup.manners);
      return this.#publisherFor(publication.exchange).send(publication);
    } catch (error) {
      return Promise.reject(QmfError.from(error, 'not_encodable'));
    }
  }

  async close(): Promise<void> {
    if (this.#ended === undefined) {
      this.#end(undefined, new QmfError('closed', 'the connection was closed'));
      const orderly = this.#model.close().catch(() => undefined); // it may have ended by itself just now
      await Promise.race([orderly, delay(CLOSE_TIMEOUT)]);
    }
    this.#setup.hangUp();
  }

  /**
   * Called when the connection broke, or something on it that we can't do without.
   *
   * @param forBinds what to tell who waits for a binding, where that is known to be the cause
   */
  fail(reason: QmfError, forBinds = reason): void {
    if (this.#ended !== undefined) return;
    this.#end(reason, reason, forBinds);
    this.#setup.hangUp();
  }

  #end(reason: QmfError | undefined, forPending: QmfError, forBinds = forPending): void {
    this.#ended = forPending;
    this.#stopWatch();
    for (const publisher of this.#publishers.values()) publisher.end(forPending);
    this.#publishers.clear();
    for (const reject of this.#pendingBinds) reject(forBinds);
    this.#pendingBinds.clear();
    this.#resolveClosed(reason);
  }

  /** Declares the queue and listens to it, without acknowledgements: what nobody takes in time is not kept (§1.7). */
  async #consume(): Promise<string> {
    const gone = (why: string) =>
      new QmfError('connection_lost', `the queue of this connection is gone: ${why}`);
    let channel: Channel;
    let queue: string;
    // Before, the broker refuses what is being asked, and that is said by the call.
    let isUp = false;
    let right = `to have a queue: 'configure' for names that begin with amq.gen`;
    try {
      channel = await this.#model.createChannel();
      channel.on('error', (error: unknown) => {
        if (isUp) this.fail(gone(channelError('listening', error).message));
      });
      channel.on('close', () => {
        if (isUp) queueMicrotask(() => this.fail(gone('its channel was closed')));
      });
      ({ queue } = await channel.assertQueue('', {
        exclusive: true,
        autoDelete: true,
        durable: false,
        arguments: this.#setup.manners.queueBound(this.#setup.queueLimit),
      }));
      const take = (message: ConsumeMessage | null): void => {
        if (message === null) this.fail(gone('the broker deleted it'));
        else this.#deliver(message);
      };
      right = `to listen: 'read' for queues whose names begin with amq.gen`;
      await channel.consume(queue, take, { noAck: true });
      isUp = true;
    } catch (error) {
      throw channelError('declaring a queue and listening to it', error, right);
    }
    return queue;
  }

  #deliver({ fields: { exchange, routingKey }, properties, content }: ConsumeMessage): void {
    const receivers = this.#routes.to(exchange, routingKey);
    if (receivers.length === 0) return; // unbound meanwhile
    let envelope: Envelope;
    try {
      const undecoded: unknown = properties;
      const bytes = undecoded instanceof UndecodedProperties ? undecoded.bytes : Buffer.alloc(2);
      envelope = toEnvelope({ exchange, routingKey, properties: bytes, content }, this.#setup.manners);
    } catch (error) {
      this.#malformed(QmfError.from(error, 'malformed_message'));
      return;
    }
    for (const deliver of receivers) deliver(envelope);
  }

  /** The work's result, or the end of the connection, which must not have to wait for the broker. */
  #orEnd<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#pendingBinds.add(reject);
      work.then(
        result => {
          this.#pendingBinds.delete(reject);
          resolve(result);
        },
        (error: unknown) => {
          this.#pendingBinds.delete(reject);
          reject(this.#ended ?? QmfError.from(error, 'connection_lost'));
        },
      );
    });
  }

  #publisherFor(exchange: string): Publisher {
    const known = this.#publishers.get(exchange);
    if (known !== undefined) {
      this.#publishers.delete(exchange); // set again below: the map's order is that of last use
      this.#publishers.set(exchange, known);
      return known;
    }
    const ready = this.#evictIdlePublisher();
    const isListenedTo = (): boolean => this.#routes.listensTo(exchange);
    const publisher = new Publisher(
      this.#model,
      exchange,
      this.#setup.manners,
      isListenedTo,
      ready,
      reason => {
        if (this.#publishers.get(exchange) === publisher) this.#publishers.delete(exchange);
        // Where it isn't known what arrived, the connection ends as a whole.
        if (reason.code === 'connection_lost') this.fail(reason);
      },
    );
    if (this.#blocked) publisher.hold('connection');
    this.#publishers.set(exchange, publisher);
    return publisher;
  }

  /** Settles when the channel that had to make room is closed. */
  async #evictIdlePublisher(): Promise<void> {
    if (this.#publishers.size < this.#maxPublishers) return;
    for (const [exchange, publisher] of this.#publishers) {
      if (!publisher.idle) continue;
      this.#publishers.delete(exchange);
      await publisher.close();
      return;
    }
  }

  /** The broker has run out of something, and reads no messages until it has it again. */
  #hold(blocked: boolean): void {
    this.#blocked = blocked;
    for (const publisher of this.#publishers.values()) {
      if (blocked) publisher.hold('connection');
      else publisher.release('connection');
    }
  }
}

/** Asked anew: the compiler takes it for unchanged since the last look. */
function hasEnded(reason: QmfError | undefined): boolean {
  return reason !== undefined;
}

function delay(milliseconds: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, milliseconds).unref();
  });
}
