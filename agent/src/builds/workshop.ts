import { join } from 'node:path';
import type { SpaceEstimate, StageCache } from '@imagefactory/plugin-api';
import type { ScratchArea } from '../files/scratch-area.js';
import type { ImageStore } from '../images/index.js';
import { errorLine, type Logger } from '../log/index.js';
import type { JobWork } from './build.js';
import { type BuildLogFile, createBuildLog } from './build-log.js';
import type { JobJournal } from './journal/journal.js';
import type { OrderFiles } from './journal/order-files.js';
import type { JournalRecord } from './journal/records.js';
import type { NamedLocks } from './resources/locks.js';
import type { Queues } from './resources/queues.js';
import type { DiskSpace, SpaceNeed } from './resources/space.js';

/** What all builds of an agent share. */
export interface Workshop {
  readonly queues: Queues;
  readonly space: DiskSpace;
  readonly locks: NamedLocks;
  readonly journal: JobJournal;
  /** Absent where there is no journal. */
  readonly orders: OrderFiles | undefined;
  readonly store: ImageStore;
  readonly scratch: ScratchArea;
  /** Directory of the images and of the builds' logs. */
  readonly logs: string;
  /** Directory that plugins keep things in between builds. */
  readonly cache: string;
  readonly stages: StageCache;
  /** Milliseconds that a build may take, from the moment it has its slot. */
  readonly timeout: number;
  /** Seconds that an outside tool may say nothing; 0 for ever. */
  readonly toolSilence: number;
  /** Milliseconds that a plugin has to stop when told to. */
  readonly grace: number;
  readonly log: Logger;
}

/** Notes something; what cannot be noted costs no build, but is said. */
export function note({ journal, log }: Workshop, record: JournalRecord): void {
  try {
    journal.append(record);
  } catch (error) {
    log.error(
      `the journal of the jobs cannot be written: ${errorLine(error)}; make room, or restarts will not know build ${record.id}`,
    );
  }
}

/** As {@link note}, and waits until it survives a power cut. */
export async function noteForGood(workshop: Workshop, record: JournalRecord): Promise<void> {
  note(workshop, record);
  await workshop.journal
    .synced()
    .catch((error: unknown) =>
      workshop.log.error(`the journal of the jobs cannot be made safe: ${errorLine(error)}`),
    );
}

export function logOf(
  workshop: Workshop,
  id: string,
  mask: (text: string) => string,
  begun?: { readonly lines: number; readonly cutShort: boolean },
): BuildLogFile {
  return createBuildLog(join(workshop.logs, `${id}.log`), {
    mask,
    onError: error => workshop.log.warn(`build ${id} goes on without its log: ${errorLine(error)}`),
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
