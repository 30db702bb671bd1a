import type { Timers } from './timers.js';

/** Time that passes when the test says so. */
export class FakeTimers implements Timers {
  #now = 0;
  #next = 0;
  readonly #tasks = new Map<number, { readonly at: number; readonly task: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delay: number, task: () => void): () => void {
    const id = this.#next++;
    this.#tasks.set(id, { at: this.#now + Math.max(0, delay), task });
    return () => this.#tasks.delete(id);
  }

  /** Tasks that are due at some time. */
  get pending(): number {
    return this.#tasks.size;
  }

  /** Lets time pass, and everything happen that is due meanwhile and follows from it. */
  async pass(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds;
    for (;;) {
      await turn();
      const due = [...this.#tasks].filter(([, { at }]) => at <= until).sort(byTime)[0];
      if (due === undefined) break;
      const [id, { at, task }] = due;
      this.#tasks.delete(id);
      this.#now = Math.max(this.#now, at);
      task();
    }
    this.#now = until;
  }
}

function byTime(
  [leftId, left]: readonly [number, { readonly at: number }],
  [rightId, right]: readonly [number, { readonly at: number }],
): number {
  return left.at - right.at || leftId - rightId;
}

/** Lets everything happen that needs no time. */
export function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}
