/** When to dial again after the broker has gone. */
export interface RetryPolicy {
  /** Upper bound of the first delay, in milliseconds. */
  readonly initialDelay: number;
  /** Upper bound of every delay, in milliseconds. */
  readonly maxDelay: number;
  /** Attempts in a row before giving up. */
  readonly maxAttempts: number;
  /** Whether refused credentials and addresses are tried again too; a daemon wants it, a command line doesn't. */
  readonly retryRefused: boolean;
}

export const defaultRetry: RetryPolicy = {
  initialDelay: 250,
  maxDelay: 30_000,
  maxAttempts: Number.POSITIVE_INFINITY,
  retryRefused: false,
};

/**
 * Full jitter: anything between nothing and a bound that doubles with each attempt, so that many clients of one broker don't
 * come back all at once.
 *
 * @param attempt counts from 1
 * @param random gives numbers from 0 up to 1
 */
export function backoffDelay(attempt: number, policy: RetryPolicy, random: () => number): number {
  const bound = Math.min(policy.maxDelay, policy.initialDelay * 2 ** Math.min(attempt - 1, 30));
  return Math.round(bound * random());
}
