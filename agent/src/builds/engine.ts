import { BuildError, type Plugin, type Template } from '@imagefactory/plugin-api';
import { mkdir } from 'node:fs/promises';
import { v4 as uuidv4 } from 'uuid';
import type { ScratchArea } from '../files/scratch-area.js';
import type { ImageStore } from '../images/index.js';
import { createScrubber, errorLine, type Logger } from '../log/index.js';
import { publicDescriptor, templateSecrets } from '../templates/index.js';
import { Build } from './build.js';
import { catchStrayErrors } from './plugin-scope.js';
import { type BuildPlan, PluginSet } from './plugins.js';
import { runBuild, type Workshop } from './run-build.js';
import { Slots } from './slots.js';

export interface EngineOptions {
  readonly plugins: readonly Plugin[];
  readonly store: ImageStore;
  readonly scratch: ScratchArea;
  /** Directory of the builds' logs, `<build id>.log`. */
  readonly logs: string;
  /** Directory that plugins keep things in between builds. */
  readonly cache: string;
  /** Seconds that a build may take, from the moment it has its slot; default 3600. */
  readonly timeout?: number;
  /** Seconds that a plugin has to stop when told to, before it is left behind; default 10. */
  readonly grace?: number;
  /** Builds at the same time; default 2. */
  readonly maxConcurrent?: number;
  /** Builds that may wait for a slot; default 1000. */
  readonly maxWaiting?: number;
  readonly log: Logger;
}

/** What an agent is asked to build. */
export interface BuildRequest {
  /** TDL text, from which `template` was parsed. */
  readonly descriptor: string;
  readonly template: Template;
  /** Secrets that came with the template and aren't in it. */
  readonly secrets?: readonly string[];
  readonly target: string;
  /** Kept in the image's metadata, and used for nothing. */
  readonly callerImageUuid?: string;
}

/** What became of the builds when the engine stopped. */
export interface EngineStop {
  /** Ids of the builds that were ended. */
  readonly aborted: readonly string[];
  /** Ids of those whose plugin didn't heed the signal and was left running. */
  readonly abandoned: readonly string[];
}

type EngineState = 'running' | 'stopping' | 'stopped';

/** Builds images: each build in its turn, on its own, and none able to harm another or the agent. */
export class BuildEngine {
  readonly plugins: PluginSet;
  readonly #options: EngineOptions;
  readonly #workshop: Workshop;
  readonly #maxWaiting: number;
  readonly #live = new Map<string, { readonly build: Build; readonly stop: AbortController }>();
  readonly #runs = new Map<string, Promise<{ readonly abandoned: boolean }>>();
  readonly #restoreErrors: () => void;
  #state: EngineState = 'running';

  private constructor(options: EngineOptions) {
    this.#options = options;
    this.plugins = new PluginSet(options.plugins);
    this.#maxWaiting = options.maxWaiting ?? 1000;
    this.#workshop = {
      slots: new Slots(options.maxConcurrent ?? 2),
      store: options.store,
      scratch: options.scratch,
      logs: options.logs,
      cache: options.cache,
      timeout: (options.timeout ?? 3600) * 1000,
      grace: (options.grace ?? 10) * 1000,
      log: options.log,
    };
    this.#restoreErrors = catchStrayErrors();
  }

  /** @throws Error when two plugins claim the same name or target, or a directory can't be made */
  static async open(options: EngineOptions): Promise<BuildEngine> {
    await mkdir(options.logs, { recursive: true });
    await mkdir(options.cache, { recursive: true });
    return new BuildEngine(options);
  }

  /** Why no build is taken at present, as one line; undefined when one is. */
  get refusal(): string | undefined {
    if (this.#state !== 'running') return 'the agent is stopping; try again when it is back';
    const waiting = this.#workshop.slots.waiting;
    return waiting < this.#maxWaiting ? undefined : `${waiting} builds are waiting already; try again later`;
  }

  /** Ids of the builds that have not ended. */
  get live(): readonly string[] {
    return [...this.#live.keys()];
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
   * Takes a build on; it is NEW until {@link start}.
   *
   * @throws BuildError as {@link plan}, and `aborted` while there is a {@link refusal}
   */
  create(request: BuildRequest): Build {
    const { refusal } = this;
    if (refusal !== undefined) throw new BuildError('aborted', refusal);
    const { template, descriptor, callerImageUuid } = request;
    const plan = this.plan(template, request.target);
    const secrets = [...templateSecrets(template), ...(request.secrets ?? [])];
    const mask = createScrubber(secrets);
    const { log } = this.#options;
    const id = uuidv4();
    const build = new Build(
      {
        id,
        template,
        plan,
        descriptor: publicDescriptor(descriptor, mask),
        secrets,
        mask,
        ...(callerImageUuid === undefined ? {} : { callerImageUuid: mask(callerImageUuid) }),
      },
      error => log.error(`an observer of build ${id} failed: ${errorLine(error)}`),
    );
    this.#live.set(build.id, { build, stop: new AbortController() });
    return build;
  }

  /** Sets a build going; without effect on one that is going or over. */
  start(build: Build): void {
    const entry = this.#live.get(build.id);
    if (entry === undefined || this.#runs.has(build.id)) return;
    const run = runBuild(build, this.#workshop, entry.stop).finally(() => {
      this.#live.delete(build.id);
      this.#runs.delete(build.id);
    });
    this.#runs.set(build.id, run);
  }

  /** Takes no more builds, ends those that live, and waits for them: at most the grace period and the tidying up. */
  async stop(): Promise<EngineStop> {
    if (this.#state !== 'running') return { aborted: [], abandoned: [] };
    this.#state = 'stopping';
    const reason = new BuildError('aborted', 'the agent was stopped');
    const ended = [...this.#live.values()];
    for (const { build, stop } of ended) {
      stop.abort(reason);
      // One whose caller hasn't been answered yet; it ends like the others.
      this.start(build);
    }
    const ends = await Promise.all(
      ended.map(async ({ build }) => ({ id: build.id, ...(await this.#runs.get(build.id)) })),
    );
    this.#state = 'stopped';
    this.#restoreErrors();
    return {
      aborted: ends.map(({ id }) => id),
      abandoned: ends.filter(({ abandoned }) => abandoned === true).map(({ id }) => id),
    };
  }
}
