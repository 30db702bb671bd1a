import type { Store, StoreEvent } from '../store/index.js';

/** Events of a page that is read in one go. */
const pageSize = 500;

export interface FollowOptions {
  /** Events of this job alone; the stream ends with the end of the job, at once if it has ended or is unknown. Default: all, without an end. */
  readonly job?: string;
  /** Sequence of the first event wanted; default 0, from the beginning. */
  readonly from?: number;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/**
 * The events of the store from a sequence on, those to come included, in order, each once. A reader that is slow misses none, as events are read from
 * the store.
 */
export async function* follow(
  store: Store,
  { job, from = 0, signal }: FollowOptions = {},
): AsyncGenerator<StoreEvent, void> {
  let position = from - 1;
  let newest = 0;
  let wake = (): void => undefined;
  const remove = store.onEvents(last => {
    newest = last;
    wake();
  });
  const onAbort = (): void => wake();
  signal?.addEventListener('abort', onAbort);
  try {
    while (!isAborted(signal)) {
      const before = newest;
      const { items } = await store.find('events', {
        where: [
          { field: 'sequence', operator: '>', value: position },
          ...(job === undefined ? [] : [{ field: 'job', operator: '=' as const, value: job }]),
        ],
        limit: pageSize,
      });
      for (const event of items) {
        if (isAborted(signal)) return;
        position = event.sequence;
        yield event;
        if (job !== undefined && isEnd(event)) return;
      }
      // An end after the read has made news.
      const isOver = job !== undefined && (await isGone(store, job));
      if (items.length === pageSize || newest !== before || isAborted(signal)) continue;
      if (isOver) return;
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
  } catch (error) {
    // The store may be closed with the signal.
    if (!isAborted(signal)) throw error;
  } finally {
    remove();
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Whether no event of a job is to come. */
async function isGone(store: Store, id: string): Promise<boolean> {
  const job = await store.get('jobs', id);
  return job === undefined || job.status === 'completed' || job.status === 'failed';
}

/** A function, since the compiler takes the first look for the last one. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function isEnd({ type, data }: StoreEvent): boolean {
  return type === 'job.state' && (data['to'] === 'completed' || data['to'] === 'failed');
}
