import type { BusConnection } from '../connection/bus-connection.js';
import { type Timers, systemTimers } from '../connection/timers.js';
import { QmfError } from '../errors.js';
import type { Bound } from '../message/bind-event.js';
import type { Envelope } from '../message/envelope.js';
import { matchesTopic, topicPattern } from '../message/topic-match.js';
import type { SessionLog } from '../session/session-log.js';
import type { Peer } from '../transport/transport.js';
import { type BindingSource, bindingSourceOf } from './binding-sources.js';

export interface ArrivalsOptions {
  /** Where the agent's heartbeats go; the key changes with the agent's name. */
  readonly exchange: string;
  readonly key: () => string;
  /** Sends a heartbeat. */
  readonly announce: () => void;
  readonly log: SessionLog;
  readonly timers?: Timers;
}

/** At most one heartbeat in this time, in milliseconds, however many bindings are announced: anybody may forge such events. */
const SHORTEST_INTERVAL = 1_000;

/** Wires lost over the question, after which it is not asked any more. */
const MOST_LOST = 2;

/**
 * Has a heartbeat sent when a console begins to listen for heartbeats, where the broker announces bindings: C++ and Python consoles
 * without a filter send no locate request, and would wait for the next heartbeat. Where the broker refuses these announcements,
 * or has none, nothing happens.
 */
export class Arrivals {
  readonly #timers: Timers;
  readonly #statuses: AsyncIterableIterator<{ readonly kind: string; readonly peer?: Peer }>;
  #unbind: () => void = () => undefined;
  /** Counts wires, so that what one of them has begun does not go on at the next. */
  #wire = 0;
  /** Wires that were lost while the broker was asked: it may have been the answer, so it is not asked again and again. */
  #lost = 0;
  #asking = false;
  #lastSent = -Infinity;
  #cancel: (() => void) | undefined;
  /** Ends {@link ready}; undefined once it has ended. */
  #begin: (() => void) | undefined;
  /** Resolves when the broker that is connected, if any, has answered the first time. A heartbeat is due then. */
  readonly ready: Promise<void>;

  constructor(
    private readonly connection: BusConnection,
    private readonly options: ArrivalsOptions,
  ) {
    this.#timers = options.timers ?? systemTimers;
    this.ready = new Promise(resolve => {
      this.#begin = resolve;
    });
    if (connection.state !== 'open') this.#end();
    this.#statuses = connection.status();
    void this.#follow();
  }

  close(): void {
    this.#end();
    void this.#statuses.return?.();
    this.#cancel?.();
    this.#leaveWire();
  }

  #end(): void {
    this.#begin?.();
    this.#begin = undefined;
  }

  async #follow(): Promise<void> {
    for await (const { kind, peer } of this.#statuses) {
      this.#leaveWire();
      if (kind === 'open' && peer !== undefined && this.#lost < MOST_LOST)
        void this.#listen(bindingSourceOf(peer));
    }
  }

  /** The next wire may be another broker's, which may refuse or miss the binding: it is asked for anew, not kept. */
  #leaveWire(): void {
    this.#wire++;
    if (this.#asking) this.#lost++;
    this.#asking = false;
    this.#unbind();
    this.#unbind = () => undefined;
  }

  async #listen(source: BindingSource | undefined): Promise<void> {
    if (source === undefined) {
      this.#end();
      return;
    }
    const wire = this.#wire;
    this.#asking = true;
    try {
      const unbind = await this.connection.bind(source.binding, envelope => this.#receive(source, envelope));
      if (this.#wire !== wire) {
        unbind();
        return;
      }
      this.#unbind = unbind;
      // Of a console that came after the wire's first heartbeat and before now nothing was heard.
      if (this.#begin === undefined) this.#announceSoon();
    } catch (error) {
      const { message } = QmfError.from(error, 'address_refused');
      this.options.log.debug(`consoles will be noticed by their requests only: ${message}`);
    } finally {
      if (this.#wire === wire) this.#asking = false;
      this.#end();
    }
  }

  #receive(source: BindingSource, envelope: Envelope): void {
    let bound: readonly Bound[];
    try {
      bound = source.read(envelope);
    } catch {
      return; // not the broker's, or of another version
    }
    const { exchange, key } = this.options;
    if (bound.some(each => each.exchange === exchange && matchesTopic(topicPattern(each.key), key()))) {
      this.#announceSoon();
    }
  }

  #announceSoon(): void {
    if (this.#cancel !== undefined) return;
    const wait = this.#lastSent + SHORTEST_INTERVAL - this.#timers.now();
    if (wait <= 0) {
      this.#announce();
      return;
    }
    this.#cancel = this.#timers.after(wait, () => {
      this.#cancel = undefined;
      this.#announce();
    });
  }

  #announce(): void {
    this.#lastSent = this.#timers.now();
    this.options.announce();
  }
}
