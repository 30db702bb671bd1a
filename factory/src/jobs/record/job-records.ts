import {
  type Change,
  isEnd,
  isJobTransition,
  type JobStatus,
  jobStatuses,
  type Records,
  type Store,
  StoreError,
  type StoreEvent,
  type TableName,
} from '../../store/index.js';
import { errorLine, type Logger } from '../../platform/log/index.js';
import { templateId } from '../../templates/index.js';
import {
  type AcceptedJob,
  endState,
  type GroupMark,
  type JobEnd,
  jobOnRecord,
  type JobOnRecord,
  jobStatus,
  kindOfJob,
  newJob,
} from './job-form.js';
import type { Recorded } from '../build.js';
import type { BuildStatus } from '../status.js';

/** Name of the follower that tells the ends of jobs on the bus. */
const follower = 'bus';

/** How far a job has come. */
export type JobStanding = Pick<
  JobOnRecord,
  'status' | 'percent' | 'resumed' | 'postponed' | 'groups' | 'made' | 'ended'
>;

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;
/** A change of one job, without its id. */
export type JobChange = Without<Extract<Change, { readonly change: 'job.update' }>, 'change' | 'id'>;

interface Known {
  readonly kind: 'target' | 'provider';
  readonly template: string;
  /** The target image of a push. */
  readonly targetImage: string | undefined;
  /** As it is once all that is under way is recorded. */
  status: JobStatus;
  /** As it is on record. */
  recorded: JobStatus;
  /** Whether a restart has interrupted it. */
  readonly isInterrupted: boolean;
  /** Sequence of the event of its end, while that has not reached the broker. */
  untold: number | undefined;
}

/**
 * The jobs of an agent in its store. Changes are recorded in their order, and the process goes on meanwhile: what cannot be recorded costs no
 * build, but is logged. Only an order and an end are waited for.
 */
