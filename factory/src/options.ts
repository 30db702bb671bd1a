import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Plugin, SandboxSettings } from '@imagefactory/plugin-api';
import type { UploaderPauses } from './followers/index.js';
import type { QueueLimits } from './jobs/index.js';
import { type Logger, silentLogger } from './platform/index.js';
import type { TemplateSource } from './templates/index.js';
import type { Repository } from './warehouse/index.js';

export interface FactoryOptions {
  /** Images, the jobs' logs and the store are kept there. One process at a time has it open. */
  readonly directory: string;
  readonly plugins: readonly Plugin[];
  /** Scratch directories of jobs are made below it; default: the system's temporary directory. */
  readonly temporaryDirectory?: string;
  /** What plugins keep between jobs; default `cache` in the directory. */
  readonly cacheDirectory?: string;
  /** Bytes that the results of stages may take there; the least recently used go first. Default 10 GiB. */
  readonly cacheLimit?: number;
  /** Take results of stages from earlier jobs, and keep them for later ones; default true. */
  readonly useCache?: boolean;
  /** Where stored templates are looked up by uuid, before the warehouse and the factory's own ones; default: nowhere. */
  readonly templates?: TemplateSource;
  /**
   * Where templates, images, builds and what comes of them are stored, beside the directory, which counts; templates are looked up there too,
   * and target images that are to be pushed and are not here. Default: nowhere.
   */
  readonly warehouse?: Repository;
  /** When the warehouse is tried again, in milliseconds; for tests. */
  readonly warehousePauses?: UploaderPauses;
  /** Fetch templates, and let jobs fetch, from private addresses too; default false. */
  readonly allowPrivateAddresses?: boolean;
  /** Seconds that a job may take, from the moment it has its slot; default 3600. */
  readonly timeout?: number;
  /** Seconds without output after which an outside tool counts as stuck; default 900, 0 for never. */
  readonly toolSilence?: number;
  /** Seconds that a plugin has to stop when told to, before it is left behind; default 10. */
  readonly grace?: number;
  /** Ids, limits and network of what templates bring; default: ids of `/etc/subuid`, usual limits, no network for commands. */
  readonly sandbox?: SandboxSettings;
  /** Jobs at the same time on this machine; default 2. */
  readonly maxConcurrent?: number;
  /** Jobs at the same time by other resources, such as `ec2`; default 4 each. */
  readonly maxConcurrentAt?: Readonly<Record<string, number>>;
  /** Bytes that jobs leave free on each file system, beside what they are expected to need; default 256 MiB. */
  readonly minFree?: number;
  /** Jobs that may wait for a slot; default 1000. */
  readonly maxWaiting?: number;
  /** Records of images that failed, which are kept in the directory; those that failed first go. Default 1000. */
  readonly keepFailedImages?: number;
  /**
   * Days for which the catalogue keeps what is on record of images that were deleted, or have failed; default 30, 0 for ever. What others that stay
   * are made from stays too.
   */
  readonly keepRecords?: number;
  /** Directory of `rhevm.json` and `vsphere.json`, where providers are defined; default `/etc/imagefactory`. */
  readonly providerDirectory?: string;
  readonly log?: Logger;
}

export interface FactorySettings {
  readonly directory: string;
  readonly temporaryDirectory: string;
  readonly cacheDirectory: string;
  readonly cacheLimit: number;
  readonly useCache: boolean;
  readonly timeout: number;
  readonly toolSilence: number;
  readonly grace: number;
  readonly sandbox: SandboxSettings;
  readonly limits: QueueLimits;
  readonly minFree: number;
  readonly maxWaiting: number;
  readonly keepFailedImages: number;
  readonly keepRecords: number;
  readonly providerDirectory: string;
  readonly log: Logger;
}

/** The longest timer of Node.js, in seconds. */
export const longestTimer = 2_147_483;

/** @throws RangeError that names the option, its value and the range */
export function factorySettings(options: FactoryOptions): FactorySettings {
  const directory = resolve(options.directory);
  return {
    directory,
    temporaryDirectory: resolve(options.temporaryDirectory ?? tmpdir()),
    cacheDirectory: resolve(options.cacheDirectory ?? join(directory, 'cache')),
    cacheLimit: whole('cacheLimit', options.cacheLimit ?? 10 * 1024 ** 3, 0),
    useCache: options.useCache ?? true,
    timeout: within('timeout', options.timeout ?? 3600, Number.MIN_VALUE, longestTimer),
    toolSilence: within('toolSilence', options.toolSilence ?? 900, 0, longestTimer),
    grace: within('grace', options.grace ?? 10, 0, longestTimer),
    sandbox: { ...options.sandbox, allowPrivateAddresses: options.allowPrivateAddresses === true },
    limits: limitsOf(options),
    minFree: whole('minFree', options.minFree ?? 256 * 1024 * 1024, 0),
    maxWaiting: whole('maxWaiting', options.maxWaiting ?? 1000, 0),
    keepFailedImages: whole('keepFailedImages', options.keepFailedImages ?? 1000, 0),
    keepRecords: whole('keepRecords', options.keepRecords ?? 30, 0),
    providerDirectory: options.providerDirectory ?? '/etc/imagefactory',
    log: options.log ?? silentLogger,
  };
}

function limitsOf({ maxConcurrent = 2, maxConcurrentAt = {} }: FactoryOptions): QueueLimits {
  const others: Record<string, number> = {};
  for (const [name, limit] of Object.entries(maxConcurrentAt)) {
    others[name] = whole(`maxConcurrentAt.${name}`, limit, 1);
  }
  return { ...others, local: whole('maxConcurrent', maxConcurrent, 1) };
}

/** A number of seconds. @throws RangeError */
export function within(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  const from = least === Number.MIN_VALUE ? 'above 0' : `from ${least}`;
  throw new RangeError(`${name}: ${value} given, seconds ${from} to ${most} are expected`);
}

/** @throws RangeError */
export function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`${name}: ${value} given, a whole number from ${least} is expected`);
}
