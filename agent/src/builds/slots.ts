/** A place among the builds that run at the same time; given back once. */
export type Release = () => void;

/** A fixed number of slots, handed out in the order in which they were asked for. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param count how many there are, at least 1 */
  constructor(count: number) {
    this.#free = count;
  }

  /** How many are waiting. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** A slot if one is free now. */
  tryTake(): Release | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return this.#release();
  }

  /** Waits for a slot; rejects with the signal's reason when it fires first. */
  take(signal: AbortSignal): Promise<Release> {
    if (signal.aborted) return Promise.reject(reasonOf(signal));
    const release = this.tryTake();
    if (release !== undefined) return Promise.resolve(release);
    return new Promise((resolve, reject) => {
      const grant = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(this.#release());
      };
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(grant), 1);
        reject(reasonOf(signal));
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(grant);
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
      else next();
    };
  }
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}
