import { setMaxListeners } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { StandardStreams } from '@imagefactory/qmf/command-line';
import { readTextFile } from '@imagefactory/text';

/** A stream that may be a terminal. */
export type Sink = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Bytes that a template, a set of credentials or an argument may have. */
export const textLimit = 16 * 1024 * 1024;

/** Everything of the outer world that commands touch, so that tests need no process of their own. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The text of a file; `name` is its path with what it is for, in errors. */
  readonly readText: (path: string, name: string) => Promise<string>;
  /** Fires when the user or the system wants the program to end. */
  readonly signal: AbortSignal;
  /** What becomes of standard output. */
  readonly output: Pick<StandardStreams, 'lost' | 'failed'>;
}

export function processIo(signal: AbortSignal, output: Io['output']): Io {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: Date.now,
    readText: (path, name) => readTextFile(path, { name, limit: textLimit }),
    signal,
    output,
  };
}

/** Waits until a slow reader of the stream has caught up, or is gone. */
export function drained(stream: Writable, signal: AbortSignal): Promise<void> {
  if (!stream.writableNeedDrain || stream.destroyed || signal.aborted) return Promise.resolve();
  return new Promise(resolve => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error']) stream.off(event, done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stream.on(event, done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** A controller whose signal many may listen to at a time: every request to every agent does. */
export function sharedController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

export function anySignal(...signals: readonly AbortSignal[]): AbortSignal {
  const signal = AbortSignal.any([...signals]);
  setMaxListeners(0, signal);
  return signal;
}
