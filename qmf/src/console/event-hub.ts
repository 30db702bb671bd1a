import { EventStream } from '../connection/event-stream.js';
import { notifyAll } from '../connection/listeners.js';
import { retainedSize } from '../value/retained.js';
import type { ReceivedEvent } from './received-event.js';

interface Held {
  readonly event: ReceivedEvent;
  /** Bytes. */
  readonly size: number;
  readonly until: number;
}

/** Events of agents that are not known yet wait this long. */
const HOLD_MILLISECONDS = 10_000;

/** How much waits, of all agents together. */
export interface HoldLimits {
  readonly count: number;
  readonly bytes: number;
}

const defaultLimits: HoldLimits = { count: 10_000, bytes: 8 << 20 };

/**
 * Hands events to their readers, and keeps those of agents not known yet: a console that has just opened meets events before
 * heartbeats, and must not lose them (wire document §9.30).
 */
export class EventHub {
  readonly #listeners = new Set<(event: ReceivedEvent) => void>();
  #held: Held[] = [];
  #bytes = 0;
  #dropped = 0;

  /** @param onListenerError told of what a listener threw; the others get their events all the same */
  constructor(
    private readonly onListenerError: (error: unknown) => void,
    private readonly limits: HoldLimits = defaultLimits,
  ) {}

  /** Events that were dropped because their agent stayed unknown, or too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  get holding(): boolean {
    return this.#held.length > 0;
  }

  listen(listener: (event: ReceivedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param ended called when the stream has ended, for any reason */
  stream<T>(select: (event: ReceivedEvent) => T | undefined, ended: () => void): EventStream<T> {
    const finish = (): void => {
      unlisten();
      ended();
    };
    const stream = new EventStream<T>(finish, {
      onDrop: () => {
        this.#dropped++;
      },
    });
    const unlisten = this.listen(event => {
      const selected = select(event);
      if (selected !== undefined) stream.push(selected);
    });
    return stream;
  }

  publish(event: ReceivedEvent): void {
    try {
      notifyAll(this.#listeners, event);
    } catch (error) {
      this.onListenerError(error);
    }
  }

  hold(event: ReceivedEvent, now: number): void {
    const size = retainedSize(event.wireValues) + retainedSize(event.properties);
    this.#held.push({ event, size, until: now + HOLD_MILLISECONDS });
    this.#bytes += size;
    while (this.#held.length > this.limits.count || this.#bytes > this.limits.bytes) {
      this.#bytes -= this.#held.shift()?.size ?? 0;
      this.#dropped++;
    }
  }

  /** The agent is known now: its events go out in the order they came. */
  release(agent: string): void {
    const released = this.#held.filter(({ event }) => event.agent === agent);
    if (released.length === 0) return;
    this.#keep(({ event }) => event.agent !== agent);
    for (const { event } of released) this.publish(event);
  }

  /** The agent is not wanted: its events go. */
  discard(agent: string): void {
    this.#keep(({ event }) => event.agent !== agent);
  }

  expire(now: number): void {
    const before = this.#held.length;
    this.#keep(({ until }) => until > now);
    this.#dropped += before - this.#held.length;
  }

  #keep(isKept: (held: Held) => boolean): void {
    this.#held = this.#held.filter(isKept);
    this.#bytes = this.#held.reduce((sum, { size }) => sum + size, 0);
  }
}
