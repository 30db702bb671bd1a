import {
  type BuildContext,
  BuildError,
  type BuildSandboxes,
  createSandboxes,
  createToolRunner,
  createUrlRule,
  type Progress,
  type Stages,
} from '@imagefactory/plugin-api';
import { removeTree } from '../platform/files/remove-tree.js';
import { describeError, errorLine } from '../platform/log/index.js';
import type { Build } from './build.js';
import type { JobNotes } from './record/job-notes.js';
import { type PluginScope, runInScope } from '../plugins/plugin-scope.js';
import { supervised } from './supervise.js';
import { ToolGroups } from './tool-groups.js';
import type { UndoStack } from './undo.js';
import type { Workshop } from './workshop.js';

/** Milliseconds that a tool has between SIGTERM and SIGKILL, unless a plugin has less than twice that. */
const toolGrace = 3000;

/** What calls of plugins need of their build. */
export interface PluginCallsOptions {
  readonly build: Build;
  readonly workshop: Workshop;
  readonly notes: JobNotes;
  readonly undo: UndoStack;
  /** Aborted by its owner, by its timeout, and from here by an error that a plugin has dropped. */
  readonly stop: AbortController;
}

/** The calls of plugins for one build: what they are given, what they have running, and what they leave unhandled. */
export class PluginCalls {
  readonly #options: PluginCallsOptions;
  readonly #scope: PluginScope = { onStray: error => this.#onStray(error) };
  /** Process groups of the tools that run just now. */
  readonly #groups = new ToolGroups();
  readonly #sandboxes: BuildSandboxes[] = [];
  /** What the build needs of the cache until its end. */
  readonly #stages: Stages[] = [];

  constructor(options: PluginCallsOptions) {
    this.#options = options;
  }

  /** Calls a plugin, and leaves it behind when it doesn't stop in time. */
  async call<T>(
    { name, secrets, scratch, progress }: PluginCallOptions,
    work: (context: BuildContext) => Promise<T>,
  ): Promise<T> {
    const { signal } = this.#options.stop;
    const { title } = this.#options.build;
    const { grace, log } = this.#options.workshop;
    const context = this.#contextOf(scratch, progress, secrets);
    const onLate = (): void => {
      log.info(`plugin ${name} has come to an end after ${title} was over`);
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

  /** Ends the tools of a plugin that was left behind; all others have waited for theirs. */
  killTools(): Promise<void> {
    return this.#groups.kill();
  }

  /** Removes the sandboxes that plugins have left open. */
  async releaseSandboxes(): Promise<void> {
    for (const sandboxes of this.#sandboxes.splice(0)) await sandboxes.release();
  }

  /** Lets go of what the build has needed of the cache. */
  async releaseStages(): Promise<void> {
    for (const stages of this.#stages.splice(0)) await stages.release();
  }

  #contextOf(scratch: string, progress: Progress, secrets: readonly string[]): BuildContext {
    const { build, stop, undo, workshop } = this.#options;
    const { signal } = stop;
    const { cache, grace, locks, stages, toolSilence } = workshop;
    const { log } = build;
    const results = stages.for({ log, signal, scratch });
    this.#stages.push(results);
    const run = createToolRunner({
      ...{ log, scratch, signal, secrets },
      silence: toolSilence,
      // So that a tool which needs SIGKILL is gone before its plugin counts as one that does not stop.
      grace: Math.min(toolGrace, grace / 2),
      onGroup: pid => this.#noteGroup(pid),
    });
    const sandbox = createSandboxes(workshop.sandbox, { log, signal, scratch, run });
    this.#sandboxes.push(sandbox);
    return {
      ...{ signal, progress, scratch, cache, log, run, sandbox },
      urls: createUrlRule(workshop.sandbox),
      made: (what, remove) => undo.made(what, remove),
      exclusive: (lock, inside) => locks.exclusive(lock, signal, inside),
      stage: (stage, inputs, make, options) => results.run(stage, inputs, make, options),
    };
  }

  #noteGroup(pid: number): () => void {
    const { notes } = this.#options;
    notes.group(pid);
    const onGone = this.#groups.add(pid);
    return () => {
      onGone();
      notes.groupGone(pid);
    };
  }

  #onStray(error: unknown): void {
    const { build, stop, workshop } = this.#options;
    const { order, state } = build;
    const story = order.mask(describeError(error));
    if (state.status !== 'BUILDING' && state.status !== 'PUSHING') {
      workshop.log.warn(`a plugin of ${build.title} dropped an error after its work:\n${story}`);
      return;
    }
    stop.abort(
      new BuildError('internal', `the plugin left an error unhandled: ${errorLine(error)}`, { cause: error }),
    );
  }
}

export interface PluginCallOptions {
  /** Name of the plugin. */
  readonly name: string;
  /** Hidden in what tools print. */
  readonly secrets: readonly string[];
  readonly scratch: string;
  readonly progress: Progress;
}
