import { type ChildProcess, fork } from 'node:child_process';
import { isAnswer } from './messages.js';

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

type ArgumentOf<M> = M extends (argument: infer A) => unknown ? A : never;
type ResultOf<M> = M extends (argument: never) => Promise<infer R> ? R : never;

/** A process of the bench, seen from the bench. `R` is the contract that its module serves. */
export class Child<R> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #next = 1;

  constructor(
    readonly name: string,
    module: URL,
    private readonly timeout: number,
  ) {
    this.#process = fork(module, {
      // `node --cpu-prof bench/dist/main.js` profiles every role.
      execArgv: [...process.execArgv, '--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process.on('message', message => this.#receive(message));
    this.#exited = new Promise(resolve => {
      this.#process.on('exit', (code, signal) => {
        this.#failAll(`${name} ended unexpectedly (${signal ?? `exit ${code ?? '?'}`})`);
        resolve();
      });
    });
    this.#process.on('error', error => this.#failAll(`${name}: ${error.message}`));
  }

  /** @throws Error when the process reports one, ends, or doesn't answer in time */
  ask<K extends keyof R & string>(method: K, argument: ArgumentOf<R[K]>): Promise<ResultOf<R[K]>> {
    const id = this.#next++;
    const result = new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`${this.name}: no answer to ${method} within ${this.timeout / 1000} s`));
      }, this.timeout);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#process.send({ id, method, argument }, error => {
        if (error !== null) this.#settle(id, waiting => waiting.reject(error));
      });
    });
    // The module of this process serves R, so the method's answer is what R says.
    return result as Promise<ResultOf<R[K]>>;
  }

  /** Lets the process end, and ends it if it doesn't. */
  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5_000);
    await this.#exited;
    clearTimeout(timer);
  }

  #receive(message: unknown): void {
    if (!isAnswer(message)) return;
    this.#settle(message.id, waiting => {
      if ('error' in message) waiting.reject(new Error(`${this.name}: ${message.error}`));
      else waiting.resolve(message.result);
    });
  }

  #settle(id: number, finish: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    finish(waiting);
  }

  #failAll(reason: string): void {
    for (const id of [...this.#waiting.keys()]) {
      this.#settle(id, waiting => waiting.reject(new Error(reason)));
    }
  }
}
