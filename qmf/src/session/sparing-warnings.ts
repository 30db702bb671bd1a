import type { SessionLog } from './session-log.js';

/** Between two warnings of the same kind; milliseconds. */
const QUIET = 60_000;

interface Kind {
  /** When the log was warned last. */
  warnedAt: number;
  /** Occurrences since. */
  since: number;
}

/** Warns of each kind of fault at once, and then at most once a minute with the number of those in between: peers can cause any number of them. */
export class SparingWarnings {
  readonly #kinds = new Map<string, Kind>();

  /** @param now milliseconds of a clock that never goes back */
  constructor(
    private readonly log: SessionLog,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param kind one of a bounded number, so never a peer's text */
  warn(kind: string, message: string): void {
    const known = this.#kinds.get(kind);
    const now = this.now();
    if (known !== undefined && now - known.warnedAt < QUIET) {
      known.since++;
      return;
    }
    const more =
      known === undefined || known.since === 0 ? '' : ` (and ${known.since} more since the last warning)`;
    this.#kinds.set(kind, { warnedAt: now, since: 0 });
    this.log.warn(`${message}${more}`);
  }
}
