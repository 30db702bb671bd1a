import { setTimeout as sleep } from 'node:timers/promises';
import { errorLine, type Logger } from '../platform/log/index.js';
import type { Change, Store, StoreEvent, StoreEventType } from '../store/index.js';
import { eventsAfter, newestSequence, tasksApart } from './positions.js';

export interface FollowerOptions {
  readonly store: Store;
  /** Name of its position in the store. A task that is left out for a while has a position of its own, `NAME/TASK`. */
  readonly name: string;
  /** Types of the events that it reads. */
  readonly types: readonly StoreEventType[];
  /** Keys of the tasks that an event leads to, in their order. A task that several events lead to is done once, after the last of them. */
  readonly tasksOf: (event: StoreEvent) => Promise<readonly string[]>;
  /** Does a task. Doing it twice must be harmless: after a crash it may be repeated. @throws the reason for which it stays undone */
  readonly work: (task: string, signal: AbortSignal) => Promise<void>;
  /** Whether after that error no other task can be done either. */
  readonly isOutage: (error: unknown) => boolean;
  readonly onOutage?: (error: unknown) => void;
  /** A task was done, or refused by a receiver that is available. */
  readonly onAvailable?: () => void;
  readonly onRefused?: (task: string, error: unknown) => void;
  readonly log: Logger;
  /** Milliseconds before the next attempt after an outage, doubled each time; default 1 000. */
  readonly pause?: number;
  /** Limit of that pause in milliseconds, and the time after which refused tasks are repeated; default 300 000. */
  readonly longestPause?: number;
}

/** The outcome of an attempt at tasks. */
export type Attempt =
  | { readonly kind: 'done' }
  /** They are done later. `isLogged`: the reason is in the log already. */
  | { readonly kind: 'kept'; readonly reason: string; readonly isLogged: boolean };

interface Task {
  /** Sequence of the newest event that led to it. */
  readonly sequence: number;
  /** Whether it has a position of its own, so that that of the follower may pass it. */
  isApart: boolean;
}

interface Waiter {
  readonly tasks: ReadonlySet<string>;
  readonly settle: (attempt: Attempt) => void;
}

export type FollowerState = 'idle' | 'working' | 'outage' | 'refused' | 'stopped';

