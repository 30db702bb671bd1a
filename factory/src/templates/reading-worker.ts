import { parentPort } from 'node:worker_threads';
import { readShown } from './read-shown.js';
import type { ReadOptions } from './read-template.js';

/** A template to read; the answer is its `ShownReading`. */
export interface ReadingJob {
  readonly text: string;
  readonly options: ReadOptions;
}

parentPort?.on('message', ({ text, options }: ReadingJob) => {
  parentPort?.postMessage(readShown(text, options));
});
