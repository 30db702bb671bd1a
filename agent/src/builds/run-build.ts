import { isAbsolute, join, relative, resolve } from 'node:path';
import {
  type BaseImage,
  type BuildContext,
  BuildError,
  createToolRunner,
  type Progress,
  type TargetImage,
} from '@imagefactory/plugin-api';
import { removeTree, type ScratchArea } from '../files/scratch-area.js';
import type { ImageStore, StoredImage } from '../images/index.js';
import { describeError, errorLine, type Logger } from '../log/index.js';
import type { Build } from './build.js';
import { type BuildLogFile, createBuildLog } from './build-log.js';
import { failureOf, interrupted, toBuildError } from './failure.js';
import { type PluginScope, runInScope } from './plugin-scope.js';
import { ProgressTree } from './progress-tree.js';
import type { Release, Slots } from './slots.js';
import { Abandoned, supervised } from './supervise.js';

/** What all builds of an agent share. */
export interface Workshop {
  readonly slots: Slots;
  readonly store: ImageStore;
  readonly scratch: ScratchArea;
  /** Directory of the builds' logs. */
  readonly logs: string;
  /** Directory that plugins keep things in between builds. */
  readonly cache: string;
  /** Milliseconds that a build may take, from the moment it has its slot. */
  readonly timeout: number;
  /** Milliseconds that a plugin has to stop when told to. */
  readonly grace: number;
  readonly log: Logger;
}

/** What the plugins have made. */
interface MadeImage extends TargetImage {
  readonly base: BaseImage;
}

/** How a build's run has ended. */
export interface RunEnd {
  /** Whether a plugin was left running. */
  readonly abandoned: boolean;
}

/**
 * Takes a build from NEW to its end. Never rejects: whatever goes wrong becomes the build's failure.
 *
 * @param stop aborts the build when its owner wants it to; its timeout and stray errors of its plugin abort it too
 */
export function runBuild(build: Build, workshop: Workshop, stop: AbortController): Promise<RunEnd> {
  return new BuildRun(build, workshop, stop).run();
}

class BuildRun {
  readonly #build: Build;
  readonly #workshop: Workshop;
  readonly #stop: AbortController;
  readonly #log: BuildLogFile;
  readonly #progress: ProgressTree;
  readonly #scope: PluginScope;
  /** What is being done outside of the plugins' steps. */
  #phase = 'initializing the build';
  #abandoned = false;