export class JobRecords {
  readonly #known = new Map<string, Known>();
  /** Up to this event, all ends have reached the broker. */
  #position = 0;
  #lastTold = 0;
  #underWay: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly store: Store,
    private readonly log: Logger,
  ) {}

  /** @returns the records, and the jobs of earlier runs in the order in which they were accepted */
  static async open(
    store: Store,
    log: Logger,
  ): Promise<{ readonly records: JobRecords; readonly found: readonly JobOnRecord[] }> {
    const records = new JobRecords(store, log);
    return { records, found: await records.#load() };
  }

  /** Ids of the jobs on record, and of the images that they take to providers. */
  get ids(): ReadonlySet<string> {
    return new Set([...this.#known].flatMap(([id, { targetImage }]) => [id, targetImage ?? []].flat()));
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /**
   * Puts a job on record.
   *
   * @param secret the template with its passwords, which is kept in a file for as long as the job may have to be begun
   * @param since where it stands, of one that was accepted earlier
   * @throws StoreError; nothing of the job is on record then
   */
  async add(job: AcceptedJob, secret?: string, since?: JobStanding): Promise<void> {
    const { id, descriptor, push } = job.order;
    const template = templateId(descriptor);
    const { order, caller = '' } = job.record ?? {};
    const action = push === undefined ? 'build' : 'push';
    const newOrder = { id: order?.id ?? id, caller, door: 'qmf', action };
    const orderKey = order?.key === undefined ? {} : { orderKey: order.key };
    const known = this.#know(id, job, template, since !== undefined);
    try {
      const events = await this.store.commit([
        ...(order !== undefined && order.key === undefined
          ? []
          : [{ change: 'order.add' as const, order: { ...newOrder, ...orderKey } }]),
        { change: 'template.put', template: { id: template, text: descriptor } },
        { change: 'job.add', job: newJob(job, template), ...(secret === undefined ? {} : { secret }) },
        ...(since === undefined ? [] : changesTo(id, known, since)),
      ]);
      if (since === undefined) return;
      known.status = known.recorded = jobStatus(since.ended?.end.status ?? since.status);
      if (since.ended !== undefined) known.untold = sequenceOf(id, events);
    } catch (error) {
      this.#known.delete(id);
      throw error;
    }
  }

  /** Without effect on a job that has ended. */
  async enter(id: string, status: BuildStatus, percent: number): Recorded {
    const known = this.#known.get(id);
    if (known === undefined || isEnd(known.status)) return undefined;
    const to = jobStatus(status);
    if (to === known.status) return await this.update(id, { percent });
    return sequenceOf(id, await this.#enter(id, known, to, steps(id, known, to, percent)));
  }

  async update(id: string, values: JobChange): Recorded {
    const known = this.#known.get(id);
    if (known === undefined || isEnd(known.status)) return undefined;
    return sequenceOf(id, await this.#record(id, [{ change: 'job.update', id, ...values }]));
  }

  /** Records a process group or a step of the rollback; without `detail`, that it is gone. */
  mark(id: string, kind: 'process' | 'rollback', name: string, detail: Partial<GroupMark> | undefined): void {
    if (!this.#known.has(id)) return;
    const mark = { job: id, kind, name };
    void this.#record(id, [
      detail === undefined
        ? { change: 'job.unmark', mark }
        : { change: 'job.mark', mark: { ...mark, detail: { ...detail } } },
    ]);
  }

  /** Resolves when the end survives a power cut, or cannot be recorded. The first end of a job counts. */
  async end(id: string, end: JobEnd, percent: number): Recorded {
    const known = this.#known.get(id);
    if (known === undefined || isEnd(known.status)) return undefined;
    const events = await this.#enter(id, known, jobStatus(end.status), endChanges(id, known, end, percent));
    known.untold = sequenceOf(id, events);
    return known.untold;
  }

  /** The end of a job has reached the broker. */
  told(id: string): void {
    const known = this.#known.get(id);
    if (known?.untold === undefined) return;
    this.#lastTold = Math.max(this.#lastTold, known.untold);
    known.untold = undefined;
    const open = [...this.#known.values()].flatMap(({ untold }) => untold ?? []);
    this.#advance(id, open.length === 0 ? this.#lastTold : Math.min(...open) - 1);
  }

  /** A job that has ended is of no interest any more. */
  forget(id: string): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    this.#known.delete(id);
    void this.#record(id, [{ change: 'job.remove', id }]);
    // Another job may have the same text.
    this.store.commit([{ change: 'template.remove', id: known.template }]).catch(() => undefined);
  }

  /** The template with its passwords; undefined when it has none, or they were deleted. */
  secret(id: string): Promise<string | undefined> {
    return this.store.secret(id);
  }

  /** Resolves when the secret is deleted. */
  async forgetSecret(id: string): Promise<void> {
    if (this.#known.has(id)) await this.#record(id, [{ change: 'job.forget_secret', id }]);
  }

  /** Resolves when all is recorded that was noted by now. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  async #load(): Promise<readonly JobOnRecord[]> {
    const { store } = this;
    this.#position = (await store.get('followers', follower))?.position ?? 0;
    const marks = await all(store, 'marks');
    const changes = await all(store, 'events', ['job.added', 'job.state']);
    const sequence = new Map(changes.map(event => [event.job, event.sequence]));
    const first = new Map([...changes].reverse().map(event => [event.job, event.sequence]));
    const jobs = [...(await all(store, 'jobs'))];
    jobs.sort((a, b) => (first.get(a.id) ?? 0) - (first.get(b.id) ?? 0));
    const found: JobOnRecord[] = [];
    for (const job of jobs) {
      const { id, template = '' } = job;
      const own = marks.filter(mark => mark.job === id);
      const last = sequence.get(id) ?? 0;
      const on = jobOnRecord(job, {
        descriptor: (await store.get('templates', template))?.text ?? '',
        groups: own.flatMap(({ kind, detail }) =>
          // As JobNotes.group has written it.
          kind === 'process' ? [detail as unknown as GroupMark] : [],
        ),
        made: own.flatMap(({ kind, name }) => (kind === 'rollback' ? [name] : [])),
        ...{ told: last <= this.#position, sequence: last },
      });
      const known = this.#know(id, on, template, true);
      known.status = known.recorded = job.status;
      if (isEnd(job.status) && !on.told) known.untold = last;
      found.push(on);
    }
    return found;
  }

  #know(id: string, { order }: AcceptedJob, template: string, isInterrupted: boolean): Known {
    const known: Known = {
      ...{ kind: kindOfJob(order), template, targetImage: order.push?.targetImage },
      ...{ isInterrupted, untold: undefined },
      ...{ status: 'new', recorded: 'new' },
    };
    this.#known.set(id, known);
    return known;
  }

  async #enter(
    id: string,
    known: Known,
    to: JobStatus,
    changes: readonly Change[],
  ): Promise<readonly StoreEvent[]> {
    known.status = to;
    const events = await this.#record(id, changes);
    if (events.length > 0) known.recorded = to;
    // What comes next begins where the record stands.
    else known.status = known.recorded;
    return events;
  }

  #advance(id: string, position: number): void {
    if (position <= this.#position) return;
    this.#position = position;
    void this.#record(id, [{ change: 'follower.advance', name: follower, position }]);
  }

  /** Never rejects; nothing is returned of what could not be recorded. */
  #record(id: string, changes: readonly Change[]): Promise<readonly StoreEvent[]> {
    const recorded = this.store.commit(changes).catch((error: unknown) => {
      // News of the very end, such as that of a broker that was slower than the agent's stop.
      if (error instanceof StoreError && error.code === 'closed') return [];
      this.log.error(`job ${id} cannot be recorded: ${errorLine(error)}; restarts will not know of this`);
      return [];
    });
    this.#underWay = this.#underWay.then(() => recorded);
    return recorded;
  }
}

/** Sequence of the last event of a job among those of a step. */
function sequenceOf(id: string, events: readonly StoreEvent[]): number | undefined {
  return events.findLast(({ job, type }) => job === id && type.startsWith('job.'))?.sequence;
}

/** The changes that take a job there: one, unless some before it could not be recorded. */
function steps(
  id: string,
  { kind, status, isInterrupted: resumed }: Known,
  to: JobStatus,
  percent: number,
): readonly Change[] {
  const ways = new Map<JobStatus, readonly JobStatus[]>([[status, []]]);
  for (const [from, way] of ways) {
    for (const next of jobStatuses)
      if (!ways.has(next) && isJobTransition(kind, from, next, resumed)) ways.set(next, [...way, next]);
  }
  return (ways.get(to) ?? [to]).map(next => ({
    change: 'job.state' as const,
    ...{ id, resumed, percent },
    // endChanges puts an end with its result in the place of the last one.
    state: { status: next as Exclude<JobStatus, 'completed' | 'failed'> },
  }));
}

function endChanges(id: string, known: Known, end: JobEnd, percent: number): readonly Change[] {
  const state = endState(end);
  const way = steps(id, known, state.status, percent).slice(0, -1);
  return [...way, { change: 'job.state', id, state, percent, resumed: known.isInterrupted }];
}

/** The changes that bring a new job to where another record has it. */
function changesTo(id: string, known: Known, since: JobStanding): readonly Change[] {
  const { ended, groups, made, percent, postponed, resumed: interruptions } = since;
  const marks = [
    ...groups.map(group => ({ kind: 'process' as const, name: String(group.pid), detail: { ...group } })),
    ...made.map(name => ({ kind: 'rollback' as const, name, detail: {} })),
  ];
  return [
    ...marks.map(mark => ({ change: 'job.mark' as const, mark: { job: id, ...mark } })),
    { change: 'job.update', id, interruptions, postponed },
    ...(ended === undefined
      ? steps(id, known, jobStatus(since.status), percent)
      : endChanges(id, known, ended.end, percent)),
  ];
}

/** All records of a table, page by page. */
async function all<T extends TableName>(
  store: Store,
  table: T,
  types?: readonly string[],
): Promise<readonly Records[T][]> {
  const where = types === undefined ? [] : [{ field: 'type', operator: 'in' as const, value: types }];
  const items: Records[T][] = [];
  let after: string | undefined;
  do {
    const page = await store.find(table, { where, limit: 1000, ...(after === undefined ? {} : { after }) });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}
