/** A place among the builds that run at the same time; given back once. */
export type Release = () => void;

interface Waiter {
  readonly grant: () => void;
  readonly onMove: (position: number) => void;
}

/** A fixed number of slots, handed out in the order in which they were asked for. */
export class Slots {
  #waiting: Waiter[] = [];
  #free: number;

  /** @param count how many there are, at least 1 */
  constructor(readonly count: number) {
    this.#free = count;
  }

  /** How many are waiting. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many are taken. */
  get taken(): number {
    return this.count - this.#free;
  }

  /** A slot if one is free now. */
  tryTake(): Release | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return this.#release();
  }

  /**
   * Waits for a slot; rejects with the signal's reason when it fires first.
   *
   * @param onMove told the place in the queue, from 1, at once and whenever it changes
   */
  take(signal: AbortSignal, onMove: (position: number) => void = () => undefined): Promise<Release> {
    if (signal.aborted) return Promise.reject(reasonOf(signal));
    const release = this.tryTake();
    if (release !== undefined) return Promise.resolve(release);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        grant: () => {
          signal.removeEventListener('abort', giveUp);
          resolve(this.#release());
        },
        onMove,
      };
      const giveUp = (): void => {
        const index = this.#waiting.indexOf(waiter);
        this.#waiting.splice(index, 1);
        reject(reasonOf(signal));
        this.#tellPositions(index);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(waiter);
      onMove(this.#waiting.length);
    });
  }

  #release(): Release {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = this.#waiting.shift();
      // Handed on directly, so that nobody who comes later can slip in.
      if (next === undefined) this.#free++;
      else next.grant();
      this.#tellPositions(0);
    };
  }

  #tellPositions(from: number): void {
    // A copy: whoever is told may leave the queue.
    for (const [index, { onMove }] of [...this.#waiting].entries()) if (index >= from) onMove(index + 1);
  }
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}
