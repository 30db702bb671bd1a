import { setTimeout as sleep } from 'node:timers/promises';
import { QmfError } from '@imagefactory/qmf';

/** Milliseconds that one question waits for its answer, and between two tries. */
export const answerTime = 5_000;
const pause = 250;
/** Milliseconds after which an agent that doesn't answer, or a bus that is away, is given up. */
const patience = 120_000;

export interface Limits {
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** @throws QmfError `aborted` */
export function checkAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted === true) throw new QmfError('aborted', `${what}: cancelled`);
}

/**
 * Asks until the agent has answered, or cannot any more. Only for questions, which change nothing.
 *
 * @param what is asked for, in the error of a cancelled wait
 * @throws QmfError `aborted`, or the last error
 */
export async function untilAnswered<T>(
  ask: (limits: Limits) => Promise<T>,
  signal: AbortSignal | undefined,
  what: string,
): Promise<T> {
  const deadline = performance.now() + patience;
  for (;;) {
    checkAborted(signal, what);
    try {
      return await ask({ timeout: answerTime, ...(signal === undefined ? {} : { signal }) });
    } catch (error) {
      if (!(error instanceof QmfError) || !error.retryable || performance.now() > deadline) throw error;
      await sleep(pause);
    }
  }
}
