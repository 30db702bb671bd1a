import {
  type BuildContext,
  BuildError,
  createToolRunner,
  type Progress,
  type PushedImage,
  type Stages,
} from '@imagefactory/plugin-api';
import { startOfNow } from '../files/process-mark.js';
import { removeTree } from '../files/remove-tree.js';
import type { StoredImage } from '../images/index.js';
import { describeError, errorLine } from '../log/index.js';
import type { Build, JobWork, PushWork } from './build.js';
import type { BuildLogLine } from './build-log.js';
import { failureOf, interrupted, toBuildError } from './failure.js';
import { makeImage, type MadeImage, type PluginCall, pushImage } from './make-image.js';
import { type PluginScope, runInScope } from './plugin-scope.js';
import { ProgressTree } from './progress-tree.js';
import type { Release } from './resources/slots.js';
import type { BuildState, Cleanup, FinishedImage } from './status.js';
import { Abandoned, supervised } from './supervise.js';
import { ToolGroups } from './tool-groups.js';
import { UndoStack } from './undo.js';
import { note, noteForGood, spaceNeeds, type Workshop } from './workshop.js';

/** Milliseconds that a tool has between SIGTERM and SIGKILL, unless a plugin has less than twice that. */
const toolGrace = 3000;

/** How a build's run has ended. */
export interface RunEnd {
  /** Whether a plugin was left running. */
  readonly abandoned: boolean;
}

/**
 * Takes a build from where it stands to its end. Never rejects: whatever goes wrong becomes the build's failure.
 *
 * @param work what it takes, or how to find that out
 * @param stop aborts the build when its owner wants it to; its timeout and stray errors of its plugin abort it too
 */
export function runBuild(
  build: Build,
  work: JobWork | (() => Promise<JobWork>),
  workshop: Workshop,
  stop: AbortController,
): Promise<RunEnd> {
  return new BuildRun(build, workshop, stop).run(work);
}

class BuildRun {
  readonly #build: Build;
  readonly #workshop: Workshop;
  readonly #stop: AbortController;
  readonly #progress: ProgressTree;
  readonly #scope: PluginScope;
  readonly #undo: UndoStack;
  /** What is being done outside of the plugins' steps. */
  #phase = 'initializing the build';
  #abandoned = false;
  /** Process groups of the tools that run just now. */
  readonly #groups = new ToolGroups();
  /** What the build needs of the cache until its end. */
  readonly #stages: Stages[] = [];
  #cleanup: Cleanup = { removed: [], left: [] };
  /** The log as it was when the work ended, before the tidying up. */
  #lastLines: readonly BuildLogLine[] | undefined;