/**
 * Reads the store's events in their order from a position on, and does the tasks that they lead to, one after the other. The position is kept in
 * the store and passes no event whose task is undone. In an outage nothing overtakes the task that failed; a single task that is refused gets a position
 * of its own and is repeated later.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #stop = new AbortController();
  readonly #tasks = new Map<string, Task>();
  /** Reasons of refusal, by the task, since all tasks were attempted last. */
  readonly #refused = new Map<string, string>();
  /** Tasks that have a position of their own in the store. */
  readonly #rows: Set<string>;
  readonly #waiters = new Set<Waiter>();
  readonly #unsubscribe: () => void;
  /** Sequence of the last event that was read. */
  #read: number;
  /** Position as it is in the store. */
  #saved: number;
  #isBehind = false;
  #reading: Promise<void> | undefined;
  #state: FollowerState = 'idle';
  /** Reason of the outage; kept until a task has been done. */
  #outage: string | undefined;
  #pause: number;
  #wake = new AbortController();
  #running: Promise<void> | undefined;

  private constructor(options: FollowerOptions, position: number, apart: readonly string[]) {
    this.#options = options;
    this.#pause = options.pause ?? 1_000;
    this.#read = this.#saved = position;
    this.#rows = new Set(apart);
    for (const task of apart) this.#tasks.set(task, { sequence: 0, isApart: true });
    this.#unsubscribe = options.store.onEvents(() => void this.#readOn());
  }

  /**
   * A follower that is new begins after the newest event.
   *
   * @throws StoreError
   */
  static async open(options: FollowerOptions): Promise<Follower> {
    const { name, store } = options;
    let position = (await store.get('followers', name))?.position;
    if (position === undefined) {
      position = await newestSequence(store);
      await store.commit([{ change: 'follower.advance', name, position }]);
    }
    const follower = new Follower(options, position, await tasksApart(store, name));
    await follower.#readOn();
    return follower;
  }

  get state(): FollowerState {
    return this.#state;
  }

  /** Number of undone tasks; more than 0 while events are read. */
  get waiting(): number {
    return this.#tasks.size + (this.#reading === undefined || this.#tasks.size > 0 ? 0 : 1);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Attempts undone tasks at once; resolves when these are done, or have to wait. Never rejects. */
  async attempt(tasks: readonly string[], signal: AbortSignal): Promise<Attempt> {
    await this.#readOn();
    const undone = new Set(tasks.filter(task => this.#tasks.has(task)));
    if (undone.size === 0) return { kind: 'done' };
    for (const task of undone) this.#refused.delete(task);
    const limit = AbortSignal.any([this.#stop.signal, signal]);
    const before = this.#outage;
    let waiter: Waiter | undefined;
    try {
      return await new Promise<Attempt>(settle => {
        waiter = { tasks: undone, settle };
        this.#waiters.add(waiter);
        const leave = (): void => {
          const outage = this.#outage ?? before;
          const reason = outage ?? `it was cut short: ${errorLine(limit.reason)}`;
          settle({ kind: 'kept', reason, isLogged: outage !== undefined });
        };
        if (limit.aborted) leave();
        else limit.addEventListener('abort', leave, { once: true });
        if (this.#state !== 'working') this.#wake.abort();
      });
    } finally {
      if (waiter !== undefined) this.#waiters.delete(waiter);
    }
  }

  /** Whether the last attempt has met an outage. */
  get hasOutage(): boolean {
    return this.#outage !== undefined;
  }

  /** Ends the task under way, and keeps those that are undone for the next start. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stop.abort(new Error('the agent stops'));
    this.#wake.abort();
    await this.#running;
    await this.#reading;
    await this.#save();
    this.#state = 'stopped';
  }

  async #run(): Promise<void> {
    const { longestPause = 300_000 } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const next = this.#next();
      if (next !== undefined) {
        this.#state = 'working';
        if (await this.#try(...next)) continue;
        this.#state = 'outage';
        await this.#rest(this.#pause * (0.5 + Math.random() / 2));
        this.#pause = Math.min(longestPause, this.#pause * 2);
      } else if (this.#tasks.size > 0) {
        this.#state = 'refused';
        await this.#rest(longestPause, () => this.#refused.clear());
      } else {
        this.#state = 'idle';
        await this.#rest(undefined);
      }
    }
  }

  #next(): readonly [string, Task] | undefined {
    for (const entry of this.#tasks) if (!this.#refused.has(entry[0])) return entry;
    return undefined;
  }

  /** @returns false in an outage */
  async #try(key: string, task: Task): Promise<boolean> {
    const { isOutage, onAvailable, onOutage, onRefused, work } = this.#options;
    const { signal } = this.#stop;
    try {
      await work(key, signal);
      await this.#done(key, task);
    } catch (error) {
      if (signal.aborted) return false;
      if (isOutage(error)) {
        onOutage?.(error);
        this.#outage = errorLine(error);
        for (const { settle } of this.#waiters)
          settle({ kind: 'kept', reason: this.#outage, isLogged: true });
        return false;
      }
      // Unless another event has led to it meanwhile: then it is attempted again at once.
      if (this.#tasks.get(key) === task) {
        this.#refused.set(key, errorLine(error));
        onRefused?.(key, error);
        await this.#setApart(key, task);
      }
      this.#settle();
      return true;
    }
    onAvailable?.();
    this.#outage = undefined;
    this.#pause = this.#options.pause ?? 1_000;
    this.#settle();
    return true;
  }

  async #done(key: string, task: Task): Promise<void> {
    if (this.#tasks.get(key) !== task) return;
    this.#tasks.delete(key);
    const isRow = this.#rows.delete(key);
    await this.#save(isRow ? [{ change: 'follower.remove', name: this.#rowOf(key) }] : []);
  }

  async #setApart(key: string, task: Task): Promise<void> {
    const isSaved = this.#rows.has(key) && task.isApart;
    task.isApart = true;
    this.#rows.add(key);
    const { sequence: position } = task;
    await this.#save(isSaved ? [] : [{ change: 'follower.advance', name: this.#rowOf(key), position }]);
  }

  /** Records changes together with the position that follows from them. */
  async #save(changes: readonly Change[] = []): Promise<void> {
    const { log, name, store } = this.#options;
    const undone = [...this.#tasks.values()].flatMap(one => (one.isApart ? [] : [one.sequence - 1]));
    const position = Math.min(this.#read, ...undone);
    const all: readonly Change[] =
      position > this.#saved ? [...changes, { change: 'follower.advance', name, position }] : changes;
    if (all.length === 0) return;
    try {
      await store.commit(all);
      this.#saved = Math.max(this.#saved, position);
    } catch (error) {
      log.warn(
        `the position of ${name} could not be recorded: ${errorLine(error)}; a restart repeats what was done since`,
      );
    }
  }

  #rowOf(task: string): string {
    return `${this.#options.name}/${task}`;
  }

  /** Ends the attempts for which nothing is left to do. */
  #settle(): void {
    for (const { settle, tasks } of this.#waiters) {
      const left = [...tasks].filter(task => this.#tasks.has(task));
      const [reason] = left.flatMap(task => this.#refused.get(task) ?? []);
      if (left.length === 0) settle({ kind: 'done' });
      else if (reason !== undefined && left.every(task => this.#refused.has(task)))
        settle({ kind: 'kept', reason, isLogged: true });
    }
  }

  /** Resolves when the events that are in the store by now have been read. Never rejects. */
  #readOn(): Promise<void> {
    this.#isBehind = true;
    this.#reading ??= this.#readAll().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    const { log, name } = this.#options;
    try {
      while (this.#isBehind) {
        this.#isBehind = false;
        while (await this.#readPage());
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) log.warn(`${name} cannot read the events: ${errorLine(error)}`);
    }
    if (this.#state === 'idle' || this.#state === 'refused') this.#wake.abort();
  }

  /** @returns whether there may be more events */
  async #readPage(): Promise<boolean> {
    const { store, tasksOf, types } = this.#options;
    const { items, next } = await eventsAfter(store, this.#read, types);
    for (const event of items) {
      const { sequence } = event;
      for (const task of await tasksOf(event)) {
        // To the end: a task is done as the last of its events has left things.
        this.#tasks.delete(task);
        this.#tasks.set(task, { sequence, isApart: false });
        this.#refused.delete(task);
      }
      this.#read = sequence;
    }
    // Events that lead to nothing are passed at the latest when a job ends, which is removed with them once all followers have passed it.
    if (items.some(isEndOfJob)) await this.#save();
    return next !== undefined;
  }

  /** @param onEnd called unless the rest was ended early; without a time it lasts until then */
  async #rest(milliseconds: number | undefined, onEnd: () => void = () => undefined): Promise<void> {
    const { signal } = this.#wake;
    if (!signal.aborted) {
      if (milliseconds === undefined)
        await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()));
      else await sleep(milliseconds, undefined, { signal, ref: false }).then(onEnd, () => undefined);
    }
    if (signal.aborted) this.#wake = new AbortController();
  }
}

function isEndOfJob({ data, type }: StoreEvent): boolean {
  return type === 'job.state' && (data['to'] === 'completed' || data['to'] === 'failed');
}
