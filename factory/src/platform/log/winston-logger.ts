import winston from 'winston';
import { type Logger, loggerTo, type LogLevel, logLevels } from './logger.js';

export interface LogSink {
  /** Lines go there: an open stream, or the path of a file that is appended to. */
  readonly to: NodeJS.WritableStream | string;
  /** The least important level that is written. */
  readonly level: LogLevel;
  /** `full`: time, level, message; `plain`: the message alone, with its level where that is a complaint. */
  readonly style: 'full' | 'plain';
}

export interface ClosableLogger extends Logger {
  /** Resolves when everything is written, or a second later. */
  close(): Promise<void>;
}

/** A logger over winston. Every message goes through `scrub` before it reaches a sink. */
export function winstonLogger(sinks: readonly LogSink[], scrub: (text: string) => string): ClosableLogger {
  const transports = sinks.map(transportOf);
  const logger = winston.createLogger({
    levels: Object.fromEntries(logLevels.map((level, index) => [level, index])),
    level: 'debug',
    transports,
  });
  // A full disk must not end the agent; what could not be written is lost, and the other sinks still work.
  logger.on('error', () => undefined);
  return {
    ...loggerTo((level, message) => logger.log(level, oneEvent(scrub(message)))),
    close: () => closed(logger, transports),
  };
}

function transportOf({ to, level, style }: LogSink): winston.transport {
  const format = winston.format.printf(entry => {
    // The only caller gives strings; winston's types allow anything.
    const message = String(entry.message);
    if (style === 'plain') {
      return entry.level === 'error' || entry.level === 'warn' ? `${entry.level}: ${message}` : message;
    }
    return `${new Date().toISOString()} ${entry.level.toUpperCase().padEnd(6)} ${message}`;
  });
  return typeof to === 'string'
    ? new winston.transports.File({ filename: to, level, format })
    : new winston.transports.Stream({ stream: to, level, format });
}

/** Characters of a line: callers, brokers and tools have their words in it. */
const longestLine = 4_000;

/** Further lines are indented and control characters shown, so that no message can pass for another one. */
function oneEvent(message: string): string {
  return message
    .trimEnd()
    .split(/\r?\n/)
    .map(line =>
      line.length > longestLine ? `${line.slice(0, longestLine)}… (${line.length} characters)` : line,
    )
    .join('\n    ')
    .replace(/[\p{Cc}\u2028\u2029]/gu, control =>
      control === '\n' || control === '\t'
        ? control
        : `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}

/** The logger says that it has finished before its transports have written everything; they know when. */
async function closed(logger: winston.Logger, transports: readonly winston.transport[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>(resolve => {
    timer = setTimeout(resolve, 1_000);
  });
  const finished = transports.map(
    transport =>
      new Promise<void>(resolve => {
        transport.once('finish', () => resolve());
        transport.once('error', () => resolve());
      }),
  );
  logger.end();
  await Promise.race([Promise.all(finished), deadline]);
  clearTimeout(timer);
}
