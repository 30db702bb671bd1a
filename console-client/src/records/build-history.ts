import { type BuildChange, isEnd } from '../tracking/build-change.js';
import type { EventPage } from './event-pages.js';

/**
 * The changes of a build from its beginning: those on record, then live ones, without a gap or a double at the seam. Percentages only grow, and the end
 * comes last, as the agent has confirmed it.
 *
 * @param live changes from before the first page was asked for
 * @param onOver called when the record has the end of the build, which may not be known yet
 */
export async function* changesFromBeginning(
  pages: AsyncIterable<EventPage>,
  live: AsyncIterableIterator<BuildChange>,
  onOver: () => void,
): AsyncGenerator<BuildChange, undefined> {
  const progress = new Progress();
  try {
    for await (const { events, over } of pages) {
      for (const { change } of events)
        if (change.kind !== 'other' && progress.takes(change) && !isEnd(change)) yield change;
      if (over) onOver();
    }
    for await (const change of live) {
      if (isEnd(change)) yield progress.completed(change);
      else if (progress.takes(change)) yield change;
    }
  } finally {
    await live.return?.();
  }
}

/** What the reader has of the build. */
class Progress {
  #sequence = 0;
  #percent = 0;
  #status = '';
  readonly #statuses = new Set<string>();
  readonly #ends = new Map<string, BuildChange>();

  /** Whether a change comes after those before. */
  takes(change: BuildChange): boolean {
    const { sequence } = change;
    if (sequence !== undefined) {
      if (sequence <= this.#sequence) return false;
      this.#sequence = sequence;
      if (isEnd(change)) this.#ends.set(change.kind, change);
    }
    if (change.kind === 'percent') {
      if (change.percent <= this.#percent) return false;
      this.#percent = change.percent;
    } else if (change.kind === 'status') {
      const { status } = change;
      // Without a sequence it may be one that was here before.
      if (status === this.#status || (sequence === undefined && this.#statuses.has(status))) return false;
      this.#status = status;
      this.#statuses.add(status);
    }
    return true;
  }

  /** The end with its sequence, and where the agent has given no reason but by an event, with that. */
  completed(end: BuildChange): BuildChange {
    const recorded = this.#ends.get(end.kind);
    if (recorded?.sequence === undefined) return end;
    const isReason = end.kind === 'failure' && end.caughtUp;
    return { ...end, ...(isReason ? recorded : {}), sequence: recorded.sequence };
  }
}
