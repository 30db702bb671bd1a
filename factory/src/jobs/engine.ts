import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError, createMask, type Template } from '@imagefactory/plugin-api';
import { v4 as uuidv4 } from 'uuid';
import { errorLine, type Logger } from '../platform/log/index.js';
import type { Change } from '../store/index.js';
import { publicDescriptor, templateSecrets } from '../templates/index.js';
import { Build, type BuildOrder, isResumable, jobWord, type JobWork, type RecordFacts } from './build.js';
import type { BuildLogLine } from './build-log.js';
import type { BuildRequest, EngineOptions, EngineStop, PushRequest } from './engine-options.js';
import { AgentStopped } from './failure.js';
import { ImageRecords } from './image-records.js';
import { memoryRecords } from './record/memory-records.js';
import type { JobRecords, NewRecord } from './record/job-records.js';
import { catchStrayErrors } from '../plugins/plugin-scope.js';
import { type BuildPlan, PluginSet, queueOf } from '../plugins/plugins.js';
import { LogReader } from './read-log.js';
import type { RecoveredBuild } from './recovery.js';
import { type Preparation, Restart } from './restart.js';
import type { QueueLoad } from './resources/queues.js';
import { type RunEnd, runBuild } from './run-build.js';
import { logOf, openWorkshop, type Workshop } from './workshop.js';

const stopping = 'the agent is stopping; try again when it is back';

type EngineState = 'running' | 'stopping' | 'stopped';

interface LiveBuild {
  readonly build: Build;
  readonly stop: AbortController;
  readonly work: JobWork | (() => Promise<JobWork>);
  readonly records: ImageRecords;
  /** The whole template while the build is not on record yet. */
  descriptor: string | undefined;
}

/** Builds images: each build in its turn, on its own, and none able to harm another or the agent. */
export class BuildEngine {
  readonly plugins: PluginSet;
  readonly #log: Logger;
  readonly #workshop: Workshop;
  readonly #maxWaiting: number;
  readonly #epoch: number;
  /** Whether the next start of the agent goes on with builds of this one. */
  readonly #isContinued: boolean;
  readonly #live = new Map<string, LiveBuild>();
  readonly #logs = new LogReader();
  readonly #runs = new Map<string, Promise<RunEnd>>();
  readonly #restart: Restart | undefined;
  readonly #restoreErrors: () => void;
  #state: EngineState = 'running';

  private constructor(options: EngineOptions, jobs: JobRecords) {
    const { record } = options;
    this.#log = options.log;
    this.plugins = new PluginSet(options.plugins);
    this.#maxWaiting = options.maxWaiting ?? 1000;
    this.#epoch = record?.epoch ?? 1;
    this.#workshop = openWorkshop(options, jobs);
    this.#isContinued = record !== undefined;
    this.#restart = record === undefined ? undefined : new Restart(record, this.plugins, this.#workshop);
    this.#restoreErrors = catchStrayErrors();
  }

  /**
   * Opens the engine, with the builds that are on record from the runs before; see {@link recovered}.
   *
   * @throws Error when two plugins claim the same name or target, or a directory can't be made
   */
  static async open(options: EngineOptions): Promise<BuildEngine> {
    await mkdir(options.logs, { recursive: true });
    await mkdir(options.cache, { recursive: true });
    const engine = new BuildEngine(options, options.record?.jobs ?? (await memoryRecords(options.log)));
    try {
      await engine.#restart?.open();
    } catch (error) {
      engine.#restoreErrors();
      throw error;
    }
    for (const { build, kind, records, work } of engine.#restart?.builds ?? []) {
      if (kind !== 'ended') {
        const stop = new AbortController();
        engine.#live.set(build.id, { build, work, records, stop, descriptor: undefined });
      }
    }
    return engine;
  }

  /** The builds of earlier runs. Those that had not ended wait for {@link resume}. */
  get recovered(): readonly RecoveredBuild[] {
    return this.#restart?.builds ?? [];
  }

  /**
   * Goes on with the builds of the run before: begins those once more that were at work and can be, ends the others of those, and starts those
   * that waited, in their order.
   */
  resume(): void {
    const builds = this.#restart?.builds ?? [];
    for (const { build, kind, finish } of builds) {
      const stop = this.#live.get(build.id)?.stop;
      if (kind === 'interrupted' && stop !== undefined)
        this.#follow(build, finish(stop).then(nothingLeftRunning));
    }
    // Before those that waited: they had their slots already.
    for (const { build, kind, takeUp } of builds) {
      const stop = this.#live.get(build.id)?.stop;
      if (kind === 'resumed' && stop !== undefined) this.#follow(build, this.#resume(build, takeUp(stop)));
    }
    for (const { build, kind } of builds) {
      if (kind === 'waiting') this.start(build);
    }
  }

