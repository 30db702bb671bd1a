/** Counts what has begun and not ended, and tells when nothing is left of it. */
export class UnderWay {
  #count = 0;
  #waiting: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  /** Counts `work` until it has settled; gives it back. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#count++;
    const done = (): void => {
      if (--this.#count > 0) return;
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
    work.then(done, done);
    return work;
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise(resolve => this.#waiting.push(resolve));
  }
}
