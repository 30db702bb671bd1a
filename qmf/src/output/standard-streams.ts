import type { Writable } from 'node:stream';

/** Exit codes of a program whose output was lost; the same in all programs. */
export const outputExitCodes = {
  /** It could not be written: EX_IOERR of sysexits.h. */
  failed: 74,
  /** Its reader went away before the program was done: 128 and SIGPIPE, as of a program that dies of that signal. */
  closed: 141,
} as const;

/** What became of standard output. */
export type OutputLoss = { readonly kind: 'closed' } | { readonly kind: 'failed'; readonly message: string };

const problems: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full (ENOSPC)',
  EDQUOT: 'the disk quota is used up (EDQUOT)',
  EFBIG: 'the file may not become that large (EFBIG)',
  EIO: 'the device does not take it (EIO)',
};

/**
 * Watches the standard streams of a program, so that lost output is neither a crash nor a success. What a reader of standard error misses is
 * not noticed; the output is what counts.
 */
export class StandardStreams {
  readonly #lost = new AbortController();
  readonly #failed = new AbortController();
  #loss: OutputLoss | undefined;

  constructor(
    private readonly stdout: Writable,
    private readonly stderr: Writable,
  ) {
    stdout.on('error', (error: NodeJS.ErrnoException) => this.#lose(error));
    stderr.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') this.#lose(error, 'standard error');
    });
  }

  /** Fires when output was lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Fires when output was lost and not because its reader went away. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** What was lost so far. */
  get loss(): OutputLoss | undefined {
    return this.#loss;
  }

  /** Resolves when everything is written, or is known to be lost. Never rejects. */
  async flushed(): Promise<OutputLoss | undefined> {
    await Promise.all([this.stdout, this.stderr].map(flush));
    // The event of an error comes after the callback of its write.
    await new Promise(resolve => setImmediate(resolve));
    return this.#loss;
  }

  #lose(error: NodeJS.ErrnoException, what = 'standard output'): void {
    const reason = problems[error.code ?? ''] ?? error.message;
    this.#loss ??=
      error.code === 'EPIPE'
        ? { kind: 'closed' }
        : { kind: 'failed', message: `${what} cannot be written: ${reason}` };
    this.#lost.abort();
    if (error.code !== 'EPIPE') this.#failed.abort();
  }
}

function flush(stream: Writable): Promise<void> {
  return new Promise(resolve => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write('', () => resolve());
  });
}
