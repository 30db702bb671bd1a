import { BuildError } from '@imagefactory/plugin-api';
import { removeTree } from '../platform/files/remove-tree.js';
import type { Change } from '../store/index.js';
import { describeError, errorLine } from '../platform/log/index.js';
import { admit } from './admission.js';
import { type Build, isResumable, jobWord, type JobWork, type StatusDetail } from './build.js';
import type { BuildLogLine } from './build-log.js';
import { AgentStopped, failureOf, interrupted, toBuildError } from './failure.js';
import type { ImageRecords } from './image-records.js';
import { JobNotes } from './record/job-notes.js';
import { makeImage, type PluginCall, pushImage } from './make-image.js';
import { PluginCalls } from './plugin-calls.js';
import { ProgressTree } from './progress-tree.js';
import type { Release } from './resources/slots.js';
import { type BuildState, type Cleanup, type FinishedImage, isWaiting } from './status.js';
import { storePushed, storeTarget, type StoringOptions, told } from './storing.js';
import { Abandoned } from './supervise.js';
import { UndoStack } from './undo.js';
import type { Workshop } from './workshop.js';

/** How a build's run has ended. */
export interface RunEnd {
  /** With the build; and a plugin was left running; or without the build, which the next start of the agent goes on with. */
  readonly kind: 'ended' | 'abandoned' | 'postponed';
}

/** What running a build takes. */
export interface RunOptions {
  readonly build: Build;
  /** What it takes, or how to find that out. */
  readonly work: JobWork | (() => Promise<JobWork>);
  /** What the store is told of its images meanwhile. */
  readonly records: ImageRecords;
  readonly workshop: Workshop;
  /** Aborts the build when its owner wants it to; its timeout and stray errors of its plugin abort it too. */
  readonly stop: AbortController;
}

/**
 * Takes a build from where it stands to its end, or to where the agent stops. Never rejects: whatever goes wrong becomes the build's failure.
 */
export function runBuild(options: RunOptions): Promise<RunEnd> {
  return new BuildRun(options).run(options.work);
}

class BuildRun {
  readonly #build: Build;
  readonly #workshop: Workshop;
  readonly #stop: AbortController;
  readonly #records: ImageRecords;
  readonly #notes: JobNotes;
  readonly #progress: ProgressTree;
  readonly #undo: UndoStack;
  readonly #calls: PluginCalls;
  /** What is being done outside of the plugins' steps. */
  #phase: string;
  #isResumable = false;
  #cleanup: Cleanup = { removed: [], left: [] };
  /** Changes of the images that go into the step of the end. */
  #endOfImages: readonly Change[] = [];
  /** The log as it was when the work ended, before the tidying up. */
  #lastLines: readonly BuildLogLine[] | undefined;

