import { appendFile } from 'node:fs/promises';
import type { BuildLog } from '@imagefactory/plugin-api';
import { textOf } from '../platform/log/index.js';

/** Characters that a build's log may have; a tool that never stops talking must not fill the disk. */
const sizeLimit = 32 * 1024 * 1024;

/** Characters of warnings and errors that it may have beyond that: how a build has failed must not be missing from its log. */
const reserveLimit = 256 * 1024;

/** Lines that are kept in memory for those who follow a log, and for a failure. */
const recentLines = 50;

export type BuildLogLevel = keyof BuildLog;

/** A line of a build's log. */
export interface BuildLogLine {
  /** From 1, without gaps: the number of the line in the file. */
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly level: BuildLogLevel;
  readonly text: string;
}

/** The log of one build: numbered lines with time and level, each without secrets. */
export interface BuildLogFile extends BuildLog {
  /** Absolute path. */
  readonly path: string;
  /** Number of the last line; 0 when there is none. */
  readonly last: number;
  /** The last lines, at most 50. */
  readonly recent: readonly BuildLogLine[];
  /** Calls `listener` with every line from now on; the result unsubscribes. */
  onLine(listener: (line: BuildLogLine) => void): () => void;
  /** Resolves when what was logged so far is in the file. Never rejects. */
  flush(): Promise<void>;
}

export interface BuildLogOptions {
  /** Hides the build's secrets. */
  readonly mask: (text: string) => string;
  /** Told once when the file can't be written; the build goes on without its log. */
  readonly onError: (error: unknown) => void;
  readonly limit?: number;
  /** How the file stands that an earlier run of the agent has begun. */
  readonly begun?: { readonly lines: number; readonly cutShort: boolean };
}

/** Opens no file until there is something to write, and holds none open, so that waiting builds cost nothing. */
export function createBuildLog(
  path: string,
  { mask, onError, limit = sizeLimit, begun }: BuildLogOptions,
): BuildLogFile {
  const listeners = new Set<(line: BuildLogLine) => void>();
  const recent: BuildLogLine[] = [];
  let waiting: string[] = begun?.cutShort === true ? ['\n'] : [];
  let last = begun?.lines ?? 0;
  let left = limit;
  let reserve = reserveLimit;
  let state: 'idle' | 'writing' | 'broken' = 'idle';
  let written = Promise.resolve();

  const writeAll = async (): Promise<void> => {
    try {
      while (waiting.length > 0) {
        const batch = waiting.join('');
        waiting = [];
        await appendFile(path, batch, { mode: 0o640 });
      }
      state = 'idle';
    } catch (error) {
      state = 'broken';
      waiting = [];
      onError(error);
    }
  };
  const append = (level: BuildLogLevel, text: string): void => {
    const size = text.length + 32;
    if (left > 0) {
      left -= size;
      if (left <= 0) write('warn', 'the log is full; of later lines only warnings and errors are kept');
    }
    if (left <= 0) {
      if (level === 'debug' || level === 'info' || reserve < size) return;
      reserve -= size;
    }
    write(level, text);
  };
  const write = (level: BuildLogLevel, text: string): void => {
    const line: BuildLogLine = { seq: ++last, time: new Date().toISOString(), level, text };
    recent.push(line);
    if (recent.length > recentLines) recent.shift();
    for (const listener of [...listeners]) listener(line);
    if (state === 'broken') return;
    waiting.push(formatLine(line));
    if (state === 'idle') {
      state = 'writing';
      written = writeAll();
    }
  };
  const at = (level: BuildLogLevel) => (line: string) => {
    for (const one of mask(textOf(line)).split(/\r?\n/)) append(level, one);
  };
  return {
    path,
    get last() {
      return last;
    },
    get recent() {
      return [...recent];
    },
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    onLine: listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    flush: () => written,
  };
}

function formatLine({ time, level, text }: BuildLogLine): string {
  return `${time} ${level.padEnd(5)} ${text}\n`;
}
