import { shownText } from '../value/text-limits.js';

/** Where a session tells what went wrong without anybody waiting for it. */
export interface SessionLog {
  debug(message: string): void;
  warn(message: string): void;
}

export const silentLog: SessionLog = { debug: () => undefined, warn: () => undefined };

/** Characters of one line of a session's log; what peers and brokers say stands in it. */
const LONGEST_LINE = 1_000;

/** The same log, to which each message is one line of bounded length, whatever peers have put into it. */
export function boundedLog(log: SessionLog): SessionLog {
  return {
    debug: message => log.debug(shownText(message, LONGEST_LINE)),
    warn: message => log.warn(shownText(message, LONGEST_LINE)),
  };
}
