import type { SessionLog } from './session-log.js';
import { SparingWarnings } from './sparing-warnings.js';

/** Counts messages of peers that were dropped because they cannot be read, or must not be answered, and tells the log sparingly: each at debug, few as warnings. */
export class UnreadableMessages {
  #count = 0;
  readonly #warnings: SparingWarnings;

  /** @param now milliseconds of a clock that never goes back */
  constructor(
    private readonly log: SessionLog,
    now?: () => number,
  ) {
    this.#warnings = new SparingWarnings(log, now);
  }

  /** Since the session was made. */
  get count(): number {
    return this.#count;
  }

  /**
   * @param what the message, for people
   * @param reason why it is dropped
   */
  drop(what: string, reason: string): void {
    this.#count++;
    const line = `${what} was dropped: ${reason}`;
    this.log.debug(line);
    this.#warnings.warn('unreadable', line);
  }
}
