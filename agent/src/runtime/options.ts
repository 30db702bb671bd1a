import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Plugin, SandboxSettings } from '@imagefactory/plugin-api';
import type { BodyForm, BusConnection, Transport } from '@imagefactory/qmf';
import type { QueueLimits } from '@imagefactory/factory/jobs';
import { type Logger, silentLogger } from '@imagefactory/factory/platform';
import type { SchemaRevision } from '@imagefactory/schema';
import type { AccessList } from '@imagefactory/factory/access';
import type { TemplateSource } from '@imagefactory/factory/templates';
import type { ArchiveOptions } from '@imagefactory/factory/followers';
import type { Repository } from '@imagefactory/factory/warehouse';

/** What an agent is made of. */
export interface AgentOptions {
  /** The bus: a connection, which stays its owner's to close, or a transport, over which the agent keeps one of its own. */
  readonly bus: BusConnection | Transport;
  readonly plugins: readonly Plugin[];
  /** Images, the builds' logs and the agent's own state are kept there. */
  readonly imageDirectory: string;
  /** Scratch directories of builds are made below it; default: the system's temporary directory. */
  readonly temporaryDirectory?: string;
  /** What plugins keep between builds; default `cache` in the image directory. */
  readonly cacheDirectory?: string;
  /** Bytes that the results of stages may take there; what was not used for longest goes first. Default 10 GiB. */
  readonly cacheLimit?: number;
  /** Take results of stages from earlier builds, and keep them for later ones; default true. */
  readonly useCache?: boolean;
  /** Where stored templates are looked up by uuid, before the warehouse and the agent's own ones; default: nowhere. */
  readonly templates?: TemplateSource;
  /**
   * Where templates, images, builds and what comes of them are stored, beside the image directory, which counts; templates are looked up there too,
   * and target images that are to be pushed and are not here. Default: nowhere.
   */
  readonly warehouse?: Repository;
  /** When the warehouse is tried again, in milliseconds; for tests. */
  readonly warehousePauses?: ArchiveOptions['courier'];
  /** Fetch templates, and let builds fetch, from private addresses too; default false. */
  readonly allowPrivateAddresses?: boolean;
  /** Seconds that a build may take, from the moment it has its slot; default 3600. */
  readonly timeout?: number;
  /** Seconds without output after which an outside tool counts as stuck; default 900, 0 for never. */
  readonly toolSilence?: number;
  /** Seconds that a plugin has to stop when told to, before it is left behind; default 10. */
  readonly grace?: number;
  /** Seconds that running calls have to end, and the last messages to reach the broker, when the agent stops; default 5. */
  readonly settleTime?: number;
  /** Ids, limits and network of what templates bring; default: ids of `/etc/subuid`, usual limits, no network for commands. */
  readonly sandbox?: SandboxSettings;
  /** Builds at the same time on this machine; default 2. */
  readonly maxConcurrent?: number;
  /** Jobs at the same time by other resources, such as `ec2`; default 4 each. */
  readonly maxConcurrentAt?: Readonly<Record<string, number>>;
  /** Bytes that builds leave free on each file system, beside what they are expected to need; default 256 MiB. */
  readonly minFree?: number;
  /** Builds that may wait for a slot; default 1000. */
  readonly maxWaiting?: number;
  /** Seconds for which the adaptors of finished builds stay on the bus; default a day. */
  readonly keepFinished?: number;
  /** Number of such adaptors; default 1000. */
  readonly keepFinishedCount?: number;
  /** Records of images that failed, which are kept in the image directory; those that failed first go. Default 1000. */
  readonly keepFailedImages?: number;
  /**
   * Days for which the catalogue keeps what is on record of images that were deleted, or have failed; default 30, 0 for ever. What others that stay
   * are made from stays too.
   */
  readonly keepRecords?: number;
  /** Seconds between heartbeats; default 30. */
  readonly interval?: number;
  /** Which revision of the seed's classes consoles are told of; every method is answered in any case. Default `2011`. */
  readonly schemaRevision?: SchemaRevision;
  /** Who may call what; default: everybody everything. */
  readonly access?: AccessList;
  /** Go by `access` where the broker does not vouch for user ids too; default false: every call is refused there. */
  readonly acceptUnverifiedUsers?: boolean;
  /** Directory of `rhevm.json` and `vsphere.json`, where providers are defined; default `/etc/imagefactory`. */
  readonly providerDirectory?: string;
  /** QMF domain; default `default`. */
  readonly domain?: string;
  /** Answer only to consoles' own keys on the topic exchange; default false. */
  readonly strictSecurity?: boolean;
  /** Forces the form of broadcasts. */
  readonly bodyForm?: BodyForm;
  readonly log?: Logger;
}