  constructor(build: Build, workshop: Workshop, stop: AbortController) {
    this.#build = build;
    this.#workshop = workshop;
    this.#stop = stop;
    const { id, log } = build;
    this.#progress = new ProgressTree({
      percent: percent => build.advance(percent),
      activity: (activity, detail) => {
        const text = detail === undefined ? activity : `${activity}: ${detail}`;
        log.info(text);
        build.describe({ activity: build.order.mask(text), error: null });
      },
    });
    this.#scope = { onStray: error => this.#onStray(error) };
    this.#undo = new UndoStack({
      made: what => note(workshop, { kind: 'made', id, what }),
      unmade: what => note(workshop, { kind: 'unmade', id, what }),
    });
  }

  async run(given: JobWork | (() => Promise<JobWork>)): Promise<RunEnd> {
    const build = this.#build;
    const releases: Release[] = [];
    try {
      if (build.state.status === 'NEW') this.#enter({ status: 'INITIALIZING' });
      const work = typeof given === 'function' ? await given() : given;
      this.#introduce(work);
      await this.#admission(work, release => releases.push(release));
      const image = await this.#carryOut(work);
      await build.log.flush();
      await this.#end({ status: 'COMPLETED', image });
      this.#workshop.log.notice(
        `build ${build.id} completed: ${image.path} (${image.format}, ${image.size} bytes)`,
      );
    } catch (error) {
      await this.#fail(error);
    } finally {
      this.#progress.close();
      for (const release of releases.reverse()) release();
    }
    return { abandoned: this.#abandoned };
  }

  #introduce(work: JobWork): void {
    const { log } = this.#build;
    if (work.kind === 'push') {
      const { image, provider, target } = work.order;
      log.info(`push ${this.#build.id} of target image ${image.identifier}`);
      log.info(`provider: ${provider.name}, of the target ${target}, by plugin ${work.cloud.name}`);
      return;
    }
    const { template, plan } = work;
    const { os } = template;
    log.info(
      `build ${this.#build.id} of ${template.name === '' ? 'an unnamed template' : JSON.stringify(template.name)}`,
    );
    log.info(
      `operating system: ${os === undefined ? 'none named' : `${os.name} ${os.version} ${os.arch}`}, by plugin ${plan.os.name}`,
    );
    log.info(`target: ${plan.target}, by plugin ${plan.cloud.name}`);
  }

  /** A slot and the space on disks: at once, or after waiting as PENDING. */
  async #admission(work: JobWork, keep: (release: Release) => void): Promise<void> {
    const { queues, space } = this.#workshop;
    const { signal } = this.#stop;
    const queue = work.kind === 'push' ? work.queue : work.plan.queue;
    signal.throwIfAborted();
    const slots = queues.of(queue);
    let slot = slots.tryTake();
    if (slot === undefined) {
      this.#wait('waiting for a free slot');
      slot = await slots.take(signal, position => this.#moveTo(queue, position));
      this.#build.waitAt(undefined);
    }
    keep(slot);
    const needs = spaceNeeds(this.#workshop, work);
    if (needs.length === 0) return;
    this.#phase = 'reserving space on the disk';
    keep(
      await space.reserve(needs, signal, () =>
        this.#wait('waiting for space on the disk that other builds use'),
      ),
    );
  }

  #wait(reason: string): void {
    this.#phase = reason;
    if (this.#build.state.status !== 'PENDING') this.#enter({ status: 'PENDING' });
    this.#build.log.info(reason);
    this.#build.describe({ activity: reason, error: null });
  }

  #moveTo(queue: string, position: number): void {
    if (this.#build.place === undefined) {
      this.#workshop.log.info(`build ${this.#build.id} waits in the queue ${queue} at position ${position}`);
      this.#build.log.info(`position ${position} in the queue ${queue}`);
    }
    this.#build.waitAt({ queue, position });
  }

  async #carryOut(work: JobWork): Promise<FinishedImage> {
    const { timeout, scratch, orders } = this.#workshop;
    const { id } = this.#build;
    const timer = setTimeout(() => {
      this.#stop.abort(new BuildError('timeout', `the build was not done within ${timeout / 1000} s`));
    }, timeout);
    try {
      this.#enter({ status: work.kind === 'push' ? 'PUSHING' : 'BUILDING' });
      // A build that has begun is never begun again: nobody needs its passwords any more.
      if (work.secrets.length > 0) await orders?.remove(id);
      const directory = await scratch.create(id);
      this.#undo.made(directory, () => removeTree(directory));
      const call: PluginCall = (name, progress, inside) =>
        this.#callPlugin(name, work, directory, progress, inside);
      const { root } = this.#progress;
      if (work.kind === 'push') {
        const pushed = await pushImage(work, directory, root, call);
        this.#beginStoring();
        return await this.#storePushed(pushed, work);
      }
      const image = await makeImage(work, directory, root, call);
      this.#beginStoring();
      return await this.#store(image);
    } finally {
      clearTimeout(timer);
      this.#lastLines = this.#build.log.recent;
      // Of a plugin that was left behind; all others have waited for their tools.
      await this.#groups.kill();
      this.#cleanup = await this.#undo.undo();
      this.#tellCleanup();
      for (const stages of this.#stages) await stages.release();
    }
  }

  /** Calls a plugin, and leaves it behind when it doesn't stop in time. */
  async #callPlugin<T>(
    name: string,
    { secrets }: JobWork,
    scratch: string,
    progress: Progress,
    work: (context: BuildContext) => Promise<T>,
  ): Promise<T> {
    const { signal } = this.#stop;
    const { cache, grace, locks, stages, toolSilence, log } = this.#workshop;
    const { id, log: buildLog } = this.#build;
    const results = stages.for({ log: buildLog, signal, scratch });
    this.#stages.push(results);
    const context: BuildContext = {
      signal,
      progress,
      scratch,
      cache,
      log: buildLog,
      run: createToolRunner({
        log: buildLog,
        scratch,
        signal,
        secrets,
        silence: toolSilence,
        // So that a tool which needs SIGKILL is gone before its plugin counts as one that does not stop.
        grace: Math.min(toolGrace, grace / 2),
        onGroup: pid => this.#noteGroup(pid),
      }),
      made: (what, remove) => this.#undo.made(what, remove),
      exclusive: (lock, inside) => locks.exclusive(lock, signal, inside),
      stage: (stage, inputs, make, options) => results.run(stage, inputs, make, options),
    };
    const onLate = (): void => {
      log.info(`plugin ${name} has come to an end after build ${id} was over`);
      removeTree(scratch).catch((error: unknown) =>
        log.warn(`${scratch} could not be removed: ${errorLine(error)}; remove it by hand`),
      );
    };
    signal.throwIfAborted();
    const result = await supervised(() => runInScope(this.#scope, () => work(context)), {
      signal,
      grace,
      onLate,
    });
    // A result that came after the abort is none.
    signal.throwIfAborted();
    return result;
  }

  #noteGroup(pid: number): () => void {
    const { id } = this.#build;
    note(this.#workshop, { kind: 'group', id, pid, started: startOfNow(pid) });
    const onGone = this.#groups.add(pid);
    return () => {
      onGone();
      note(this.#workshop, { kind: 'group-gone', id, pid });
    };
  }

  #beginStoring(): void {
    this.#enter({ status: 'FINISHING' });
    this.#phase = 'storing the image';
  }

  async #storePushed(pushed: PushedImage, { order }: PushWork): Promise<FinishedImage> {
    const { descriptor, push } = this.#build.order;
    const { identifierOnProvider } = pushed;
    const account = pushed.account === undefined ? {} : { account: pushed.account };
    const { signal } = this.#stop;
    return await this.#progress.root.step('storing the provider image', 0, async () => {
      const stored = await this.#workshop.store.addProviderImage(
        pushed.record.path,
        {
          identifier: order.identifier,
          provider: push?.provider ?? '',
          targetImageId: order.image.identifier,
          identifierOnProvider,
          format: pushed.record.format,
          template: descriptor,
          ...account,
        },
        { signal },
      );
      this.#build.log.info(`known to the provider as ${identifierOnProvider}`);
      return { ...stored, identifierOnProvider, ...account };
    });
  }

  async #store(image: MadeImage): Promise<StoredImage> {
    const { callerImageUuid, descriptor, id, target } = this.#build.order;
    const { signal } = this.#stop;
    return await this.#progress.root.step('storing the image', 0, async () => {
      const stored = await this.#workshop.store.add(
        image.path,
        {
          identifier: id,
          target,
          format: image.format,
          template: descriptor,
          ...(callerImageUuid === undefined ? {} : { callerImageUuid }),
          ...(image.base.os === undefined ? {} : { os: image.base.os }),
          ...(image.base.packages === undefined ? {} : { packages: image.base.packages }),
          base: { format: image.base.format },
        },
        { signal },
      );
      this.#build.log.info(`stored as ${stored.path}: ${stored.size} bytes, SHA-256 ${stored.sha256}`);
      return stored;
    });
  }

  async #fail(thrown: unknown): Promise<void> {
    const { signal } = this.#stop;
    const { id, log, order } = this.#build;
    this.#abandoned = thrown instanceof Abandoned;
    const error = signal.aborted ? interrupted(signal.reason, thrown) : toBuildError(thrown);
    const activity = this.#progress.activity ?? this.#phase;
    // What a plugin still reports after this belongs to nothing.
    this.#progress.close();
    const failure = failureOf({
      error,
      activity,
      mask: order.mask,
      recent: this.#lastLines ?? log.recent,
      cleanup: this.#cleanup,
    });
    log.error(failure.info);
    log.error(describeError(error));
    await log.flush();
    await this.#end({ status: 'FAILED', failure });
    this.#build.describe({ activity: order.mask(activity), error: failure.info });
    const lines = failure.lastLines.map(line => `\n  ${line}`).join('');
    this.#workshop.log.warn(
      `build ${id} failed (${failure.code}): ${failure.info}; see ${log.path}, whose last lines are${lines}`,
    );
  }

  #enter(state: BuildState): void {
    note(this.#workshop, {
      kind: 'status',
      id: this.#build.id,
      status: state.status,
      percent: this.#build.percent,
    });
    this.#build.enter(state);
  }

  /** Told to others only when the journal has it: after a crash nobody hears of two ends. */
  async #end(state: Extract<BuildState, { status: 'COMPLETED' | 'FAILED' }>): Promise<void> {
    const { id, percent } = this.#build;
    const completed = state.status === 'COMPLETED';
    await noteForGood(this.#workshop, {
      kind: 'end',
      id,
      end: completed ? { status: 'COMPLETED', image: finished(state.image) } : state,
      percent: completed ? 100 : percent,
      at: Date.now(),
    });
    await this.#workshop.orders?.remove(id);
    this.#build.enter(state);
  }

  #tellCleanup(): void {
    const { removed, left } = this.#cleanup;
    for (const what of removed) this.#build.log.info(`removed: ${what}`);
    for (const what of left) {
      this.#build.log.error(`left: ${what}`);
      this.#workshop.log.warn(`build ${this.#build.id} has left ${what}; remove it by hand`);
    }
  }

  #onStray(error: unknown): void {
    const { id, order, state } = this.#build;
    const story = order.mask(describeError(error));
    if (state.status !== 'BUILDING' && state.status !== 'PUSHING') {
      this.#workshop.log.warn(`a plugin of build ${id} dropped an error after its work:\n${story}`);
      return;
    }
    this.#stop.abort(
      new BuildError('internal', `the plugin left an error unhandled: ${errorLine(error)}`, { cause: error }),
    );
  }
}

/** Only what is told of an image, whatever else the store knows of it. */
function finished(image: FinishedImage): FinishedImage {
  const { path, size, format, sha256, identifierOnProvider, account } = image;
  return {
    ...{ path, size, format, sha256 },
    ...(identifierOnProvider === undefined ? {} : { identifierOnProvider }),
    ...(account === undefined ? {} : { account }),
  };
}
