/**
 * How much a line matters. `notice` is for what an operator wants to see without asking: start and stop, the broker's coming and
 * going, builds accepted and ended.
 */
export const logLevels = ['error', 'warn', 'notice', 'info', 'debug'] as const;

export type LogLevel = (typeof logLevels)[number];

/** Where the agent tells what it does; one message is one event, whose further lines are details. */
export interface Logger {
  error(message: string): void;
  warn(message: string): void;
  notice(message: string): void;
  info(message: string): void;
  debug(message: string): void;
}

const nothing = (): void => undefined;

/** A logger that says nothing. */
export const silentLogger: Logger = {
  error: nothing,
  warn: nothing,
  notice: nothing,
  info: nothing,
  debug: nothing,
};

/** A logger that hands every message to `write`. */
export function loggerTo(write: (level: LogLevel, message: string) => void): Logger {
  return {
    error: message => write('error', message),
    warn: message => write('warn', message),
    notice: message => write('notice', message),
    info: message => write('info', message),
    debug: message => write('debug', message),
  };
}

/** An error with its stack and all its causes, for a log. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current !== undefined && depth < 10; depth++) {
    parts.push(
      current instanceof Error ? (current.stack ?? `${current.name}: ${current.message}`) : textOf(current),
    );
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join('\nCaused by: ');
}

/** The message of an error on one line. */
export function errorLine(error: unknown): string {
  return (error instanceof Error ? error.message : textOf(error)).replace(/\s*[\r\n]+\s*/g, ' ');
}

/** Anything as text; whatever it does when asked for it. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'a value that cannot be shown';
  }
}