  constructor({ build, records, stop, workshop }: RunOptions) {
    this.#build = build;
    this.#workshop = workshop;
    this.#stop = stop;
    this.#records = records;
    const { id, log } = build;
    this.#phase = `initializing the ${jobWord(build.order)}`;
    const notes = new JobNotes(id, workshop.jobs);
    this.#notes = notes;
    this.#progress = new ProgressTree({
      percent: percent => {
        // First on record: after a restart nobody is told of less.
        const isNoted = this.#isResumable && percent > build.percent;
        build.advance(percent, isNoted ? notes.status(build.state.status, percent) : undefined);
      },
      activity: (activity, detail) => {
        const text = detail === undefined ? activity : `${activity}: ${detail}`;
        log.info(text);
        build.describe({ activity: build.order.mask(text), error: null });
      },
    });
    this.#undo = new UndoStack(notes);
    this.#calls = new PluginCalls({ build, workshop, notes, undo: this.#undo, stop });
  }

  async run(given: JobWork | (() => Promise<JobWork>)): Promise<RunEnd> {
    const build = this.#build;
    const releases: Release[] = [];
    try {
      this.#records.begin();
      if (build.state.status === 'NEW') this.#enter({ status: 'INITIALIZING' });
      const work = typeof given === 'function' ? await given() : given;
      this.#isResumable = isResumable(work);
      introduce(build, work);
      await admit({
        ...{ build, work, workshop: this.#workshop, signal: this.#stop.signal },
        onHeld: release => releases.push(release),
        onPhase: phase => (this.#phase = phase),
        onWait: reason => this.#wait(reason),
      });
      // The slot and the agent's stop may have come together.
      this.#stop.signal.throwIfAborted();
      const image = await this.#carryOut(work);
      await build.log.flush();
      await this.#end({ status: 'COMPLETED', image });
      this.#workshop.log.notice(`${build.title} completed: ${build.order.mask(described(image))}`);
      return { kind: 'ended' };
    } catch (error) {
      // What a plugin still reports after this belongs to nothing.
      const activity = this.#progress.activity ?? this.#phase;
      this.#progress.close();
      if (this.#isPostponed(error)) {
        await this.#postpone();
        return { kind: 'postponed' };
      }
      await this.#fail(error, activity);
      return { kind: error instanceof Abandoned ? 'abandoned' : 'ended' };
    } finally {
      this.#progress.close();
      for (const release of releases.reverse()) release();
    }
  }

  #wait(reason: string): void {
    this.#phase = reason;
    if (this.#build.state.status !== 'PENDING') this.#enter({ status: 'PENDING' });
    this.#build.log.info(reason);
    this.#build.describe({ activity: reason, error: null });
  }

  async #carryOut(work: JobWork): Promise<FinishedImage> {
    const { timeout, scratch, jobs, store } = this.#workshop;
    const build = this.#build;
    const { signal } = this.#stop;
    const timer = setTimeout(() => {
      this.#stop.abort(
        new BuildError('timeout', `the ${jobWord(build.order)} was not done within ${timeout / 1000} s`),
      );
    }, timeout);
    try {
      // One that is begun once more may be there already.
      if (build.state.status !== 'BUILDING')
        this.#enter({ status: work.kind === 'push' ? 'PUSHING' : 'BUILDING' });
      // What is never begun again needs its passwords no more.
      if (work.secrets.length > 0 && !this.#isResumable) await jobs.forgetSecret(build.id);
      const directory = await scratch.create(build.id);
      this.#undo.made(directory, () => removeTree(directory));
      const call: PluginCall = (name, progress, inside) =>
        this.#calls.call({ name, progress, scratch: directory, secrets: work.secrets }, inside);
      const { root } = this.#progress;
      const storing = async (): Promise<StoringOptions> => {
        this.#enter({ status: 'FINISHING' });
        this.#phase = 'storing the image';
        return { build, root, signal, store, created: await jobs.createdAt(build.id) };
      };
      if (work.kind === 'push') {
        const pushed = await pushImage(work, directory, root, call, signal);
        return await this.#archived(await storePushed(pushed, work, await storing()));
      }
      const image = await makeImage(work, directory, root, call, this.#records);
      return await this.#archived(await storeTarget(image, { ...(await storing()), records: this.#records }));
    } finally {
      clearTimeout(timer);
      await this.#tidyUp();
    }
  }

  async #tidyUp(): Promise<void> {
    const { title, log } = this.#build;
    this.#lastLines = log.recent;
    await this.#calls.killTools();
    await this.#calls.releaseSandboxes().catch((error: unknown) => {
      log.warn(`a sandbox could not be removed: ${errorLine(error)}`);
    });
    this.#cleanup = await this.#undo.undo();
    for (const what of this.#cleanup.removed) log.info(`removed: ${what}`);
    for (const what of this.#cleanup.left) {
      log.error(`left: ${what}`);
      this.#workshop.log.warn(`${title} has left ${what}; remove it by hand`);
    }
    await this.#calls.releaseStages();
  }

  /** The image is made and stored by now: whatever ends the build from here on, it has completed. */
  async #archived(image: FinishedImage): Promise<FinishedImage> {
    const { order, log } = this.#build;
    const { archive, jobs } = this.#workshop;
    const { root: progress } = this.#progress;
    const changes = await this.#records.completed(image);
    if (archive === undefined) this.#endOfImages = changes;
    else {
      await jobs.completed(order.id, told(image), changes);
      await archive.keep({ order, image, log, progress, signal: this.#stop.signal });
    }
    return image;
  }

  /** Whether the agent is what stopped the build, and its next start can go on with it. */
  #isPostponed(thrown: unknown): boolean {
    const reason: unknown = this.#stop.signal.reason;
    if (!(reason instanceof AgentStopped) || !reason.outlasts) return false;
    if (isWaiting(this.#build.state.status)) return true;
    return this.#isResumable && !(thrown instanceof Abandoned) && this.#cleanup.left.length === 0;
  }

  /** Leaves the build on record as it stands. */
  async #postpone(): Promise<void> {
    const { title, log, state } = this.#build;
    const activity = isWaiting(state.status)
      ? 'waiting for the next start of the agent'
      : 'stopped with the agent; its next start begins it once more';
    log.info(activity);
    this.#build.describe({ activity, error: null });
    this.#records.settle();
    this.#notes.postponed(this.#records.step());
    await log.flush();
    this.#workshop.log.info(`${title}: ${activity}`);
  }

  async #fail(thrown: unknown, activity: string): Promise<void> {
    const { signal } = this.#stop;
    const { title, log, order } = this.#build;
    const error = signal.aborted ? interrupted(signal.reason, thrown) : toBuildError(thrown);
    const failure = failureOf({
      error,
      activity,
      mask: order.mask,
      recent: this.#lastLines ?? log.recent,
      cleanup: this.#cleanup,
    });
    log.error(failure.info);
    const story = order.mask(describeError(error));
    // Of all others the line above is the whole of it for who reads the log of a build.
    if (error.code === 'internal') log.error(story);
    await log.flush();
    this.#endOfImages = await this.#records.failed(order.mask(activity), failure.info);
    await this.#end({ status: 'FAILED', failure }, { activity: order.mask(activity), error: failure.info });
    const lines = failure.lastLines.map(line => `\n  ${line}`).join('');
    this.#workshop.log.warn(
      `${title} failed (${failure.code}): ${failure.info}; see ${log.path}, whose last lines are${lines}`,
    );
    this.#workshop.log.warn(`${title} failed by this error:\n${story}`);
  }

  #enter(state: BuildState): void {
    const images = this.#records.step(state.status);
    this.#build.enter(state, this.#notes.status(state.status, this.#build.percent, images));
  }

  /** @param detail why: whoever hears of a failure can see its reason already */
  async #end(
    state: Extract<BuildState, { status: 'COMPLETED' | 'FAILED' }>,
    detail?: StatusDetail,
  ): Promise<void> {
    const { percent } = this.#build;
    const completed = state.status === 'COMPLETED';
    const recorded = this.#notes.end(
      completed ? { status: 'COMPLETED', image: told(state.image) } : state,
      completed ? 100 : percent,
      this.#endOfImages,
    );
    await recorded;
    if (detail !== undefined) this.#build.describe(detail);
    this.#build.enter(state, recorded);
  }
}

/** What has come of it, for the agent's log. */
function described({ identifierOnProvider, path, format, size }: FinishedImage): string {
  return identifierOnProvider === undefined
    ? `${path} (${format}, ${size} bytes)`
    : `known to the provider as ${identifierOnProvider}`;
}

/** The first lines of a build's log. */
function introduce({ title, log }: Build, work: JobWork): void {
  if (work.kind === 'push') {
    const { provider, target } = work.order;
    log.info(`${title} of target image ${work.image.identifier}`);
    log.info(`provider: ${provider.name}, of the target ${target}, by plugin ${work.cloud.name}`);
    return;
  }
  const { template, plan } = work;
  const { os } = template;
  log.info(`${title} of ${template.name === '' ? 'an unnamed template' : JSON.stringify(template.name)}`);
  log.info(
    `operating system: ${os === undefined ? 'none named' : `${os.name} ${os.version} ${os.arch}`}, by plugin ${plan.os.name}`,
  );
  log.info(`target: ${plan.target}, by plugin ${plan.cloud.name}`);
}
