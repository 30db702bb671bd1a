import type { CallerShares, WorkQueue } from '@imagefactory/qmf';
import { FairQueue, OverQuota, Quota } from '@imagefactory/factory/access';
import { busy } from './refusal.js';

const MiB = 1024 * 1024;

const turns = { startsPerTurn: 16, crowd: { waiting: 64, startsPerTurn: 4 } } as const;

/** How an agent is shared among its callers (docs/methods.md). */
export const shareLimits = {
  calls: {
    ...turns,
    ...{ running: 256, runningEach: 32 },
    ...{ waiting: 8_192, waitingEach: 1_024, bytes: 128 * MiB, bytesEach: 16 * MiB },
  },
  queries: {
    ...turns,
    ...{ running: 8, runningEach: 1 },
    ...{ waiting: 8_192, waitingEach: 1_024, bytes: 32 * MiB, bytesEach: 4 * MiB },
  },
  subscriptions: { total: 1_024, each: 64 },
  /** Bytes. */
  answers: { total: 256 * MiB, each: 32 * MiB },
} as const;

/** The shares of callers on the bus, with refusals as exceptions. */
export function callerShares(): CallerShares {
  const { calls, queries, subscriptions, answers } = shareLimits;
  const cancel = 'cancel one or let one expire';
  const askForLess = 'read these answers first, or ask for less';
  return {
    calls: refusing(new FairQueue(calls, 'calls')),
    queries: refusing(new FairQueue(queries, 'queries')),
    subscriptions: bounded(new Quota(subscriptions, 'subscriptions', cancel)),
    answers: bounded(new Quota(answers, 'bytes of answers under way', askForLess)),
  };
}

function refusing(queue: FairQueue): WorkQueue {
  return {
    run: (caller, size, work) =>
      queue.run(caller, size, work).catch((error: unknown) => {
        throw asException(error);
      }),
  };
}

function bounded(quota: Quota): CallerShares['subscriptions'] {
  return {
    take: (caller, amount) => {
      try {
        return quota.take(caller, amount);
      } catch (error) {
        throw asException(error);
      }
    },
  };
}

function asException(error: unknown): unknown {
  return error instanceof OverQuota ? busy(error) : error;
}
