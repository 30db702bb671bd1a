import type { Credentials, Plugin, Provider, SandboxSettings, Template } from '@imagefactory/plugin-api';
import type { ScratchArea } from '../platform/files/scratch-area.js';
import type { ImageStore, StoredImage } from '../images/index.js';
import type { Leftover } from '../platform/leftovers/index.js';
import type { Logger } from '../platform/log/index.js';
import type { Archive } from './archive.js';
import type { RemoteImage } from './build.js';
import type { JobOnRecord } from './record/job-form.js';
import type { JobRecords } from './record/job-records.js';
import type { QueueLimits } from './resources/queues.js';

export interface EngineOptions {
  readonly plugins: readonly Plugin[];
  readonly store: ImageStore;
  /** Puts finished images on record; default: nobody does. */
  readonly archive?: Archive;
  readonly scratch: ScratchArea;
  /** Directory of the images and of the builds' logs, `<build id>.log`. */
  readonly logs: string;
  /** Directory that plugins keep things in between builds. */
  readonly cache: string;
  /** Bytes that the results of stages may take there; default: as many as there are. */
  readonly cacheLimit?: number;
  /** Whether results of earlier builds are used; default true. */
  readonly useCache?: boolean;
  /** Seconds that a build may take, from the moment it has its slot; default 3600. */
  readonly timeout?: number;
  /** Seconds that an outside tool may say nothing; default 0, for ever. */
  readonly toolSilence?: number;
  /** Seconds that a plugin has to stop when told to, before it is left behind; default 10. */
  readonly grace?: number;
  /** Builds at the same time, by the resource that they use; default 2 for `local`, 4 for any other. */
  readonly limits?: QueueLimits;
  /** Builds that may wait for a slot; default 1000. */
  readonly maxWaiting?: number;
  /** Bytes that builds leave free on each file system; default 0. */
  readonly minFree?: number;
  /** The operator's choices for sandboxes. */
  readonly sandbox?: SandboxSettings;
  /** What survives the end of the process; default: nothing does. */
  readonly record?: EngineRecord;
  readonly log: Logger;
}

/** The record of an engine's builds, and how to continue those of an earlier run. */
export interface EngineRecord {
  readonly jobs: JobRecords;
  /** The builds of earlier runs. */
  readonly earlier: readonly JobOnRecord[];
  /** Number of this start of the agent. */
  readonly epoch: number;
  /** Reads a descriptor again; the secrets are those that came with the template and aren't in it. */
  readonly load: (descriptor: string) => Promise<Pick<BuildRequest, 'template' | 'secrets'>>;
  /** What the run before had left on this machine. */
  readonly found: readonly Leftover[];
}

/** What an agent is asked to build. */
export interface BuildRequest {
  /** TDL text, from which `template` was parsed. */
  readonly descriptor: string;
  /** The same without passwords, where it has been made already: for a long text that takes tenths of a second. */
  readonly shown?: string;
  readonly template: Template;
  /** Secrets that came with the template and aren't in it. */
  readonly secrets?: readonly string[];
  readonly target: string;
  /** Kept in the image's metadata, and used for nothing. */
  readonly callerImageUuid?: string;
}

/** What an agent is asked to take to a provider. */
export interface PushRequest {
  readonly target: string;
  /** The target image. */
  readonly image: StoredImage | RemoteImage;
  readonly provider: Provider;
  readonly credentials: Credentials;
  /** Everything in the credentials and in the provider's definition that must not be shown. */
  readonly secrets: readonly string[];
}

/** What became of the builds when the engine stopped. */
export interface EngineStop {
  /** Ids of the builds that were ended. */
  readonly aborted: readonly string[];
  /** Ids of those whose plugin didn't heed the signal and was left running. */
  readonly abandoned: readonly string[];
  /** Ids of those that the next start goes on with: they waited, or can be begun once more. */
  readonly postponed: readonly string[];
}
