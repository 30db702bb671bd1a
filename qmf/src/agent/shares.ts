import { setImmediate as nextTurn } from 'node:timers/promises';
import { AgentException, exceptionCodes } from '../message/exception.js';

/** Decides when work for a caller is done, so that no caller keeps others waiting. */
export interface WorkQueue {
  /**
   * Does the work when it is the caller's turn.
   *
   * @param caller see `Caller.key`
   * @param size bytes that wait with it
   * @throws AgentException with the code `busy` at once when too much waits already, or an error of the work
   */
  run<T>(caller: string, size: number, work: () => Promise<T>): Promise<T>;
}

/** Bounds what callers hold at a time. */
export interface Quota {
  /**
   * Takes an amount. The result gives it back; a second time it does nothing.
   *
   * @param caller see `Caller.key`
   * @throws AgentException with the code `busy` when the caller, or all together, would hold too much
   */
  take(caller: string, amount: number): () => void;
}

/** How an agent is shared among those who use it. */
export interface CallerShares {
  /** Method calls. */
  readonly calls: WorkQueue;
  /** Locate requests, queries and publications to subscribers. */
  readonly queries: WorkQueue;
  /** Subscriptions, by number. */
  readonly subscriptions: Quota;
  /** Answers to queries and publications that the broker has not taken yet, by approximate bytes. */
  readonly answers: Quota;
}

/** Limits of {@link boundedShares}, for all callers together. */
export const boundedLimits = {
  /** Method calls at a time. */
  calls: 10_000,
  /** Queries that wait. */
  queries: 1_000,
  /** Bytes of requests that wait or are under way, calls and queries each. */
  bytes: 64 * 1024 * 1024,
  subscriptions: 64,
  /** Bytes of answers. */
  answers: 256 * 1024 * 1024,
} as const;

/** First come, first served, with bounds on all callers together: for agents whose callers trust each other. */
export function boundedShares(): CallerShares {
  const { calls, queries, bytes, subscriptions, answers } = boundedLimits;
  return {
    calls: new BoundedQueue(calls, calls, bytes, 'calls'),
    queries: new BoundedQueue(queries, 1, bytes, 'queries'),
    subscriptions: new TotalQuota(subscriptions, 'subscriptions', 'cancel one or let one expire'),
    answers: new TotalQuota(answers, 'bytes of answers', 'ask again later, or for less'),
  };
}

class BoundedQueue implements WorkQueue {
  #count = 0;
  #bytes = 0;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly most: number,
    private readonly atATime: number,
    private readonly mostBytes: number,
    private readonly what: string,
  ) {}

  async run<T>(_caller: string, size: number, work: () => Promise<T>): Promise<T> {
    if (this.#count >= this.most || (this.#count > 0 && this.#bytes + size > this.mostBytes)) {
      throw new AgentException(`too many ${this.what} wait already; try again later`, exceptionCodes.busy);
    }
    this.#count++;
    this.#bytes += size;
    try {
      if (this.#running >= this.atATime) await new Promise<void>(resolve => this.#waiting.push(resolve));
      else this.#running++;
      return await work();
    } finally {
      this.#count--;
      this.#bytes -= size;
      void this.#next();
    }
  }

  /** Hands the place on, in another turn of the event loop: what waits must not keep messages from being read. */
  async #next(): Promise<void> {
    if (this.#waiting.length > 0) await nextTurn();
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}

class TotalQuota implements Quota {
  #held = 0;

  constructor(
    private readonly most: number,
    private readonly what: string,
    private readonly remedy: string,
  ) {}

  take(_caller: string, amount: number): () => void {
    if (this.#held > 0 && this.#held + amount > this.most) {
      const text = `${this.what}: ${this.#held} are under way already, of at most ${this.most}; ${this.remedy}`;
      throw new AgentException(text, exceptionCodes.busy);
    }
    this.#held += amount;
    let isHeld = true;
    return () => {
      if (isHeld) this.#held -= amount;
      isHeld = false;
    };
  }
}
