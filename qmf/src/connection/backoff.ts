/** When to dial again after the broker has gone. A round is one attempt at each broker of the list. */
export interface RetryPolicy {
  /** Upper bound of the wait after the first round, in milliseconds. */
  readonly initialDelay: number;
  /** Upper bound of every wait, in milliseconds. */
  readonly maxDelay: number;
  /**
   * Milliseconds that a connection has to be open for the waits to begin anew after it. One that breaks earlier counts as an
   * attempt that failed, so that a broker that lets us in and throws us out at once is not dialled without a pause.
   */
  readonly stableAfter: number;
  /** Rounds in a row in which no broker let us in, before giving up. */
  readonly maxAttempts: number;
  /** Milliseconds without a connection before giving up; no attempt is begun after that. */
  readonly giveUpAfter: number;
  /** Whether refused credentials and addresses are tried again too; a daemon wants it, a command line doesn't. */
  readonly retryRefused: boolean;
}

/** A broker takes its time to start, and nobody is to wait much longer than that for what happened meanwhile. */
export const defaultRetry: RetryPolicy = {
  initialDelay: 250,
  maxDelay: 5_000,
  stableAfter: 10_000,
  maxAttempts: Number.POSITIVE_INFINITY,
  giveUpAfter: Number.POSITIVE_INFINITY,
  retryRefused: false,
};

/**
 * Full jitter: anything between nothing and a bound that doubles with each round, so that many clients of one broker don't
 * come back all at once.
 *
 * @param round counts from 1
 * @param random gives numbers from 0 up to 1
 */
export function backoffDelay(
  round: number,
  policy: Pick<RetryPolicy, 'initialDelay' | 'maxDelay'>,
  random: () => number,
): number {
  const bound = Math.min(policy.maxDelay, policy.initialDelay * 2 ** Math.min(round - 1, 30));
  return Math.round(bound * random());
}
