import { messageOf, received, StoreError } from '../errors.js';
import type { Page, Query, Where } from '../query.js';
import type { Records, StoreEvent, TableName } from '../records.js';
import type { Change, Disagreement, Store, StoreOptions, StoreStatistics } from '../store.js';
import type { Step } from './apply.js';
import type { Outcome } from './engine.js';
import type { EngineHost } from './host.js';
import type { Secrets } from './secrets.js';

export interface SqliteStoreOptions extends StoreOptions {
  readonly host: EngineHost;
  readonly secrets: Secrets;
  readonly copyTo: (path: string) => Promise<void>;
}

interface WaitingStep {
  readonly step: Step;
  /** Jobs with the secrets that are to be kept for them. */
  readonly secrets: readonly (readonly [job: string, secret: string])[];
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/** The store on one SQLite database. Steps that wait together are recorded by one transaction. */
export class SqliteStore implements Store {
  readonly #host: EngineHost;
  readonly #secrets: Secrets;
  readonly #copyTo: (path: string) => Promise<void>;
  readonly #now: () => Date;
  readonly #listeners = new Set<(lastSequence: number) => void>();
  #waiting: WaitingStep[] = [];
  #flushing: Promise<void> | undefined;
  /** Calls under way. */
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;
  #steps = 0;
  #commits = 0;

  private constructor({ copyTo, host, now, secrets }: SqliteStoreOptions) {
    this.#host = host;
    this.#secrets = secrets;
    this.#copyTo = copyTo;
    this.#now = now ?? (() => new Date());
  }

  /** Of a database that another process may have open: all that changes it is refused there. */
  static forReading(options: SqliteStoreOptions): SqliteStore {
    return new SqliteStore(options);
  }

  static async open(options: SqliteStoreOptions): Promise<SqliteStore> {
    const store = new SqliteStore(options);
    // A process that was killed has left secrets of steps that it had not recorded yet, or of jobs that were over.
    const needed = new Set(await options.host.call('jobsWithSecret'));
    for (const job of await options.secrets.jobs()) if (!needed.has(job)) await options.secrets.remove(job);
    return store;
  }

  commit(changes: readonly Change[]): Promise<readonly StoreEvent[]> {
    return this.#whileOpen(async () => {
      const at = this.#now().toISOString();
      const secrets = changes.flatMap(one =>
        one.change === 'job.add' && one.secret !== undefined ? [[one.job.id, one.secret] as const] : [],
      );
      const step = { at, changes: frozen(changes.map(withoutSecret)) };
      const outcome = await new Promise<Outcome>((resolve, reject) => {
        this.#waiting.push({ step, secrets, resolve, reject });
        this.#flushing ??= this.#flush();
      });
      if (outcome.kind === 'refused') throw received(outcome.error);
      const { events, forgotten } = outcome.applied;
      for (const job of forgotten) await this.#secrets.remove(job);
      return events;
    });
  }

  /** One transaction after the other, each with all steps that wait by then. */
  async #flush(): Promise<void> {
    // The steps of this turn of the event loop go together.
    await new Promise<void>(resolve => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      await this.#recordGroup(group).catch((error: unknown) => {
        // Only what removes secrets throws here; a promise that is settled stays as it is.
        for (const { reject } of group) reject(error);
      });
    }
    this.#flushing = undefined;
  }

  async #recordGroup(group: readonly WaitingStep[]): Promise<void> {
    const ready = (await Promise.all(group.map(one => this.#keepSecrets(one)))).filter(
      one => one !== undefined,
    );
    if (ready.length === 0) return;
    let outcomes: readonly Outcome[];
    try {
      if (ready.some(({ secrets }) => secrets.length > 0)) await this.#secrets.sync();
      outcomes = await this.#host.call(
        'commit',
        ready.map(({ step }) => step),
      );
    } catch (error) {
      for (const { reject, secrets } of ready) {
        // So that the step can be tried again.
        for (const [job] of secrets) await this.#secrets.remove(job);
        reject(error);
      }
      return;
    }
    this.#commits++;
    for (const [index, { resolve, secrets }] of ready.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) continue;
      if (outcome.kind === 'refused') for (const [job] of secrets) await this.#secrets.remove(job);
      resolve(outcome);
    }
    this.#announce(outcomes);
  }

  /** @returns the step, or undefined after it has been rejected */
  async #keepSecrets(waiting: WaitingStep): Promise<WaitingStep | undefined> {
    const kept: string[] = [];
    try {
      for (const [job, secret] of waiting.secrets) {
        await this.#secrets.keep(job, secret);
        kept.push(job);
      }
      return waiting;
    } catch (error) {
      for (const job of kept) await this.#secrets.remove(job);
      waiting.reject(error);
      return undefined;
    }
  }

  #announce(outcomes: readonly Outcome[]): void {
    const recorded = outcomes.flatMap(one => (one.kind === 'recorded' ? [one.applied] : []));
    this.#steps += recorded.length;
    const last = recorded.flatMap(({ events }) => events).at(-1);
    if (last === undefined) return;
    for (const listener of this.#listeners) queueMicrotask(() => listener(last.sequence));
  }

  get<T extends TableName>(table: T, id: string | number): Promise<Records[T] | undefined> {
    // `Engine.get` gives records of the table that it is asked for.
    return this.#whileOpen(() => this.#host.call('get', table, id)) as Promise<Records[T] | undefined>;
  }

  find<T extends TableName>(table: T, query: Query = {}): Promise<Page<Records[T]>> {
    // As above.
    return this.#whileOpen(() => this.#host.call('find', table, query)) as Promise<Page<Records[T]>>;
  }

  imageIds(): Promise<readonly string[]> {
    return this.#whileOpen(() => this.#host.call('imageIds'));
  }

  count(table: TableName, where?: Where): Promise<number> {
    return this.#whileOpen(() => this.#host.call('count', table, where));
  }

  secret(job: string): Promise<string | undefined> {
    return this.#whileOpen(() => this.#secrets.read(job));
  }

  onEvents(listener: (lastSequence: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  backup(path: string): Promise<void> {
    return this.#whileOpen(() => this.#copyTo(path));
  }

  check(): Promise<readonly Disagreement[]> {
    return this.#whileOpen(async () => {
      const found = await this.#host.call('check');
      const kept = new Set(await this.#secrets.jobs());
      const lost = (await this.#host.call('jobsWithSecret')).filter(job => !kept.has(job));
      return [
        ...found,
        ...lost.map(job => ({
          problem: `the secret of job ${job} is lost`,
          remedy: `abort job ${job} and order it again`,
        })),
      ];
    });
  }

  statistics(): StoreStatistics {
    return { steps: this.#steps, commits: this.#commits };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    await this.#host.call('close');
    await this.#host.end();
  }

  async #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new StoreError('closed', 'the store is closed; open it again');
    const call = work();
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }
}

/** As JSON: later changes of the caller's objects have no effect, and a value that cannot be passed on spoils no other step. */
function frozen(changes: readonly Change[]): string {
  try {
    return JSON.stringify(changes);
  } catch (error) {
    throw new StoreError('invalid', `the step is no JSON: ${messageOf(error)}`);
  }
}

function withoutSecret(change: Change): Change {
  // The table notes only that there is one.
  return change.change === 'job.add' && change.secret !== undefined ? { ...change, secret: '' } : change;
}
