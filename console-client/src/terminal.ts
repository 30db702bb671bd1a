import { processIo } from './cli/io.js';
import { Output } from './cli/output/output.js';
import { type ProgressView, progressView } from './cli/output/progress.js';

/** A progress bar on a terminal, a plain line for each change elsewhere; on standard output. */
export function terminalProgress(): ProgressView {
  return progressView(new Output(processIo(new AbortController().signal), { json: false }), Date.now);
}
