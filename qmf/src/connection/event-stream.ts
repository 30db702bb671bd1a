/** What happened to a stream's reader when it was too slow. */
export interface StreamOptions<T> {
  /** Items kept for a slow reader; beyond that the oldest of the lowest rank go. */
  readonly limit?: number;
  /** How much an item matters, from 0; without it all matter alike. */
  readonly rank?: (item: T) => number;
  /** Told of each item that had to go. */
  readonly onDrop?: (item: T) => void;
}

const DEFAULT_LIMIT = 100_000;

/**
 * A queue that one reader walks with `for await`. Pushing never waits and never throws; leaving the loop, `return()` or
 * {@link end} releases what feeds it.
 */
export class EventStream<T> implements AsyncIterableIterator<T> {
  #items: T[] = [];
  #head = 0;
  #waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  #failing: ((error: Error) => void)[] = [];
  #state: { kind: 'live' } | { kind: 'ended'; error?: Error } = { kind: 'live' };
  readonly #limit: number;

  constructor(
    private readonly onEnd: () => void = () => undefined,
    private readonly options: StreamOptions<T> = {},
  ) {
    this.#limit = options.limit ?? DEFAULT_LIMIT;
  }

  push(item: T): void {
    if (this.#state.kind === 'ended') return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      this.#failing.shift();
      reader({ done: false, value: item });
      return;
    }
    this.#items.push(item);
    if (this.#items.length - this.#head > this.#limit) this.#makeRoom();
  }

  /** With ranks some more go at once, so that the search for them is not made for every item. */
  #makeRoom(): void {
    const { rank, onDrop } = this.options;
    if (rank === undefined) {
      const dropped = this.#take();
      if (dropped !== undefined) onDrop?.(dropped.item);
      return;
    }
    const waiting = this.#items.slice(this.#head);
    const ranks = waiting.map(rank);
    const lowest = ranks.reduce((least, next) => Math.min(least, next));
    let left = Math.max(1, this.#limit >> 4);
    const kept: T[] = [];
    waiting.forEach((item, index) => {
      if (ranks[index] === lowest && left > 0) {
        left--;
        onDrop?.(item);
      } else kept.push(item);
    });
    this.#items = kept;
    this.#head = 0;
  }

  /** No more items; those already here are still read. With an error, the reader gets it after them. */
  end(error?: Error): void {
    if (this.#state.kind === 'ended') return;
    this.#state = error === undefined ? { kind: 'ended' } : { kind: 'ended', error };
    const readers = this.#waiting.splice(0);
    const failures = this.#failing.splice(0);
    readers.forEach((reader, index) => {
      if (error === undefined) reader({ done: true, value: undefined });
      else failures[index]?.(error);
    });
    this.onEnd();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const taken = this.#take();
    if (taken !== undefined) return Promise.resolve({ done: false, value: taken.item });
    if (this.#state.kind === 'ended') {
      const { error } = this.#state;
      if (error === undefined) return Promise.resolve({ done: true, value: undefined });
      this.#state = { kind: 'ended' };
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      this.#failing.push(reject);
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#items = [];
    this.#head = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): { item: T } | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head++] as T; // the head is inside the array, checked above
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return { item };
  }
}
