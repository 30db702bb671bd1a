import { QmfError } from '../errors.js';
import { systemTimers, type Timers } from './timers.js';

export { LONGEST_TIMER } from './deadlines.js';

/** Limits of a wait: every one has a deadline, and may be cancelled. */
export interface WaitOptions {
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A promise with a deadline and an AbortSignal.
 *
 * @param start gets the functions that settle the wait, and gives a clean-up that runs once it is settled, however that came
 * @throws QmfError `timeout` or `aborted`, naming `what` was waited for
 */
export function wait<T>(
  what: string,
  options: {
    readonly timeout: number;
    readonly signal?: AbortSignal | undefined;
    readonly timers?: Timers;
  },
  start: (resolve: (value: T) => void, reject: (error: QmfError) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const { signal, timers = systemTimers } = options;
    if (signal?.aborted === true) {
      reject(new QmfError('aborted', `${what}: cancelled`));
      return;
    }
    const state = { settled: false };
    let cleanUp: () => void = () => undefined;
    const settle = (finish: () => void): void => {
      if (state.settled) return;
      state.settled = true;
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
      cleanUp();
      finish();
    };
    const onAbort = (): void => settle(() => reject(new QmfError('aborted', `${what}: cancelled`)));
    const cancelTimer = timers.after(options.timeout, () =>
      settle(() => reject(new QmfError('timeout', `${what}: no answer within ${options.timeout / 1000} s`))),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      cleanUp = start(
        value => settle(() => resolve(value)),
        error => settle(() => reject(error)),
      );
    } catch (error) {
      settle(() => reject(QmfError.from(error, 'invalid_argument')));
    }
    // `start` may have settled the wait before there was a clean-up to run.
    if (state.settled) cleanUp();
  });
}
