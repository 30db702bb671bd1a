import { Slots } from './slots.js';

/** Locks by name, for what several builds share and only one may use at a time: install media, a loop device, a remote folder. */
export class NamedLocks {
  readonly #locks = new Map<string, { readonly slot: Slots; users: number }>();

  /** Number of names that somebody holds or waits for; others are forgotten. */
  get size(): number {
    return this.#locks.size;
  }

  /**
   * Runs `work` while nobody else runs under that name, first come first served.
   *
   * @throws the signal's reason when it fires while waiting, and what `work` throws
   */
  async exclusive<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    let lock = this.#locks.get(name);
    if (lock === undefined) {
      lock = { slot: new Slots(1), users: 0 };
      this.#locks.set(name, lock);
    }
    lock.users++;
    try {
      const release = await lock.slot.take(signal);
      try {
        return await work();
      } finally {
        release();
      }
    } finally {
      if (--lock.users === 0) this.#locks.delete(name);
    }
  }
}
