import {
  type Change,
  isEnd,
  isJobTransition,
  type JobStatus,
  jobStatuses,
  type Query,
  type Store,
  StoreError,
  type StoreEvent,
} from '../../store/index.js';
import { allOf, ImageSets } from '../../images/index.js';
import { errorLine, type Logger } from '../../platform/log/index.js';
import { templateId } from '../../templates/index.js';
import {
  type AcceptedJob,
  endFacts,
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
import type { BuildStatus, FinishedImage } from '../status.js';

/** Name of the follower that tells the ends of jobs on the bus. Its position counts for ends alone. */
export const busFollower = 'bus';

/** How far a job has come. */
export type JobStanding = Pick<
  JobOnRecord,
  'status' | 'percent' | 'resumed' | 'postponed' | 'groups' | 'made' | 'ended'
>;

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;
/** A change of one job, without its id. */
export type JobChange = Without<Extract<Change, { readonly change: 'job.update' }>, 'change' | 'id'>;

/** A new job. */
export interface NewRecord extends AcceptedJob {
  /** The template with its passwords, which is kept in a file for as long as the job may have to be begun. */
  readonly passwords?: string | undefined;
}

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
  /** The image sets that the images of jobs belong to. */
  readonly sets: ImageSets;
  readonly #known = new Map<string, Known>();
  /** Up to this event, all ends have reached the broker. */
  #position = 0;
  #lastTold = 0;
  #underWay: Promise<unknown> = Promise.resolve();
  /** Jobs that are to be removed, with their templates. */
  readonly #forgotten = new Map<string, string>();

  private constructor(
    private readonly store: Store,
    private readonly log: Logger,
  ) {
    this.sets = new ImageSets(store);
  }

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
   * Records the jobs of one order in one step.
   *
   * @param changes further ones of the step
   * @throws StoreError; nothing of the order is on record then
   */
  async add(jobs: readonly NewRecord[], changes: readonly Change[] = []): Promise<readonly StoreEvent[]> {
    const [first] = jobs;
    if (first === undefined) return [];
    const { id: firstId, push } = first.order;
    const { caller = '', order: { id = firstId, key: orderKey } = {} } = first.record ?? {};
    const about = { door: 'qmf', action: push === undefined ? 'build' : 'push' };
    const order = { id, caller, ...about, ...(orderKey === undefined ? {} : { orderKey }) };
    for (const job of jobs) this.#know(job.order.id, job, false);
    try {
      return await this.store.commit([
        { change: 'order.add', order },
        ...jobs.flatMap(job => jobChanges(job, id)),
        ...changes,
      ]);
    } catch (error) {
      for (const job of jobs) this.#known.delete(job.order.id);
      throw error;
    }
  }

  /** Records a job of another record as it stands there, in one step. @throws StoreError */
  async take(job: NewRecord, since: JobStanding): Promise<void> {
    const { id } = job.order;
    const to = changesTo(id, kindOfJob(job.order), since);
    const events =
      since.ended === undefined
        ? await this.add([job], to)
        : await this.sets.ended(id, endFacts(since.ended.end), more => this.add([job], [...more, ...to]));
    const known = this.#known.get(id);
    if (known === undefined) return;
    known.status = known.recorded = jobStatus(since.ended?.end.status ?? since.status);
    if (since.ended !== undefined) known.untold = sequenceOf(id, events);
  }

  /** Records a status with the images of that step. Without effect on a job that has ended. */
  async enter(id: string, status: BuildStatus, percent: number, images: readonly Change[] = []): Recorded {
    const known = this.#known.get(id);
    if (known === undefined || isEnd(known.status)) return undefined;
    const to = jobStatus(status);
    if (to === known.status) return await this.update(id, { percent }, images);
    const changes = [...steps(id, known, to, percent), ...images];
    return sequenceOf(id, await this.#enter(id, known, to, changes));
  }

  async update(id: string, values: JobChange, images: readonly Change[] = []): Recorded {
    const known = this.#known.get(id);
    if (known === undefined || isEnd(known.status)) return undefined;
    const isEmpty = Object.keys(values).length === 0;
    const job: readonly Change[] = isEmpty ? [] : [{ change: 'job.update', id, ...values }];
    return sequenceOf(id, await this.#record(id, [...job, ...images]));
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

  /** Records that the image of a job is there, before the job ends. Resolves when that is on record, or cannot be. */
  async completed(id: string, image: FinishedImage, images: readonly Change[]): Promise<void> {
    const end: JobEnd = { status: 'COMPLETED', image };
    await this.#inSet(id, end, more => this.#record(id, [...images, ...more]));
  }

  /**
   * Records an end, the images of it, and its consequences for their image set, in one step. Resolves when that survives a power cut, or cannot
   * be recorded. The first end of a job counts.
   */
  async end(id: string, end: JobEnd, percent: number, images: readonly Change[] = []): Recorded {
    const known = this.#known.get(id);
    if (known === undefined || isEnd(known.status)) return undefined;
    const changes = [...images, ...endChanges(id, known, end, percent)];
    known.status = jobStatus(end.status);
    const events = await this.#inSet(id, end, more => this.#record(id, [...more, ...changes]));
    if (events.length === 0) known.status = known.recorded;
    else known.recorded = known.status;
    known.untold = sequenceOf(id, events);
    return known.untold;
  }

  /** The changes of an image set that follow from an end, recorded with others; without them if the set cannot be read. */
  async #inSet(
    id: string,
    end: JobEnd,
    record: (more: readonly Change[]) => Promise<readonly StoreEvent[]>,
  ): Promise<readonly StoreEvent[]> {
    return await this.sets.ended(id, endFacts(end), record).catch((error: unknown) => this.#lost(id, error));
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

  /** A job that has ended is of no interest any more. It is removed as soon as all followers have passed its events. */
  forget(id: string): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    this.#known.delete(id);
    this.#forgotten.set(id, known.template);
    for (const [one, template] of this.#forgotten) {
      const removed = this.#remove(one, template);
      this.#underWay = this.#underWay.then(() => removed);
    }
  }

  async #remove(id: string, template: string): Promise<void> {
    try {
      const removal = this.store.commit([{ change: 'job.remove', id }]);
      // Another job, or an image, may have the same text.
      const removals = [removal, this.store.commit([{ change: 'template.remove', id: template }])];
      await Promise.allSettled(removals);
      await removal;
      this.#forgotten.delete(id);
    } catch (error) {
      // A follower has not passed its events: it goes with one of the next.
      if (!(error instanceof StoreError && error.code === 'conflict')) this.#lost(id, error);
    }
  }

  /** The template with its passwords; undefined when it has none, or they were deleted. */
  secret(id: string): Promise<string | undefined> {
    return this.store.secret(id);
  }

  /** When an image was ordered, ISO 8601; undefined if it has no row. */
  async createdAt(image: string): Promise<string | undefined> {
    return (await this.store.get('images', image).catch(() => undefined))?.created;
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
    this.#position = (await store.get('followers', busFollower))?.position ?? 0;
    const marks = await allOf(store, 'marks', []);
    const types = ['job.added', 'job.state'];
    const changes = await allOf(store, 'events', [{ field: 'type', operator: 'in', value: types }]);
    const sequence = new Map(changes.map(event => [event.job, event.sequence]));
    const first = new Map([...changes].reverse().map(event => [event.job, event.sequence]));
    const jobs = [...(await allOf(store, 'jobs', []))];
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
      const known = this.#know(id, on, true);
      known.status = known.recorded = job.status;
      if (isEnd(job.status) && !on.told) known.untold = last;
      found.push(on);
    }
    return found;
  }

  #know(id: string, { order }: AcceptedJob, isInterrupted: boolean): Known {
    const known: Known = {
      ...{ kind: kindOfJob(order), template: templateId(order.descriptor) },
      ...{ targetImage: order.push?.targetImage, isInterrupted, untold: undefined },
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
    void this.#record(id, [{ change: 'follower.advance', name: busFollower, position }]);
  }

  /** Never rejects; nothing is returned of what could not be recorded. */
  #record(id: string, changes: readonly Change[]): Promise<readonly StoreEvent[]> {
    if (changes.length === 0) return Promise.resolve([]);
    const recorded = this.store.commit(changes).catch((error: unknown) => this.#lost(id, error));
    this.#underWay = this.#underWay.then(() => recorded);
    return recorded;
  }

  #lost(id: string, error: unknown): readonly StoreEvent[] {
    // News of the very end, such as that of a broker that was slower than the agent's stop.
    if (!(error instanceof StoreError && error.code === 'closed'))
      this.log.error(`job ${id} cannot be recorded: ${errorLine(error)}; restarts will not know of this`);
    return [];
  }
}