  /** Why no build is taken at present, as one line; undefined when one is. */
  get refusal(): string | undefined {
    if (this.#state !== 'running') return stopping;
    const { waiting } = this.#workshop.queues;
    return waiting < this.#maxWaiting ? undefined : `${waiting} builds are waiting already; try again later`;
  }

  /** Ids of the builds that have not ended. */
  get live(): readonly string[] {
    return [...this.#live.keys()];
  }

  /** How full the queues are. */
  get queues(): readonly QueueLoad[] {
    return this.#workshop.queues.loads;
  }

  /** A build that has not ended. */
  find(id: string): Build | undefined {
    return this.#live.get(id)?.build;
  }

  /**
   * Who would build the template.
   *
   * @throws BuildError `target_unsupported`, `os_unsupported` or `template_invalid`
   */
  plan(template: Template, target: string): BuildPlan {
    return this.plugins.plan(template, target);
  }

  /**
   * Takes a build on; it is NEW until {@link start}, and survives the end of the process after {@link keep}.
   *
   * @throws BuildError as {@link plan}, and `aborted` while there is a {@link refusal}
   */
  create(request: BuildRequest): Build {
    const { refusal } = this;
    if (refusal !== undefined) throw new BuildError('aborted', refusal);
    const { template, descriptor, shown, callerImageUuid, target } = request;
    const plan = this.plan(template, target);
    const secrets = [...templateSecrets(template), ...(request.secrets ?? [])];
    const mask = createMask(secrets);
    return this.#admit(
      {
        id: uuidv4(),
        target,
        descriptor: shown ?? publicDescriptor(descriptor, mask),
        epoch: this.#epoch,
        mask,
        ...(callerImageUuid === undefined ? {} : { callerImageUuid: mask(callerImageUuid) }),
      },
      { kind: 'build', template, plan, secrets },
      descriptor,
    );
  }

  /**
   * Takes on a push of a target image to a provider; otherwise like {@link create}. A push that waits when the agent is killed is not
   * gone on with, since credentials are kept nowhere.
   *
   * @throws BuildError `target_unsupported`, and `aborted` while there is a {@link refusal}
   */
  createPush(request: PushRequest): Build {
    const { refusal } = this;
    if (refusal !== undefined) throw new BuildError('aborted', refusal);
    const { target, image, provider, credentials, secrets } = request;
    const cloud = this.plugins.cloudFor(target);
    const mask = createMask(secrets);
    const id = uuidv4();
    return this.#admit(
      {
        id,
        target,
        descriptor: image.template,
        push: { provider: mask(provider.name), targetImage: image.identifier },
        epoch: this.#epoch,
        mask,
      },
      {
        kind: 'push',
        cloud,
        queue: queueOf(cloud),
        order: { target, provider, credentials, identifier: id },
        image,
        secrets,
      },
      image.template,
    );
  }

