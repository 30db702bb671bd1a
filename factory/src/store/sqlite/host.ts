import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { messageOf, passed, type PassedError, received, StoreError } from '../errors.js';
import type { Engine } from './engine.js';
import { Turn } from './turn.js';

/** The methods of the engine that are called across threads. */
export type EngineCalls = Pick<
  Engine,
  'commit' | 'get' | 'find' | 'count' | 'imageIds' | 'jobsWithSecret' | 'check' | 'close'
>;

/** Where the engine runs. */
export interface EngineHost {
  call<N extends keyof EngineCalls>(
    name: N,
    ...parameters: Parameters<EngineCalls[N]>
  ): Promise<ReturnType<EngineCalls[N]>>;
  /** Ends it, after `close` of the engine. */
  end(): Promise<void>;
}

/** What a worker is started for. */
export interface WorkerTask {
  readonly directory: string;
  /** Instead of serving the database, copies it to this file. */
  readonly copyTo?: string;
  readonly turn: SharedArrayBuffer;
}

/** To the worker; null ends it. */
export interface CallMessage {
  readonly number: number;
  readonly name: keyof EngineCalls;
  readonly parameters: readonly unknown[];
}

/** From the worker: the answer of a call; number 0 for that of opening. */
export type AnswerMessage =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly error: PassedError };

/** The engine in this thread, for databases in memory, and for commands that only read. */
export class InlineHost implements EngineHost {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  call<N extends keyof EngineCalls>(
    name: N,
    ...parameters: Parameters<EngineCalls[N]>
  ): Promise<ReturnType<EngineCalls[N]>> {
    return new Promise(resolve => {
      // TypeScript does not relate the parameters of a method that is looked up by a type parameter to the method.
      const method = this.#engine[name].bind(this.#engine) as (
        ...all: unknown[]
      ) => ReturnType<EngineCalls[N]>;
      resolve(method(...parameters));
    });
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The engine in a worker thread, so that nothing in this one waits for the disk. Without calls under way it keeps no process alive. */
export class WorkerHost implements EngineHost {
  readonly #worker: Worker;
  readonly #turn = new Turn();
  readonly #waiting = new Map<number, Waiting>();
  #number = 0;
  #ended: StoreError | undefined;

  private constructor(task: Omit<WorkerTask, 'turn'>) {
    const workerData: WorkerTask = { ...task, turn: this.#turn.shared };
    // Without the flags of this process, of which some, such as --input-type, are refused for files.
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData, execArgv: [] });
    this.#worker.on('message', (message: AnswerMessage) => this.#take(message));
    this.#worker.on('error', error => this.#fail(error.message));
    const unguard = this.#turn.guard();
    this.#worker.on('exit', () => {
      unguard();
      this.#fail('it has ended');
    });
  }

  /** @throws StoreError as {@link Engine.open} */
  static async open(directory: string): Promise<WorkerHost> {
    const host = new WorkerHost({ directory });
    try {
      await host.#answer(0);
      return host;
    } catch (error) {
      await host.end();
      throw error;
    }
  }

  /** Copies the database of a directory to an empty file, without a pause of the engine. @throws StoreError */
  static async copy(directory: string, path: string): Promise<void> {
    const host = new WorkerHost({ directory, copyTo: path });
    try {
      await host.#answer(0);
    } finally {
      await host.end();
    }
  }

  call<N extends keyof EngineCalls>(
    name: N,
    ...parameters: Parameters<EngineCalls[N]>
  ): Promise<ReturnType<EngineCalls[N]>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const number = ++this.#number;
    const answer = this.#answer(number);
    try {
      this.#worker.postMessage({ number, name, parameters } satisfies CallMessage);
    } catch (error) {
      const refusal = new StoreError('invalid', `a parameter cannot be passed on: ${messageOf(error)}`);
      this.#take({ number, error: passed(refusal) });
    }
    // The worker answers with the value of the method that was named.
    return answer as Promise<ReturnType<EngineCalls[N]>>;
  }

  async end(): Promise<void> {
    if (this.#ended !== undefined) return;
    const exit = once(this.#worker, 'exit');
    this.#worker.ref();
    // Not terminate(): the driver aborts the process when it is stopped in the middle of a call.
    this.#worker.postMessage(null);
    await exit;
  }

  #answer(number: number): Promise<unknown> {
    this.#worker.ref();
    return new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
  }

  #take(message: AnswerMessage): void {
    const waiting = this.#waiting.get(message.number);
    this.#waiting.delete(message.number);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('error' in message) waiting?.reject(received(message.error));
    else waiting?.resolve(message.value);
  }

  #fail(reason: string): void {
    this.#ended ??= new StoreError('closed', `the thread of the store has failed (${reason}): open it again`);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}
