import type { BusConnection } from '../connection/bus-connection.js';
import { type Timers, systemTimers } from '../connection/timers.js';
import type { Bound } from '../message/bind-event.js';
import type { Envelope } from '../message/envelope.js';
import { matchesTopic, topicPattern } from '../message/topic-match.js';
import { type Listening, OptionalBinding } from '../session/optional-binding.js';
import type { SessionLog } from '../session/session-log.js';
import type { Peer } from '../transport/transport.js';
import { type BindingSource, bindingSourcesOf, MOST_SOURCES } from './binding-sources.js';

export interface ArrivalsOptions {
  /** Where the agent's heartbeats go; the key changes with the agent's name. */
  readonly exchange: string;
  readonly key: () => string;
  /** Sends a heartbeat. */
  readonly announce: () => void;
  readonly log: SessionLog;
  readonly timers?: Timers;
}

/** At most one heartbeat in this time, in milliseconds, however many bindings are announced: any client may forge such events. */
const SHORTEST_INTERVAL = 1_000;

/**
 * Has a heartbeat sent when a console begins to listen for heartbeats, where the broker announces bindings: C++ and Python consoles
 * without a filter send no locate request, and would wait for the next heartbeat. Where the broker refuses these announcements,
 * or has none, nothing happens.
 */
export class Arrivals {
  readonly #timers: Timers;
  readonly #bindings: readonly OptionalBinding[];
  #lastSent = -Infinity;
  #cancel: (() => void) | undefined;

  constructor(
    connection: BusConnection,
    private readonly options: ArrivalsOptions,
  ) {
    this.#timers = options.timers ?? systemTimers;
    const listenTo = (index: number): OptionalBinding =>
      new OptionalBinding(connection, {
        listenAt: peer => this.#listenAt(peer, index),
        // Of a console that came after the connection's first heartbeat and before now nothing was heard.
        onBound: isFirstAnswer => {
          if (!isFirstAnswer) this.#announceSoon();
        },
        onRefused: ({ message }) =>
          options.log.debug(`consoles will be noticed by their requests only: ${message}`),
      });
    this.#bindings = Array.from({ length: MOST_SOURCES }, (_, index) => listenTo(index));
  }

  /** Resolves when the broker that is connected, if any, has answered the first time. A heartbeat is due then. */
  get ready(): Promise<unknown> {
    return Promise.all(this.#bindings.map(({ ready }) => ready));
  }

  close(): void {
    for (const binding of this.#bindings) binding.close();
    this.#cancel?.();
  }

  #listenAt(peer: Peer, index: number): Listening | undefined {
    const source = bindingSourcesOf(peer)[index];
    if (source === undefined) return undefined;
    return { binding: source.binding, deliver: envelope => this.#receive(source, envelope) };
  }

  #receive(source: BindingSource, envelope: Envelope): void {
    const { exchange, key } = this.options;
    let bound: readonly Bound[];
    try {
      bound = source.read(envelope, exchange);
    } catch {
      return; // not the broker's, or of another version
    }
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
