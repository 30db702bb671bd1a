import type { Logger } from '../platform/log/index.js';
import type { WarehouseError } from '../warehouse/index.js';

export interface OutageNewsOptions {
  readonly log: Logger;
  /** Milliseconds between two reminders that the warehouse is away still; default 600 000. */
  readonly reminder?: number;
  /** Milliseconds after which it is tried again at the latest. */
  readonly longestPause: number;
  /** Milliseconds of a clock that never goes back; default: the process's. */
  readonly now?: () => number;
}

interface Outage {
  readonly since: number;
  readonly wantsLogin: boolean;
  toldAt: number;
}

/**
 * Tells the log of a warehouse that is away: once when it goes, with what waits and what to do, then at most now and again while it is away,
 * and once when it is back. How often somebody tries, and for how many builds, makes no difference.
 */
export class OutageNews {
  readonly #options: OutageNewsOptions;
  #outage: Outage | undefined;

  constructor(options: OutageNewsOptions) {
    this.#options = options;
  }

  /** @param waiting number of things that are to be sent */
  away(error: WarehouseError, waiting: number): void {
    const { log, reminder = 600_000, longestPause } = this.#options;
    const wantsLogin = error.code === 'not_authorised';
    const known = this.#outage;
    const now = this.#now();
    const kept = `${objectCount(waiting)} ${waiting === 1 ? 'waits' : 'wait'} here`;
    // A way that fails in turn by a refusal, a timeout and an error of the server is one outage; that a key is wanted is other news.
    if (known?.wantsLogin !== wantsLogin) {
      const remedy = wantsLogin
        ? 'give the agent a key and a secret that it takes (--warehouse-key-file, --warehouse-secret-file)'
        : 'nothing needs to be done here, unless --warehouse is wrong';
      this.#outage = { since: known?.since ?? now, wantsLogin, toldAt: now };
      log.warn(
        `${error.message}; ${kept} and will be sent as soon as it takes them, which is tried at least every ${Math.ceil(longestPause / 1000)} s: ${remedy}. Builds and pushes complete meanwhile (see \`imagefactory image waiting\`)`,
      );
    } else if (now - known.toldAt >= reminder) {
      known.toldAt = now;
      log.warn(`the warehouse is away still, ${span(now - known.since)} now: ${error.message}; ${kept}`);
    } else log.debug(`the warehouse is away still: ${error.message}`);
  }

  /** @param waiting number of things that are to be sent */
  back(waiting: number): void {
    const outage = this.#outage;
    this.#outage = undefined;
    if (outage === undefined) return;
    this.#options.log.notice(
      `the warehouse takes things again after ${span(this.#now() - outage.since)}; ${objectCount(waiting)} to be sent`,
    );
  }

  #now(): number {
    return this.#options.now?.() ?? performance.now();
  }
}

/** `1 object`, `3 objects`. */
export function objectCount(count: number): string {
  return count === 1 ? '1 object' : `${count} objects`;
}

function span(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
