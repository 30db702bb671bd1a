import { parentPort } from 'node:worker_threads';
import { type ReadOptions, readTemplate } from './read-template.js';

/** A template to read; the answer is its `TemplateReading`. */
export interface ReadingJob {
  readonly text: string;
  readonly options: ReadOptions;
}

parentPort?.on('message', ({ text, options }: ReadingJob) => {
  parentPort?.postMessage(readTemplate(text, options));
});