  constructor(build: Build, workshop: Workshop, stop: AbortController) {
    this.#build = build;
    this.#workshop = workshop;
    this.#stop = stop;
    const { mask } = build.order;
    this.#log = createBuildLog(join(workshop.logs, `${build.id}.log`), {
      mask,
      onError: error => workshop.log.warn(`build ${build.id} goes on without its log: ${errorLine(error)}`),
    });
    this.#progress = new ProgressTree({
      percent: percent => build.advance(percent),
      activity: (activity, detail) =>
        this.#log.info(detail === undefined ? activity : `${activity}: ${detail}`),
    });
    this.#scope = { onStray: error => this.#onStray(error) };
  }

  async run(): Promise<RunEnd> {
    const build = this.#build;
    let release: Release | undefined;
    try {
      build.enter({ status: 'INITIALIZING' });
      this.#introduce();
      release = await this.#slot();
      const image = await this.#workInSlot();
      await this.#log.flush();
      build.enter({ status: 'COMPLETED', image });
      this.#workshop.log.notice(
        `build ${build.id} completed: ${image.path} (${image.format}, ${image.size} bytes)`,
      );
    } catch (error) {
      await this.#fail(error);
    } finally {
      this.#progress.close();
      release?.();
    }
    return { abandoned: this.#abandoned };
  }

  #introduce(): void {
    const { template, plan } = this.#build.order;
    const { os } = template;
    this.#log.info(
      `build ${this.#build.id} of ${template.name === '' ? 'an unnamed template' : JSON.stringify(template.name)}`,
    );
    this.#log.info(
      `operating system: ${os === undefined ? 'none named' : `${os.name} ${os.version} ${os.arch}`}, by plugin ${plan.os.name}`,
    );
    this.#log.info(`target: ${plan.target}, by plugin ${plan.cloud.name}`);
  }

  /** A slot at once, or after waiting as PENDING. */
  async #slot(): Promise<Release> {
    const { slots } = this.#workshop;
    this.#stop.signal.throwIfAborted();
    const free = slots.tryTake();
    if (free !== undefined) return free;
    this.#phase = 'waiting for a free slot';
    this.#build.enter({ status: 'PENDING' });
    this.#log.info('waiting for a free slot');
    return await slots.take(this.#stop.signal);
  }

  async #workInSlot(): Promise<StoredImage> {
    const { timeout, scratch } = this.#workshop;
    const timer = setTimeout(() => {
      this.#stop.abort(new BuildError('timeout', `the build was not done within ${timeout / 1000} s`));
    }, timeout);
    let directory: string | undefined;
    try {
      this.#build.enter({ status: 'BUILDING' });
      directory = await scratch.create(this.#build.id);
      const image = await this.#makeImage(directory);
      this.#build.enter({ status: 'FINISHING' });
      this.#phase = 'storing the image';
      return await this.#store(image);
    } finally {
      clearTimeout(timer);
      if (directory !== undefined) await this.#removeScratch(directory);
    }
  }

  async #makeImage(scratch: string): Promise<MadeImage> {
    const { template, plan } = this.#build.order;
    const { root } = this.#progress;
    const base = await root.step('making the base image', plan.baseShare, async progress => {
      const image = await this.#plugin(plan.os.name, scratch, progress, context =>
        plan.os.buildBase(template, context),
      );
      assertImage(image, plan.os.name, scratch);
      return image;
    });
    const target = await root.step('making the target image', 1 - plan.baseShare, async progress => {
      const image = await this.#plugin(plan.cloud.name, scratch, progress, context =>
        plan.cloud.buildTarget(plan.target, base, template, context),
      );
      assertImage(image, plan.cloud.name, scratch);
      return image;
    });
    return { path: target.path, format: target.format, base };
  }

  /** Calls a plugin, and leaves it behind when it doesn't stop in time. */
  async #plugin<T>(
    name: string,
    scratch: string,
    progress: Progress,
    work: (context: BuildContext) => Promise<T>,
  ): Promise<T> {
    const { signal } = this.#stop;
    const { cache, grace } = this.#workshop;
    const context: BuildContext = {
      signal,
      progress,
      scratch,
      cache,
      log: this.#log,
      run: createToolRunner({ log: this.#log, scratch, signal, secrets: this.#build.order.secrets }),
    };
    const onLate = (): void => {
      this.#workshop.log.info(`plugin ${name} has come to an end after build ${this.#build.id} was over`);
      void this.#removeScratch(scratch);
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

  async #store(image: MadeImage): Promise<StoredImage> {
    const { id, order } = this.#build;
    const { signal } = this.#stop;
    const { callerImageUuid, descriptor, plan } = order;
    return await this.#progress.root.step('storing the image', 0, async () => {
      const stored = await this.#workshop.store.add(
        image.path,
        {
          identifier: id,
          target: plan.target,
          format: image.format,
          template: descriptor,
          ...(callerImageUuid === undefined ? {} : { callerImageUuid }),
          ...(image.base.os === undefined ? {} : { os: image.base.os }),
          ...(image.base.packages === undefined ? {} : { packages: image.base.packages }),
          base: { format: image.base.format },
        },
        { signal },
      );
      this.#log.info(`stored as ${stored.path}: ${stored.size} bytes, SHA-256 ${stored.sha256}`);
      return stored;
    });
  }

  async #fail(thrown: unknown): Promise<void> {
    const { signal } = this.#stop;
    this.#abandoned = thrown instanceof Abandoned;
    const error = signal.aborted ? interrupted(signal.reason, thrown) : toBuildError(thrown);
    const { mask } = this.#build.order;
    const failure = failureOf(error, this.#progress.activity ?? this.#phase, mask);
    // What a plugin still reports after this belongs to nothing.
    this.#progress.close();
    this.#log.error(failure.info);
    this.#log.error(describeError(error));
    await this.#log.flush();
    this.#build.enter({ status: 'FAILED', failure });
    this.#workshop.log.warn(
      `build ${this.#build.id} failed (${failure.code}): ${failure.info}; see ${this.#log.path}`,
    );
  }

  #onStray(error: unknown): void {
    const { mask } = this.#build.order;
    const story = mask(describeError(error));
    if (this.#build.state.status !== 'BUILDING') {
      this.#workshop.log.warn(
        `a plugin of build ${this.#build.id} dropped an error after its work:\n${story}`,
      );
      return;
    }
    this.#stop.abort(
      new BuildError('internal', `the plugin left an error unhandled: ${errorLine(error)}`, { cause: error }),
    );
  }

  async #removeScratch(directory: string): Promise<void> {
    try {
      await removeTree(directory);
    } catch (error) {
      this.#workshop.log.warn(`${directory} could not be removed: ${errorLine(error)}; remove it by hand`);
    }
  }
}

/** Plugins may be plain JavaScript, and what they name is going to be moved into the store. */
function assertImage(image: unknown, plugin: string, scratch: string): asserts image is TargetImage {
  const wrong = (what: string): BuildError => new BuildError('internal', `plugin ${plugin} ${what}`);
  if (typeof image !== 'object' || image === null || !('path' in image) || !('format' in image)) {
    throw wrong('gave no image');
  }
  if (typeof image.path !== 'string' || typeof image.format !== 'string') throw wrong('gave no image');
  const inside = relative(scratch, resolve(image.path));
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
    throw wrong(`gave an image outside of its scratch directory: ${image.path}`);
  }
}