export interface AgentSettings {
  readonly imageDirectory: string;
  readonly temporaryDirectory: string;
  readonly cacheDirectory: string;
  readonly cacheLimit: number;
  readonly useCache: boolean;
  readonly timeout: number;
  readonly toolSilence: number;
  readonly grace: number;
  readonly settleTime: number;
  readonly sandbox: SandboxSettings;
  readonly limits: QueueLimits;
  readonly minFree: number;
  readonly maxWaiting: number;
  readonly keepFinished: number;
  readonly keepFinishedCount: number;
  readonly keepFailedImages: number;
  readonly keepRecords: number;
  readonly interval: number;
  readonly log: Logger;
}

/** The longest timer of Node.js, in seconds. */
const longestTimer = 2_147_483;

/** @throws RangeError that names the option, what it is and what it may be */
export function agentSettings(options: AgentOptions): AgentSettings {
  const imageDirectory = resolve(options.imageDirectory);
  return {
    imageDirectory,
    temporaryDirectory: resolve(options.temporaryDirectory ?? tmpdir()),
    cacheDirectory: resolve(options.cacheDirectory ?? join(imageDirectory, 'cache')),
    cacheLimit: whole('cacheLimit', options.cacheLimit ?? 10 * 1024 ** 3, 0),
    useCache: options.useCache ?? true,
    timeout: within('timeout', options.timeout ?? 3600, Number.MIN_VALUE, longestTimer),
    toolSilence: within('toolSilence', options.toolSilence ?? 900, 0, longestTimer),
    grace: within('grace', options.grace ?? 10, 0, longestTimer),
    settleTime: within('settleTime', options.settleTime ?? 5, 0, longestTimer),
    sandbox: { ...options.sandbox, allowPrivateAddresses: options.allowPrivateAddresses === true },
    limits: limitsOf(options),
    minFree: whole('minFree', options.minFree ?? 256 * 1024 * 1024, 0),
    maxWaiting: whole('maxWaiting', options.maxWaiting ?? 1000, 0),
    keepFinished: within('keepFinished', options.keepFinished ?? 86_400, 0, Number.MAX_SAFE_INTEGER),
    keepFinishedCount: whole('keepFinishedCount', options.keepFinishedCount ?? 1000, 0),
    keepFailedImages: whole('keepFailedImages', options.keepFailedImages ?? 1000, 0),
    keepRecords: whole('keepRecords', options.keepRecords ?? 30, 0),
    interval: whole('interval', options.interval ?? 30, 1),
    log: options.log ?? silentLogger,
  };
}

function limitsOf({ maxConcurrent = 2, maxConcurrentAt = {} }: AgentOptions): QueueLimits {
  const others: Record<string, number> = {};
  for (const [name, limit] of Object.entries(maxConcurrentAt)) {
    others[name] = whole(`maxConcurrentAt.${name}`, limit, 1);
  }
  return { ...others, local: whole('maxConcurrent', maxConcurrent, 1) };
}

function within(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  const from = least === Number.MIN_VALUE ? 'above 0' : `from ${least}`;
  throw new RangeError(`${name}: ${value} given, seconds ${from} to ${most} are expected`);
}

function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`${name}: ${value} given, a whole number from ${least} is expected`);
}
