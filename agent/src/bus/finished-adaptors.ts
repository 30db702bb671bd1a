export interface KeepLimits {
  /** Milliseconds. */
  readonly age: number;
  readonly count: number;
  /** Characters of all descriptors together, which are nearly all that an adaptor costs. */
  readonly size: number;
}

/** What is kept of an adaptor whose build is over. */
export interface Finished {
  /** Characters of its descriptor. */
  readonly size: number;
  remove(): void;
}

/** The longest pause between two looks at the clock; longer than 2^31 ms no timer can run. */
const longestPause = 3_600_000;

/** Keeps the adaptors of finished builds on the bus for a while; the oldest go first. */
export class FinishedAdaptors {
  readonly #limits: KeepLimits;
  readonly #now: () => number;
  /** The oldest first. */
  readonly #kept: { readonly since: number; readonly adaptor: Finished }[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param now milliseconds of a clock that never goes back */
  constructor(limits: KeepLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  get count(): number {
    return this.#kept.length;
  }

  /** @param age milliseconds since the build's end; older ones are to be added first */
  add(adaptor: Finished, age = 0): void {
    this.#kept.push({ since: this.#now() - age, adaptor });
    this.#size += adaptor.size;
    this.sweep();
  }

  /** Removes what is too old or too much; done by itself too. */
  sweep(): void {
    clearTimeout(this.#timer);
    const { age, count, size } = this.#limits;
    for (let oldest = this.#kept[0]; oldest !== undefined; oldest = this.#kept[0]) {
      const expired = this.#now() - oldest.since >= age;
      if (!expired && this.#kept.length <= count && this.#size <= size) {
        const left = oldest.since + age - this.#now();
        this.#timer = setTimeout(() => this.sweep(), Math.min(Math.max(left, 1), longestPause));
        this.#timer.unref();
        return;
      }
      this.#kept.shift();
      this.#size -= oldest.adaptor.size;
      oldest.adaptor.remove();
    }
  }

  /** Looks no more at the clock. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
