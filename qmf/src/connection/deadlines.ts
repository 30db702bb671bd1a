/** The longest that a timer can run; Node.js takes more for one millisecond. */
export const LONGEST_TIMER = 2 ** 31 - 1;

interface Deadline {
  /** By `performance.now()`. */
  readonly at: number;
  readonly task: () => void;
}

/**
 * Tasks for later that are nearly always called off before, such as the deadlines of requests. All share one timer of Node.js, which
 * stays set when a task is called off, and looks for the next one when it runs: to set and clear one for each call was a tenth of
 * what a call costs a console.
 */
export class Deadlines {
  readonly #waiting = new Set<Deadline>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer runs. */
  #wakesAt = Infinity;

  /** Runs `task` after so many milliseconds, and keeps the process alive until then, unless the result is called before. */
  after(delay: number, task: () => void): () => void {
    const at = performance.now() + (delay > 0 ? Math.min(delay, LONGEST_TIMER) : 0);
    const deadline: Deadline = { at, task };
    this.#waiting.add(deadline);
    if (at < this.#wakesAt) this.#wake(at);
    else if (this.#waiting.size === 1) this.#timer?.ref();
    return () => {
      if (this.#waiting.delete(deadline) && this.#waiting.size === 0) this.#timer?.unref();
    };
  }

  #wake(at: number): void {
    clearTimeout(this.#timer);
    this.#wakesAt = at;
    this.#timer = setTimeout(() => this.#run(), Math.ceil(at - performance.now()));
  }

  #run(): void {
    this.#timer = undefined;
    this.#wakesAt = Infinity;
    const now = performance.now();
    const due = [...this.#waiting].filter(({ at }) => at <= now).sort((left, right) => left.at - right.at);
    try {
      for (const deadline of due) {
        // One may call off another.
        if (this.#waiting.delete(deadline)) deadline.task();
      }
    } finally {
      let next = Infinity;
      for (const { at } of this.#waiting) next = Math.min(next, at);
      if (next < this.#wakesAt) this.#wake(next);
    }
  }
}
