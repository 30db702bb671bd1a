import { setMaxListeners } from 'node:events';
import type { Readable } from 'node:stream';
import type { StandardStreams } from '@imagefactory/qmf/command-line';
import { readTextFile } from '@imagefactory/text';
import type { Terminal } from '../terminal/streams.js';

/** Bytes that a template, a set of credentials or an argument may have. */
export const textLimit = 16 * 1024 * 1024;

/** Everything of the outer world that commands touch, so that tests need no process of their own. */
export interface Io extends Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
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
