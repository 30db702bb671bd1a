/** Lines for the build's log. Never give it a secret. */
export interface BuildLog {
  debug(line: string): void;
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}
