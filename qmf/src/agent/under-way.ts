/** Work that had begun at some moment, and what is left of it. */
export interface Begun {
  readonly left: number;
  /** Resolves when nothing is left. */
  readonly settled: Promise<void>;
}

class Batch {
  left = 0;
  #waiting: (() => void)[] = [];

  done(): void {
    if (--this.left > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  settled(): Promise<void> {
    if (this.left === 0) return Promise.resolve();
    return new Promise(resolve => this.#waiting.push(resolve));
  }
}

/** Counts what has begun and not ended. */
export class UnderWay {
  /** The last one is that of the work to come. */
  #batches: Batch[] = [];
  #present = this.#newBatch();

  get count(): number {
    return sum(this.#batches);
  }

  /** Counts `work` until it has settled, and then goes on as `work.then` does. */
  track<T, R>(
    work: Promise<T>,
    fulfilled: (value: T) => R | Promise<R>,
    rejected: (error: unknown) => R = rethrow,
  ): Promise<R> {
    const batch = this.#present;
    batch.left++;
    return work.then(
      value => {
        batch.done();
        return fulfilled(value);
      },
      (error: unknown) => {
        batch.done();
        return rejected(error);
      },
    );
  }

  /** What has begun until now; what begins later does not count there. */
  begun(): Begun {
    const batches = this.#batches.filter(({ left }) => left > 0);
    this.#batches = batches;
    this.#present = this.#newBatch();
    return {
      get left() {
        return sum(batches);
      },
      settled: Promise.all(batches.map(batch => batch.settled())).then(() => undefined),
    };
  }

  #newBatch(): Batch {
    const batch = new Batch();
    this.#batches = [...this.#batches, batch];
    return batch;
  }
}

function sum(batches: readonly Batch[]): number {
  return batches.reduce((total, { left }) => total + left, 0);
}

function rethrow(error: unknown): never {
  throw error;
}
