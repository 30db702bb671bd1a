import { defaultRetry, type RetryPolicy } from './backoff.js';
import type { Importance } from './lane.js';
import { systemTimers, type Timers } from './timers.js';

export interface ConnectionOptions {
  readonly retry?: Partial<RetryPolicy>;
  /**
   * Milliseconds that one attempt may take; default 10 000. At a broker that did not let us in the last time it is 2 000 at most, as long as
   * the list has another one that did.
   */
  readonly dialTimeout?: number;
  /**
   * Milliseconds in which each broker of the list is to have had its turn when there has been no connection yet: an attempt may take its
   * share of that at most. For those who wait for the first connection, and not for ever. Default: no such limit.
   */
  readonly firstRound?: number;
  /** Messages that are kept until the broker has accepted them; default 10 000. Beyond that progress is dropped. */
  readonly outboxLimit?: number;
  /** The same in bytes of memory, about; default 32 MiB. Lasting messages may take up to eight times either limit. */
  readonly outboxBytes?: number;
  /**
   * Messages to one destination that are handed to the broker before it has accepted the first of them; default 1024, at most
   * 1200. What waits behind them can still be dropped.
   */
  readonly sendWindow?: number;
  /**
   * Milliseconds after which bindings are put in place anew that may have been removed at the broker without a word; default 30 000, with
   * jitter. 0 for never.
   */
  readonly renewal?: number;
  /** Gives numbers from 0 up to 1; for tests. */
  readonly random?: () => number;
  /** For tests. */
  readonly timers?: Timers;
}

/**
 * What to do with a message while the broker is away: `fail` at once (requests, whose caller wants to know), or `keep` it in the
 * outbox and send it until the broker has accepted it (events, answers). When the outbox is full, `progress` is dropped first, the
 * oldest before all; `lasting` is the default.
 */
export type SendOptions =
  | { readonly whileAway: 'fail' }
  | { readonly whileAway: 'keep'; readonly importance?: Importance };

export interface DrainOptions {
  /** Milliseconds that the messages have to reach the broker; default 5 000. */
  readonly timeout?: number;
}

export interface ConnectionSettings {
  readonly retry: RetryPolicy;
  readonly dialTimeout: number;
  readonly firstRound: number;
  readonly outboxLimit: number;
  readonly outboxBytes: number;
  readonly sendWindow: number;
  readonly renewal: number;
  readonly random: () => number;
  readonly timers: Timers;
}

/** Four times this and the messages that are not kept are less than the 10 000 that a wire takes. */
const MAX_WINDOW = 1_200;

export function connectionSettings(options: ConnectionOptions): ConnectionSettings {
  return {
    retry: { ...defaultRetry, ...options.retry },
    dialTimeout: options.dialTimeout ?? 10_000,
    firstRound: options.firstRound ?? Number.POSITIVE_INFINITY,
    outboxLimit: options.outboxLimit ?? 10_000,
    outboxBytes: options.outboxBytes ?? 32 * 1024 * 1024,
    sendWindow: Math.min(MAX_WINDOW, Math.max(1, options.sendWindow ?? 1_024)),
    renewal: options.renewal ?? 30_000,
    random: options.random ?? Math.random,
    timers: options.timers ?? systemTimers,
  };
}
