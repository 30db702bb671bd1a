import { processIo } from './cli/io.js';
import { Output } from './cli/output/output.js';
import { type ProgressView, progressView } from './cli/output/progress.js';

/** A progress bar on a terminal, a plain line for each change elsewhere; on standard output. */
export function terminalProgress(): ProgressView {
  // A program that uses this watches its own signals and streams.
  const { signal } = new AbortController();
  const io = processIo(signal, { lost: signal, failed: signal });
  return progressView(new Output(io, { json: false }), Date.now);
}
