const busy = 0;
const stopped = 1;

/** How long the end of a process waits for each call under way, in milliseconds. */
const lastPatience = 10_000;

/** Those of the threads that run. */
const running = new Set<Turn>();

function stopAll(): void {
  for (const turn of running) turn.stop();
}

/**
 * Lets a process end between two calls of a worker thread, never in the middle of one. Node.js stops the threads of a process that ends
 * wherever they are, and the SQLite driver answers that with an abort of the whole process (exit code 134, a core file).
 */
export class Turn {
  readonly #cells: Int32Array;

  /** @param shared that of the other thread, which has made it */
  constructor(readonly shared = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.#cells = new Int32Array(shared);
  }

  /** In the worker: runs `work`, or nothing when the process is about to end. */
  async run(work: () => void | Promise<void>): Promise<void> {
    Atomics.store(this.#cells, busy, 1);
    try {
      if (Atomics.load(this.#cells, stopped) === 0) await work();
    } finally {
      Atomics.store(this.#cells, busy, 0);
      Atomics.notify(this.#cells, busy);
    }
  }

  /** In the thread that has started the worker: from now on the end of the process waits for it. @returns undoes that */
  guard(): () => void {
    if (running.size === 0) process.on('exit', stopAll);
    running.add(this);
    return () => {
      if (running.delete(this) && running.size === 0) process.off('exit', stopAll);
    };
  }

  /** In the thread that ends the process: lets the worker begin nothing more, and blocks until its call has ended, for a limited time. */
  stop(): void {
    Atomics.store(this.#cells, stopped, 1);
    Atomics.wait(this.#cells, busy, 1, lastPatience);
  }
}
