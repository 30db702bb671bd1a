import type { BuildLog } from './build-log.js';
import type { ToolRunner } from './runner.js';
import type { Sandboxes } from './sandbox/sandbox.js';
import type { UrlRule } from './urls/url-rule.js';
import type { StageInputs, StageOptions, StageResult } from './stage-cache.js';

/** What a plugin gets for one build. Everything in it belongs to that build alone, except `cache`. */
export interface BuildContext {
  /** Aborted when the build is cancelled, has timed out, or the agent stops. A plugin must reject soon after. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Absolute path of an empty directory; removed by the agent after the build, whatever its end. */
  readonly scratch: string;
  /** Absolute path of a directory that outlives builds and is shared by all of them. Write to it by rename only. */
  readonly cache: string;
  readonly log: BuildLog;
  /** Runs programs of this machine, with the agent's rights. What a template or a package brings is run by {@link sandbox}. */
  readonly run: ToolRunner;
  /** Opens directories and programs of a guest that are kept apart from this machine. */
  readonly sandbox: Sandboxes;
  /** The rule for URLs of templates; a plugin checks each that its build fetches from, before it begins. */
  readonly urls: UrlRule;
  /**
   * Notes something that outlives processes and is not in `scratch`: a mount, a loop device, a machine at a cloud. `what` names it so that a
   * person can find it. At the build's end, however it ends, what is still noted is removed, the latest first, and the build's
   * log and failure tell what was removed and what was left.
   */
  made(what: string, remove: () => Promise<void>): Made;
  /**
   * Makes a file of a stage, or takes the one that an earlier build has made of the same inputs. `make` writes it at the path that it is
   * given. The inputs must name everything that the result depends on, a revision of the code that makes it among it, and no secret.
   */
  stage(
    name: string,
    inputs: StageInputs,
    make: (path: string) => Promise<void>,
    options?: StageOptions,
  ): Promise<StageResult>;
  /**
   * Runs `work` while no other build of this agent does under the same name; for what is shared, such as install media. Rejects with
   * the signal's reason when the build is aborted while it waits.
   */
  exclusive<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Something that a build has made. */
export interface Made {
  /** It stays: it belongs to the result, or is removed already. */
  keep(): void;
  /** Removes it now. Rejects when that fails; it is tried again at the build's end then. */
  remove(): Promise<void>;
}

/** Progress as a tree of named steps; the agent turns it into percent and into the activity line. */
export interface Progress {
  /**
   * Runs `work` as a step. `activity` is a short phrase that completes "Failure encountered while: …", such as
   * `installing packages`. `share` is the part of the parent that this step stands for, above 0 and at most 1.
   */
  step<T>(activity: string, share: number, work: (progress: Progress) => Promise<T>): Promise<T>;
  /** Reports that `fraction` (0 to 1) of this step is done. Going back is ignored. */
  update(fraction: number, message?: string): void;
}
