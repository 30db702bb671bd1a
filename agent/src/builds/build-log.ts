import { appendFile } from 'node:fs/promises';
import type { BuildLog } from '@imagefactory/plugin-api';
import { textOf } from '../log/index.js';

/** Characters that a build's log may have; a tool that never stops talking must not fill the disk. */
const sizeLimit = 32 * 1024 * 1024;

/** The log of one build: lines with time and level, each without secrets. */
export interface BuildLogFile extends BuildLog {
  /** Absolute path. */
  readonly path: string;
  /** Resolves when what was logged so far is in the file. Never rejects. */
  flush(): Promise<void>;
}

export interface BuildLogOptions {
  /** Hides the build's secrets. */
  readonly mask: (text: string) => string;
  /** Told once when the file can't be written; the build goes on without its log. */
  readonly onError: (error: unknown) => void;
  readonly limit?: number;
}

/** Opens no file until there is something to write, and holds none open, so that waiting builds cost nothing. */
export function createBuildLog(
  path: string,
  { mask, onError, limit = sizeLimit }: BuildLogOptions,
): BuildLogFile {
  let waiting: string[] = [];
  let left = limit;
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
  const append = (text: string): void => {
    if (state === 'broken' || left <= 0) return;
    left -= text.length;
    waiting.push(
      left > 0
        ? text
        : `${text}${new Date().toISOString()} warn  the log is full; later lines are left out\n`,
    );
    if (state === 'idle') {
      state = 'writing';
      written = writeAll();
    }
  };
  const at = (level: string) => (line: string) => {
    const lines = mask(textOf(line)).split(/\r?\n/);
    const time = new Date().toISOString();
    append(lines.map(one => `${time} ${level.padEnd(5)} ${one}\n`).join(''));
  };
  return {
    path,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    flush: () => written,
  };
}
