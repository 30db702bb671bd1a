import { Output } from './output.js';
import { type ProgressView, progressView } from './progress.js';

/** A progress bar on a terminal, a plain line for each change elsewhere; on standard output. */
export function terminalProgress(): ProgressView {
  return progressView(new Output(process, { json: false }), Date.now);
}
