import { EventStream, QmfError, type ReceivedEvent } from '@imagefactory/qmf';
import { BuildAdaptorPercentCompleteEvent } from '@imagefactory/schema';
import { isEnd } from './tracking/build-change.js';
import type { DecodedEvent } from './tracking/decoded-event.js';
import type { Delivery } from './tracking/delivery.js';
import type { Emitted, Trackers } from './tracking/trackers.js';

/** The same for the reader of a stream. */
export interface StreamDelivery extends Delivery {
  /** Events that had to go just before this one, because the reader was too slow. */
  readonly droppedBefore: number;
}

export interface EventsOptions {
  /**
   * Events kept for a slow reader, default 10 000. Beyond that progress goes first, then what is no end of a build, then the rest.
   */
  readonly limit?: number;
  /** Only events for which this holds. */
  readonly where?: (event: ReceivedEvent) => boolean;
  /** Ends the loop with an `aborted` error. */
  readonly signal?: AbortSignal;
}

const DEFAULT_LIMIT = 10_000;

/** All events of the bus as streams, with those filled in that were missed. */
export class FactoryEvents {
  #dropped = 0;

  constructor(private readonly trackers: Trackers) {}

  /** Events that were dropped because their reader was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Events from now on, as `select` returns them. */
  stream<T extends Delivery>(
    select: (emitted: Emitted) => T | undefined,
    options: EventsOptions = {},
  ): AsyncIterableIterator<T & StreamDelivery> {
    let droppedBefore = 0;
    const cleanUps: (() => void)[] = [];
    const stream = new EventStream<{ readonly item: T; readonly rank: number }>(
      () => {
        for (const cleanUp of cleanUps.splice(0)) cleanUp();
      },
      {
        limit: options.limit ?? DEFAULT_LIMIT,
        rank: ({ rank }) => rank,
        onDrop: () => {
          this.#dropped++;
          droppedBefore++;
        },
      },
    );
    const { signal, where = () => true } = options;
    const onAbort = (): void => stream.end(new QmfError('aborted', 'events: cancelled'));
    signal?.addEventListener('abort', onAbort, { once: true });
    cleanUps.push(
      () => signal?.removeEventListener('abort', onAbort),
      this.trackers.onEnd(error => stream.end(error)),
      this.trackers.listen(emitted => {
        const item = where(emitted.event) ? select(emitted) : undefined;
        if (item !== undefined) stream.push({ item, rank: rankOf(emitted.decoded) });
      }),
    );
    if (signal?.aborted === true) onAbort();
    const reader: AsyncIterableIterator<T & StreamDelivery> = {
      next: async () => {
        const result = await stream.next();
        if (result.done === true) return { done: true, value: undefined };
        const value = { ...result.value.item, droppedBefore };
        droppedBefore = 0;
        return { done: false, value };
      },
      return: async () => {
        await stream.return();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => reader,
    };
    return reader;
  }
}

/** The order in which events are dropped: progress, then all others, then the ends of builds. */
function rankOf({ event, change }: DecodedEvent): number {
  if (event.className === BuildAdaptorPercentCompleteEvent.schema.id.className) return 0;
  return change !== undefined && isEnd(change.change) ? 2 : 1;
}
