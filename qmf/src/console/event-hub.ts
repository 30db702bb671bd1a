import { EventStream } from '../connection/event-stream.js';
import { notifyAll } from '../connection/listeners.js';
import type { ReceivedEvent } from './received-event.js';

interface Held {
  readonly event: ReceivedEvent;
  readonly until: number;
}

/** Events of agents that are not known yet wait this long, and so many of them. */
const HOLD_MILLISECONDS = 10_000;
const HOLD_LIMIT = 10_000;

/**
 * Hands events to their readers, and keeps those of agents not known yet: a console that has just opened meets events before
 * heartbeats, and must not lose them (wire document §9.30).
 */
export class EventHub {
  readonly #listeners = new Set<(event: ReceivedEvent) => void>();
  #held: Held[] = [];
  #dropped = 0;

  /** @param onListenerError told of what a listener threw; the others get their events all the same */
  constructor(private readonly onListenerError: (error: unknown) => void) {}

  /** Events that had to go because nobody came to know their agent, or too many waited. */
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

  /** @param ended called when the stream has ended, whoever ended it */
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
    this.#held.push({ event, until: now + HOLD_MILLISECONDS });
    if (this.#held.length > HOLD_LIMIT) {
      this.#held.shift();
      this.#dropped++;
    }
  }

  /** The agent is known now: its events go out in the order they came. */
  release(agent: string): void {
    const released = this.#held.filter(({ event }) => event.agent === agent);
    if (released.length === 0) return;
    this.#held = this.#held.filter(({ event }) => event.agent !== agent);
    for (const { event } of released) this.publish(event);
  }

  /** The agent is not wanted: its events go. */
  discard(agent: string): void {
    this.#held = this.#held.filter(({ event }) => event.agent !== agent);
  }

  expire(now: number): void {
    const kept = this.#held.filter(({ until }) => until > now);
    this.#dropped += this.#held.length - kept.length;
    this.#held = kept;
  }
}
