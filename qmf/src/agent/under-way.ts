/** Counts what has begun and not ended, and tells when nothing is left of it. */
export class UnderWay {
  #count = 0;
  #waiting: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  /** Counts `work` until it has settled, and then goes on as `work.then` does. */
  track<T, R>(
    work: Promise<T>,
    fulfilled: (value: T) => R | Promise<R>,
    rejected: (error: unknown) => R = rethrow,
  ): Promise<R> {
    this.#count++;
    return work.then(
      value => {
        this.#done();
        return fulfilled(value);
      },
      (error: unknown) => {
        this.#done();
        return rejected(error);
      },
    );
  }

  #done(): void {
    if (--this.#count > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise(resolve => this.#waiting.push(resolve));
  }
}

function rethrow(error: unknown): never {
  throw error;
}
