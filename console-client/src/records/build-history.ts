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
        if ('caughtUp' in change && progress.takesRecorded(change)) yield change;
      if (over) onOver();
    }
    for await (const change of live) {
      if (isEnd(change)) yield progress.completed(change);
      else if (progress.takesLive(change)) yield change;
    }
  } finally {
    await live.return?.();
  }
}

/** What the reader has of the build. */
class Progress {
  /** The last one on record. Events of one step share theirs. */
  #sequence = 0;
  #percent = 0;
  #status = 'NEW';
  readonly #statuses = new Set<string>();
  readonly #ends = new Map<string, BuildChange>();

  takesRecorded(change: BuildChange): boolean {
    this.#sequence = change.sequence ?? this.#sequence;
    if (!isEnd(change)) return this.#advances(change);
    this.#ends.set(change.kind, change);
    return false;
  }

  takesLive(change: BuildChange): boolean {
    if ((change.sequence ?? Number.POSITIVE_INFINITY) <= this.#sequence) return false;
    // Without a sequence it may be one that was here before.
    const isOld =
      change.kind === 'status' && change.sequence === undefined && this.#statuses.has(change.status);
    return !isOld && this.#advances(change);
  }

  #advances(change: BuildChange): boolean {
    if (change.kind === 'percent') {
      if (change.percent <= this.#percent) return false;
      this.#percent = change.percent;
    } else if (change.kind === 'status') {
      if (change.status === this.#status) return false;
      this.#status = change.status;
      this.#statuses.add(change.status);
    }
    return true;
  }

  /** The end with its sequence; where it was found by a query, with what its event said of it. */
  completed(end: BuildChange): BuildChange {
    const recorded = this.#ends.get(end.kind);
    if (recorded?.sequence === undefined) return end;
    const { sequence } = recorded;
    return end.caughtUp ? { ...end, ...recorded } : { ...end, sequence };
  }
}
