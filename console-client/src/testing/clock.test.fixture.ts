import type { Timers } from '@imagefactory/qmf';

/** A clock that the test moves. */
export class Clock implements Timers {
  #now = 0;
  #tasks: { readonly at: number; readonly run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delay: number, run: () => void): () => void {
    const task = { at: this.#now + delay, run };
    this.#tasks.push(task);
    return () => (this.#tasks = this.#tasks.filter(other => other !== task));
  }

  /** Lets so many milliseconds pass, and runs the tasks that are due by then. */
  pass(milliseconds: number): void {
    const until = this.#now + milliseconds;
    while (this.#next() <= until) this.#runNext();
    this.#now = until;
  }

  /** Runs tasks in their order until the promise has settled. */
  async settle<T>(promise: Promise<T>, between: () => void = () => undefined): Promise<T> {
    const state = { settled: false };
    const settled = promise.finally(() => (state.settled = true));
    for (;;) {
      await new Promise(resolve => setImmediate(resolve));
      if (state.settled) return settled;
      if (this.#tasks.length === 0) throw new Error('the promise waits, and no task is left');
      this.#now = this.#next();
      between();
      this.#runNext();
    }
  }

  /** When the next task is due. */
  #next(): number {
    return Math.min(...this.#tasks.map(({ at }) => at));
  }

  #runNext(): void {
    const at = this.#next();
    const task = this.#tasks.find(each => each.at === at);
    this.#tasks = this.#tasks.filter(each => each !== task);
    this.#now = at;
    task?.run();
  }
}
