import { OverQuota } from './over-quota.js';

export interface FairLimits {
  /** Jobs at a time, of all callers. */
  readonly running: number;
  /** Jobs of one caller at a time. */
  readonly runningEach: number;
  /** Jobs that wait, of all callers. */
  readonly waiting: number;
  readonly waitingEach: number;
  /** Bytes of the jobs that wait, of all callers. */
  readonly bytes: number;
  readonly bytesEach: number;
  /** Jobs that begin in one turn of the event loop; between two turns messages are read. */
  readonly startsPerTurn: number;
  /** Another number for while more jobs wait than these: what others send is read the sooner, and the backlog pays for it. */
  readonly crowd?: { readonly waiting: number; readonly startsPerTurn: number };
}

interface Job {
  readonly bytes: number;
  readonly start: () => void;
}

interface Share {
  running: number;
  bytes: number;
  readonly waiting: Job[];
}

/**
 * Runs jobs of many callers so that none keeps the others waiting: each caller has a queue of its own, and those with jobs take turns. A
 * caller is a text, wherever it comes from.
 */
export class FairQueue {
  readonly #shares = new Map<string, Share>();
  /** Callers with jobs that may begin, in the order of their turns. */
  readonly #ready = new Set<string>();
  #running = 0;
  #waiting = 0;
  #bytes = 0;
  #starts = 0;
  #turn: NodeJS.Immediate | undefined;

  /** @param what the jobs, for people: `calls` */
  constructor(
    private readonly limits: FairLimits,
    private readonly what: string,
  ) {}

  /** Jobs that run or wait. */
  get size(): number {
    return this.#running + this.#waiting;
  }

  /**
   * Runs a job when it is its caller's turn, in the order of that caller's jobs; at once if nothing is in the way.
   *
   * @param bytes memory that waits with the job
   * @throws OverQuota at once when too much waits already, of this caller or of all; or an error of the job
   */
  run<T>(caller: string, bytes: number, job: () => Promise<T>): Promise<T> {
    const problem = this.#problem(caller, bytes);
    if (problem !== undefined) return Promise.reject(new OverQuota(problem));
    return new Promise<T>((resolve, reject) => {
      const start = (): void => {
        void attempt(job)
          .then(resolve, reject)
          .finally(() => this.#ended(caller));
      };
      this.#add(caller, { bytes, start });
      this.#startJobs();
    });
  }

  /** A caller without a waiting job may always leave one, however large. */
  #problem(caller: string, bytes: number): string | undefined {
    const { waiting, waitingEach, bytes: allBytes, bytesEach } = this.limits;
    const share = this.#shares.get(caller);
    const own = share?.waiting.length ?? 0;
    if (own >= waitingEach || (own > 0 && (share?.bytes ?? 0) + bytes > bytesEach))
      return `too many of your ${this.what} wait already (${own}); wait for answers before you send more`;
    if (this.#waiting >= waiting || (this.#waiting > 0 && this.#bytes + bytes > allBytes))
      return `too many ${this.what} of all callers wait already (${this.#waiting}); try again later`;
    return undefined;
  }

  #add(caller: string, job: Job): void {
    const share = this.#shares.get(caller) ?? { running: 0, bytes: 0, waiting: [] };
    this.#shares.set(caller, share);
    share.waiting.push(job);
    share.bytes += job.bytes;
    this.#waiting++;
    this.#bytes += job.bytes;
    if (share.running < this.limits.runningEach) this.#ready.add(caller);
  }

  #startJobs(): void {
    const { running, crowd } = this.limits;
    const isCrowded = crowd !== undefined && this.#waiting > crowd.waiting;
    const { startsPerTurn: most } = isCrowded ? crowd : this.limits;
    while (this.#running < running && this.#starts < most) {
      const [caller] = this.#ready;
      if (caller === undefined) return;
      this.#startOf(caller);
    }
  }

  #startOf(caller: string): void {
    this.#ready.delete(caller);
    const share = this.#shares.get(caller);
    const job = share?.waiting.shift();
    if (share === undefined || job === undefined) return;
    share.bytes -= job.bytes;
    this.#bytes -= job.bytes;
    this.#waiting--;
    share.running++;
    this.#running++;
    this.#starts++;
    // The next turn of this caller comes after one of each other.
    if (share.waiting.length > 0 && share.running < this.limits.runningEach) this.#ready.add(caller);
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#starts = 0;
      this.#startJobs();
    });
    job.start();
  }

  #ended(caller: string): void {
    this.#running--;
    const share = this.#shares.get(caller);
    if (share === undefined) return;
    share.running--;
    if (share.waiting.length > 0) this.#ready.add(caller);
    else if (share.running === 0) this.#shares.delete(caller);
    this.#startJobs();
  }
}

async function attempt<T>(job: () => Promise<T>): Promise<T> {
  return await job();
}
