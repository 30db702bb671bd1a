import { join } from 'node:path';
import { type SandboxSettings, type SpaceEstimate, StageCache } from '@imagefactory/plugin-api';
import type { ScratchArea } from '../platform/files/scratch-area.js';
import type { ImageStore } from '../images/index.js';
import { errorLine, type Logger } from '../platform/log/index.js';
import type { Archive } from './archive.js';
import { type BuildOrder, jobWord, type JobWork } from './build.js';
import { type BuildLogFile, createBuildLog } from './build-log.js';
import type { EngineOptions } from './engine-options.js';
import type { JobRecords } from './record/job-records.js';
import { NamedLocks } from './resources/locks.js';
import { Queues } from './resources/queues.js';
import { DiskSpace, type SpaceNeed } from './resources/space.js';

/** What all builds of an agent share. */
export interface Workshop {
  readonly queues: Queues;
  readonly space: DiskSpace;
  readonly locks: NamedLocks;
  readonly jobs: JobRecords;
  readonly store: ImageStore;
  /** Absent where images are put on record nowhere. */
  readonly archive: Archive | undefined;
  readonly scratch: ScratchArea;
  /** Directory of the images and of the builds' logs. */
  readonly logs: string;
  /** Directory that plugins keep things in between builds. */
  readonly cache: string;
  readonly stages: StageCache;
  readonly sandbox: SandboxSettings;
  /** Milliseconds that a build may take, from the moment it has its slot. */
  readonly timeout: number;
  /** Seconds that an outside tool may say nothing; 0 for ever. */
  readonly toolSilence: number;
  /** Milliseconds that a plugin has to stop when told to. */
  readonly grace: number;
  readonly log: Logger;
}

/** @throws RangeError for limits that cannot be */
export function openWorkshop(options: EngineOptions, jobs: JobRecords): Workshop {
  const { cache, cacheLimit, log, logs, scratch, store } = options;
  return {
    ...{ cache, log, logs, scratch, store },
    archive: options.archive,
    queues: new Queues(options.limits ?? {}),
    space: new DiskSpace(options.minFree ?? 0),
    locks: new NamedLocks(),
    jobs,
    stages: new StageCache({
      directory: join(cache, 'stages'),
      enabled: options.useCache ?? true,
      ...(cacheLimit === undefined ? {} : { limit: cacheLimit }),
    }),
    sandbox: options.sandbox ?? {},
    timeout: (options.timeout ?? 3600) * 1000,
    toolSilence: options.toolSilence ?? 0,
    grace: (options.grace ?? 10) * 1000,
  };
}

export function logOf(
  workshop: Workshop,
  order: Pick<BuildOrder, 'id' | 'mask' | 'push'>,
  begun?: { readonly lines: number; readonly cutShort: boolean },
): BuildLogFile {
  const { id, mask } = order;
  return createBuildLog(join(workshop.logs, `${id}.log`), {
    mask,
    onError: error =>
      workshop.log.warn(`${jobWord(order)} ${id} goes on without its log: ${errorLine(error)}`),
    ...(begun === undefined ? {} : { begun }),
  });
}

/** What a build will take on disks, as its plugins estimate it. */
export function spaceNeeds({ scratch, logs }: Workshop, work: JobWork): readonly SpaceNeed[] {
  if (work.kind === 'push') return [];
  const { plan, template } = work;
  const estimates = [plan.os.space?.(template), plan.cloud.space?.(template)];
  const sum = (part: keyof SpaceEstimate): number =>
    estimates.reduce((bytes, estimate) => bytes + (estimate?.[part] ?? 0), 0);
  return [
    { directory: scratch.parent, bytes: sum('scratch') },
    { directory: logs, bytes: sum('image') },
  ].filter(({ bytes }) => bytes > 0);
}
