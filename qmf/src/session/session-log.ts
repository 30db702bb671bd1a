/** Where a session tells what went wrong without anybody waiting for it. */
export interface SessionLog {
  debug(message: string): void;
  warn(message: string): void;
}

export const silentLog: SessionLog = { debug: () => undefined, warn: () => undefined };
