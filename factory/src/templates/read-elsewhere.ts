import { Worker } from 'node:worker_threads';
import { BuildError } from '@imagefactory/plugin-api';
import { FairQueue } from '../access/index.js';
import { readShown, type ShownReading } from './read-shown.js';
import type { ReadOptions } from './read-template.js';
import type { ReadingJob } from './reading-worker.js';

/** Characters of a template that is read at once: some milliseconds. */
const SMALL = 16 * 1024;

/** Whether reading a template takes so little that it needs no thread. */
export function isSmall(text: string): boolean {
  // What is far too large is refused before it is looked at.
  return text.length <= SMALL || text.length > MOST;
}

/** Characters beyond which no template is read, whatever its limit. */
const MOST = 32 * 1024 * 1024;
/** Threads that read templates at a time. */
const THREADS = 2;
/** Milliseconds after which a thread without work goes. */
const IDLE = 10_000;

/** Readers take turns, and none has both threads; their templates are bounded by the calls that hold them. */
const queue = new FairQueue(
  {
    ...{ running: THREADS, runningEach: 1, startsPerTurn: THREADS },
    ...{ waiting: 256, waitingEach: 16, bytes: 64 * 1024 * 1024, bytesEach: 32 * 1024 * 1024 },
  },
  'large templates',
);

const idle: ReadingThread[] = [];

export interface ElsewhereOptions extends ReadOptions {
  /** For whom, see `FairQueue`; default: all who do not say. */
  readonly caller?: string;
  /** Ends the reading at once. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a template like `readShown`, a large one in another thread: seconds of reading keep nothing else waiting.
 *
 * @throws OverQuota when too many large templates wait; BuildError `template_invalid` when reading takes more memory than it may; the reason
 *   of the signal
 */
export async function readElsewhere(
  text: string,
  { caller = '', signal, ...options }: ElsewhereOptions = {},
): Promise<ShownReading> {
  if (isSmall(text)) return readShown(text, options);
  signal?.throwIfAborted();
  const reading = queue.run(caller, 2 * text.length, () => readInThread({ text, options }, signal));
  return signal === undefined ? await reading : await untilAborted(reading, signal);
}

/** A job that waits is given up at once too; it ends by itself when its turn comes. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(reasonOf(signal));
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function readInThread(job: ReadingJob, signal: AbortSignal | undefined): Promise<ShownReading> {
  signal?.throwIfAborted();
  const thread = idle.pop() ?? new ReadingThread();
  const stop = (): void => thread.stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const reading = await thread.read(job);
    keep(thread);
    return reading;
  } catch (error) {
    thread.stop();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Keeps a thread for the next template. */
function keep(thread: ReadingThread): void {
  idle.push(thread);
  thread.rest(IDLE, () => {
    const index = idle.indexOf(thread);
    if (index >= 0) idle.splice(index, 1);
  });
}

/** A thread that reads one template at a time; without one it does not keep the process. */
class ReadingThread {
  readonly #worker: Worker;
  #settle: { resolve: (reading: ShownReading) => void; reject: (error: Error) => void } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #onEnd: () => void = () => undefined;

  constructor() {
    this.#worker = new Worker(new URL('./reading-worker.js', import.meta.url), {
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    this.#worker.on('message', (reading: ShownReading) => this.#settle?.resolve(reading));
    this.#worker.on('error', (error: Error) => this.#settle?.reject(problemOf(error)));
    this.#worker.on('exit', () => {
      this.#settle?.reject(new Error('the thread that read the template has ended'));
      this.#onEnd();
    });
  }

  read(job: ReadingJob): Promise<ShownReading> {
    clearTimeout(this.#timer);
    this.#onEnd = () => undefined;
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.postMessage(job);
    });
  }

  /** Goes after some milliseconds without work; says so. */
  rest(milliseconds: number, onEnd: () => void): void {
    this.#settle = undefined;
    this.#onEnd = onEnd;
    this.#worker.unref();
    this.#timer = setTimeout(() => {
      onEnd();
      this.stop();
    }, milliseconds).unref();
  }

  stop(): void {
    void this.#worker.terminate();
  }
}

function problemOf(error: Error): Error {
  const isMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
  if (!isMemory) return error;
  return new BuildError(
    'template_invalid',
    'reading the template takes more memory than it may; make it smaller',
    { cause: error },
  );
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error('reading the template was aborted');
}
