import { notifySafely } from './listeners.js';
import type { Timers } from './timers.js';

/** Milliseconds between two reports. */
const INTERVAL = 1_000;

/** Tells how many messages were dropped, not at each of them. */
export class DropNews {
  readonly #timers: Timers;
  readonly #listeners = new Set<(count: number) => void>();
  #count = 0;
  #cancel: (() => void) | undefined;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  listen(listener: (count: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One more. */
  count(): void {
    this.#count++;
    if (this.#listeners.size > 0) this.#cancel ??= this.#timers.after(INTERVAL, () => this.end());
  }

  /** Tells what was not told yet. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const count = this.#count;
    this.#count = 0;
    if (count > 0) notifySafely(this.#listeners, count);
  }
}
