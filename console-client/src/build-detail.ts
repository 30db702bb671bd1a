import type { OutputsOf } from '@imagefactory/qmf';
import type { BuildNews } from '@imagefactory/schema';
import { optionalTextIn, textIn, textsIn } from './answers.js';

/** What a build or push is doing now, and what became of it. */
export interface BuildDetail {
  /** The step that it is at, in words. */
  readonly activity: string;
  /** What went wrong. */
  readonly error?: string;
  /** Where it waits for its turn; absent unless it does. */
  readonly queue?: {
    readonly queue: string;
    /** 1 for the one that is next. */
    readonly position: number;
  };
  /** Only once it has failed. */
  readonly failure?: {
    /** A stable word for the cause. */
    readonly type: string;
    /** One readable line. */
    readonly info: string;
    /** The last lines of its log. */
    readonly lastLines: readonly string[];
    /** What was removed when it was tidied up. */
    readonly removed: readonly string[];
    /** What could not be removed, and is to be looked after. */
    readonly left: readonly string[];
  };
}

/** @throws QmfError `malformed_message` naming what is not as it should be */
export function buildDetailFrom({
  status_detail: status,
  queue,
  failure,
}: OutputsOf<typeof BuildNews, 'detail'>): BuildDetail {
  const { position } = queue;
  return {
    activity: textIn(status, 'activity'),
    ...optionalTextIn(status, 'error'),
    ...(typeof position === 'number' ? { queue: { queue: textIn(queue, 'queue'), position } } : {}),
    ...(Object.keys(failure).length === 0
      ? {}
      : {
          failure: {
            type: textIn(failure, 'type'),
            info: textIn(failure, 'info'),
            lastLines: textsIn(failure, 'last_lines'),
            removed: textsIn(failure, 'removed'),
            left: textsIn(failure, 'left'),
          },
        }),
  };
}