  #admit(order: BuildOrder, work: JobWork, descriptor: string): Build {
    const { id } = order;
    const build = new Build(order, logOf(this.#workshop, order), error =>
      this.#log.error(`an observer of ${jobWord(order)} ${id} failed: ${errorLine(error)}`),
    );
    const records = new ImageRecords(build, this.#workshop);
    this.#live.set(id, { build, work, records, stop: new AbortController(), descriptor });
    return build;
  }

  /**
   * Records the builds of one order, with their images, in one step of the store: from then on they survive the end of the process and a power
   * cut, and their caller can be told that they are accepted.
   *
   * @param record what a door keeps with a build
   * @param changes rows of the images, and others of the step; default: a row for each image, which belongs to no image set
   * @throws BuildError; the builds are given up then
   */
  async keep(
    builds: readonly Build[],
    record?: (build: Build) => RecordFacts,
    changes?: readonly Change[],
  ): Promise<void> {
    const entries = builds.flatMap(({ id }) => this.#live.get(id) ?? []);
    const unkept = entries.filter(({ descriptor }) => descriptor !== undefined);
    // They are ended, so they must not be known to the next start.
    if (unkept.length > 0 && this.#state !== 'running') throw new BuildError('aborted', stopping);
    const jobs = unkept.map((entry): NewRecord => {
      const { build, descriptor: whole, work } = entry;
      entry.descriptor = undefined;
      return {
        ...{ order: build.order, resumable: isResumable(work), record: record?.(build) },
        passwords: whole === build.order.descriptor ? undefined : whole,
      };
    });
    try {
      await this.#workshop.jobs.add(jobs, changes ?? unkept.map(({ records }) => records.row()));
    } catch (error) {
      for (const { build } of unkept) this.#live.delete(build.id);
      throw BuildError.from(error);
    }
    for (const { records } of unkept) records.begin();
  }

  /** Sets a build going; without effect on one that is going or over, and on those that wait for the next start of a stopping agent. */
  start(build: Build): void {
    if (this.#state === 'running') this.#begin(build);
  }

  #begin(build: Build): void {
    const entry = this.#live.get(build.id);
    if (entry === undefined || this.#runs.has(build.id)) return;
    this.#follow(build, runBuild({ ...entry, workshop: this.#workshop }));
  }

  /**
   * Ends a build, and resolves when nothing of it is left: at most the grace period and the tidying up.
   *
   * @param who for people, as in "aborted by alice"
   * @returns `aborted`; `ended` when it came to its end by itself meanwhile; `unknown` when there is no such build, or it is over
   */
  async abort(id: string, who: string): Promise<'aborted' | 'ended' | 'unknown'> {
    const entry = this.#live.get(id);
    if (entry === undefined) return 'unknown';
    const { build, stop } = entry;
    this.#log.notice(`${build.title} is aborted by ${who}`);
    const reason = new BuildError('aborted', `the ${jobWord(build.order)} was aborted by ${who}`);
    stop.abort(reason);
    this.#begin(build);
    await this.#runs.get(id);
    return build.state.status === 'FAILED' && stop.signal.reason === reason ? 'aborted' : 'ended';
  }

  /** Lines of a build's log from number `from` (1 for the first) on, at most `limit`; also of a build that is over. */
  async logLines(id: string, from: number, limit: number): Promise<readonly BuildLogLine[]> {
    const live = this.#live.get(id);
    await live?.build.log.flush();
    return this.#logs.lines(join(this.#workshop.logs, `${id}.log`), from, limit, live === undefined);
  }

  /** Notes that the end of a build has reached the broker. */
  told(id: string): void {
    this.#workshop.jobs.told(id);
  }

  /** Notes that nobody can ask for a finished build any more. */
  forget(id: string): void {
    this.#workshop.jobs.forget(id);
  }

  /**
   * Takes no more builds, and waits until nothing is at work: at most the grace period and the tidying up. Builds that are on record, and
   * that wait or can be begun once more, are left to the next start; the others are ended.
   */
  async stop(): Promise<EngineStop> {
    if (this.#state !== 'running') return { aborted: [], abandoned: [], postponed: [] };
    this.#state = 'stopping';
    const stopped = [...this.#live.values()];
    for (const entry of stopped) {
      const outlasts = this.#outlasts(entry);
      entry.stop.abort(new AgentStopped(outlasts));
      // One whose caller hasn't been answered yet; it ends like the others.
      if (!outlasts) this.#begin(entry.build);
    }
    const ends = await Promise.all(
      stopped.map(async ({ build }) => ({
        id: build.id,
        // One that has not begun waits for its caller to be answered, and then for the next start.
        end: (await this.#runs.get(build.id)) ?? { kind: 'postponed' as const },
      })),
    );
    this.#state = 'stopped';
    this.#restoreErrors();
    const idsOf = (...kinds: readonly RunEnd['kind'][]): readonly string[] =>
      ends.filter(({ end }) => kinds.includes(end.kind)).map(({ id }) => id);
    return {
      aborted: idsOf('ended', 'abandoned'),
      abandoned: idsOf('abandoned'),
      postponed: idsOf('postponed'),
    };
  }

  /** Whether a build can be gone on with by the next start. Not a push: credentials are kept nowhere. */
  #outlasts({ build, descriptor }: LiveBuild): boolean {
    return this.#isContinued && descriptor === undefined && build.order.push === undefined;
  }

  async #resume(build: Build, prepared: Promise<Preparation>): Promise<RunEnd> {
    const preparation = await prepared;
    const entry = this.#live.get(build.id);
    if (preparation.kind === 'over' || entry === undefined) return nothingLeftRunning();
    return await runBuild({ ...entry, work: preparation.work, workshop: this.#workshop });
  }

  #follow(build: Build, run: Promise<RunEnd>): void {
    const followed = run.finally(() => {
      this.#live.delete(build.id);
      this.#runs.delete(build.id);
    });
    this.#runs.set(build.id, followed);
  }
}

function nothingLeftRunning(): RunEnd {
  return { kind: 'ended' };
}