function jobChanges(job: NewRecord, orderId: string): readonly Change[] {
  const { descriptor } = job.order;
  const template = templateId(descriptor);
  const { passwords } = job;
  return [
    { change: 'template.put', template: { id: template, text: descriptor } },
    {
      change: 'job.add',
      job: newJob(job, template, orderId),
      ...(passwords === undefined ? {} : { secret: passwords }),
    },
  ];
}

/** Sequence of the last event of a job among those of a step. */
function sequenceOf(id: string, events: readonly StoreEvent[]): number | undefined {
  return events.findLast(({ job, type }) => job === id && type.startsWith('job.'))?.sequence;
}

/** The followers that read all events. */
export const readersOfAll: Query = {
  where: [{ field: 'name', operator: '!=', value: busFollower }],
  limit: 1000,
};

type JobPoint = Pick<Known, 'kind' | 'status' | 'isInterrupted'>;

/** The changes that take a job there: one, unless some before it could not be recorded. */
function steps(
  id: string,
  { kind, status, isInterrupted: resumed }: JobPoint,
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

function endChanges(id: string, known: JobPoint, end: JobEnd, percent: number): readonly Change[] {
  const state = endState(end);
  const way = steps(id, known, state.status, percent).slice(0, -1);
  return [...way, { change: 'job.state', id, state, percent, resumed: known.isInterrupted }];
}

/** The changes that bring a new job to where another record has it. */
function changesTo(id: string, kind: Known['kind'], since: JobStanding): readonly Change[] {
  const known = { kind, status: 'new', isInterrupted: false } as const;
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
