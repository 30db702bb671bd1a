import { BuildError } from '@imagefactory/plugin-api';
import { killGroup, type Leftover } from '../leftovers/index.js';
import { errorLine } from '../log/index.js';
import type { Build } from './build.js';
import { failureOf } from './failure.js';
import type { ImageRecords } from './image-records.js';
import { JobNotes } from './journal/notes.js';
import type { JournalJob } from './journal/records.js';
import type { BuildState } from './status.js';
import type { Workshop } from './workshop.js';

/** A build of an earlier run of the agent. */
export interface RecoveredBuild {
  readonly build: Build;
  /**
   * `ended` then already, `waiting` for its turn, which it keeps, or `interrupted` in the middle of its work by the end of the agent.
   */
  readonly kind: 'ended' | 'waiting' | 'interrupted';
  /** Whether its end is known to have reached the broker. */
  readonly told: boolean;
  /** When it ended, in milliseconds since 1970. */
  readonly endedAt: number | undefined;
}

/** How a build of an earlier run is to be taken up. */
export function kindOf({ ended, status }: JournalJob): RecoveredBuild['kind'] {
  if (ended !== undefined) return 'ended';
  return status === 'NEW' || status === 'INITIALIZING' || status === 'PENDING' ? 'waiting' : 'interrupted';
}

/** Where a build stood when the agent died. */
export function stateOf({ ended, status }: JournalJob): BuildState {
  if (ended !== undefined) return ended.end;
  // The ends carry more than a word; a journal that has one without its record is a build that was about to end.
  return status === 'COMPLETED' || status === 'FAILED' ? { status: 'FINISHING' } : { status };
}

/** A build whose agent died in the middle of it. */
export interface InterruptedBuild {
  readonly build: Build;
  readonly job: JournalJob;
  readonly records: ImageRecords;
  /** What the dead run had left on this machine. */
  readonly found: readonly Leftover[];
  readonly workshop: Workshop;
}

/**
 * Ends a build whose agent died in the middle of it: COMPLETED when its image is complete in the store, else FAILED with what was
 * found of it and removed.
 */
export async function endInterrupted({
  build,
  job,
  records,
  found,
  workshop,
}: InterruptedBuild): Promise<void> {
  const { id, log } = build;
  const notes = new JobNotes(id, workshop);
  const groups: Leftover[] = [];
  for (const mark of job.groups.values()) {
    const killed = await killGroup(mark).catch((error: unknown) => ({
      what: `process group ${mark.pid}`,
      why: errorLine(error),
    }));
    if (killed !== undefined) groups.push(killed);
    notes.groupGone(mark.pid);
  }
  const image = await workshop.store.get(id).catch(() => undefined);
  if (image !== undefined && build.state.status === 'FINISHING') {
    const { path, size, format, sha256 } = image;
    log.info(`the agent was killed after the image had been stored as ${path}`);
    await records.completed();
    await log.flush();
    const end = { status: 'COMPLETED' as const, image: { path, size, format, sha256 } };
    await notes.end(end, 100);
    build.enter(end);
    workshop.log.notice(`build ${id} completed before the agent was restarted: ${path}`);
    return;
  }
  const mine = [...groups, ...found.filter(({ what }) => what.includes(id))];
  const unknown = [...job.made].filter(
    what => !mine.some(one => one.what === what) && !what.includes(`/${id}`),
  );
  const cleanup = {
    removed: mine.flatMap(({ what, why }) => (why === undefined ? [what] : [])),
    left: [
      ...mine.flatMap(({ what, why }) => (why === undefined ? [] : [`${what} (${why})`])),
      ...unknown.map(what => `${what} (the agent died before it could be removed)`),
    ],
  };
  const error = new BuildError(
    'agent_restarted',
    'the agent was killed meanwhile and has been restarted; build again',
  );
  const activity = build.state.status === 'FINISHING' ? 'storing the image' : 'making the image';
  const failure = failureOf({ error, activity, mask: build.order.mask, recent: log.recent, cleanup });
  for (const what of cleanup.removed) log.info(`removed: ${what}`);
  for (const what of cleanup.left) log.error(`left: ${what}`);
  log.error(failure.info);
  await log.flush();
  await records.failed(activity, failure.info);
  await notes.end({ status: 'FAILED', failure }, build.percent);
  build.describe({ activity, error: failure.info });
  build.enter({ status: 'FAILED', failure });
  const left = cleanup.left.length === 0 ? '' : `; left behind: ${cleanup.left.join('; ')}`;
  workshop.log.warn(`build ${id} failed (${failure.code}): ${failure.info}${left}`);
}
