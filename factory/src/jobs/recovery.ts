import { BuildError } from '@imagefactory/plugin-api';
import { killGroup, type Leftover } from '../platform/leftovers/index.js';
import { errorLine } from '../platform/log/index.js';
import { type Build, jobWord, type RecordFacts } from './build.js';
import { failureOf } from './failure.js';
import type { ImageRecords } from './image-records.js';
import type { JobOnRecord } from './record/job-form.js';
import { JobNotes } from './record/job-notes.js';
import { ProgressTree } from './progress-tree.js';
import { told } from './storing.js';
import { type BuildState, type BuildStatus, type Cleanup, isWaiting } from './status.js';
import type { Workshop } from './workshop.js';

/** A build that is interrupted so often is not begun any more: it may be what ends the agent. */
const interruptionLimit = 3;

/** A build of an earlier run of the agent. */
export interface RecoveredBuild {
  readonly build: Build;
  /**
   * `ended` then already; `waiting` for its turn, which it keeps; `resumed`, so at work and begun once more; or `interrupted` in the middle
   * of its work by the end of the agent.
   */
  readonly kind: 'ended' | 'waiting' | 'resumed' | 'interrupted';
  /** Whether its end is known to have reached the broker. */
  readonly told: boolean;
  /** Sequence of the event of its latest status. */
  readonly sequence: number;
  /** Whether it was that of another agent, which is dead: its address is nobody's. */
  readonly adopted: boolean;
  /** What the catalogue was told of it. */
  readonly record: RecordFacts | undefined;
  /** When it ended, in milliseconds since 1970. */
  readonly endedAt: number | undefined;
}

/** How a build of an earlier run is to be taken up. */
export function kindOf(job: JobOnRecord): RecoveredBuild['kind'] {
  if (job.ended !== undefined) return 'ended';
  if (job.adopted) return 'interrupted';
  if (isWaiting(job.status)) return 'waiting';
  return job.resumable && interruptions(job) < interruptionLimit ? 'resumed' : 'interrupted';
}

/** How often the death of the agent has interrupted a job that was at work; a stop in order is none. */
function interruptions({ postponed, resumed }: JobOnRecord): number {
  return postponed ? resumed : resumed + 1;
}

/** Where a build stood when the agent died. */
export function stateOf({ ended, status }: JobOnRecord): BuildState {
  if (ended !== undefined) return ended.end;
  return status === 'COMPLETED' || status === 'FAILED' ? { status: 'FINISHING' } : { status };
}

/** A build whose agent died in the middle of it. */
export interface InterruptedBuild {
  readonly build: Build;
  readonly job: JobOnRecord;
  readonly records: ImageRecords;
  /** What the dead run had left on this machine. */
  readonly found: readonly Leftover[];
  readonly workshop: Workshop;
  /** Aborted when its owner wants it to come to its end; its timeout does that too. */
  readonly stop: AbortController;
}

/**
 * Ends a build whose agent died in the middle of it: COMPLETED when its image is complete in the store, else FAILED with what was
 * found of it and removed.
 */
export async function endInterrupted(interrupted: InterruptedBuild): Promise<void> {
  const cleanup = await cleanUp(interrupted);
  if (!(await completeStored(interrupted))) await fail(interrupted, cleanup);
}

/**
 * Prepares a build whose agent died in the middle of it for being begun once more.
 *
 * @returns false when it is over instead: COMPLETED as its image is complete in the store, or FAILED as something of it is left
 */
export async function prepareAgain(interrupted: InterruptedBuild): Promise<boolean> {
  const { build, job, workshop } = interrupted;
  const cleanup = await cleanUp(interrupted);
  if (await completeStored(interrupted)) return false;
  if (cleanup.left.length > 0) {
    await fail(interrupted, cleanup);
    return false;
  }
  const notes = new JobNotes(build.id, workshop.jobs);
  const how = job.postponed ? 'stopped' : 'killed';
  const times = interruptions(job);
  const count = job.postponed ? '' : ` (${times})`;
  notes.resumed(times);
  for (const what of job.made) notes.unmade(what);
  tellCleanup(build, cleanup);
  const activity = 'beginning once more, as the agent was restarted';
  build.log.warn(`the agent was ${how} meanwhile and has been restarted${count}; ${activity}`);
  build.describe({ activity, error: null });
  if (build.state.status === 'FINISHING') {
    build.enter({ status: 'BUILDING' }, notes.status('BUILDING', build.percent));
  }
  workshop.log.notice(`${build.title} is begun once more after a restart${count}`);
  return true;
}

/** Ends what is left of a build, and says what had been found of it and what is left. */
async function cleanUp({ build, found, job, workshop }: InterruptedBuild): Promise<Cleanup> {
  const { id } = build;
  const notes = new JobNotes(id, workshop.jobs);
  const groups: Leftover[] = [];
  for (const mark of job.groups) {
    const killed = await killGroup(mark).catch((error: unknown) => ({
      what: `process group ${mark.pid}`,
      why: errorLine(error),
    }));
    if (killed !== undefined) groups.push(killed);
    notes.groupGone(mark.pid);
  }
  const mine = [...groups, ...found.filter(({ what }) => what.includes(id))];
  const unknown = job.made.filter(what => !mine.some(one => one.what === what) && !what.includes(`/${id}`));
  return {
    removed: mine.flatMap(({ what, why }) => (why === undefined ? [what] : [])),
    left: [
      ...mine.flatMap(({ what, why }) => (why === undefined ? [] : [`${what} (${why})`])),
      ...unknown.map(what => `${what} (the agent died before it could be removed)`),
    ],
  };
}

function tellCleanup({ log }: Build, { removed, left }: Cleanup): void {
  for (const what of removed) log.info(`removed: ${what}`);
  for (const what of left) log.error(`left: ${what}`);
}

/** Completes a build whose image had been stored already; false when it is not. */
async function completeStored({ build, records, stop, workshop }: InterruptedBuild): Promise<boolean> {
  const { id, log } = build;
  const stored =
    build.state.status === 'FINISHING' ? await workshop.store.get(id).catch(() => undefined) : undefined;
  if (stored === undefined) return false;
  const image = told(stored);
  log.info(`the agent was killed after the image had been stored as ${image.path}`);
  const changes = await records.completed(image);
  const { root: progress } = new ProgressTree({
    percent: () => undefined,
    activity: activity => log.info(activity),
  });
  const { archive, timeout } = workshop;
  const timer = setTimeout(() => {
    stop.abort(
      new BuildError('timeout', `the ${jobWord(build.order)} was not done within ${timeout / 1000} s`),
    );
  }, timeout);
  if (archive !== undefined) {
    await workshop.jobs.completed(id, image, changes);
    await archive.keep({ order: build.order, image, log, progress, signal: stop.signal });
  }
  clearTimeout(timer);
  await log.flush();
  const end = { status: 'COMPLETED' as const, image };
  const recorded = new JobNotes(id, workshop.jobs).end(end, 100, archive === undefined ? changes : []);
  await recorded;
  build.enter(end, recorded);
  workshop.log.notice(`${build.title} completed before the agent was restarted: ${image.path}`);
  return true;
}

async function fail({ build, job, records, workshop }: InterruptedBuild, cleanup: Cleanup): Promise<void> {
  const { id, log } = build;
  const times = interruptions(job);
  const often = times < 2 ? '' : `, ${times} times,`;
  const why = job.adopted
    ? 'its agent was killed, and no other one can go on with it'
    : `the agent was killed meanwhile${often} and has been restarted`;
  const error = new BuildError('agent_restarted', `${why}; ${jobWord(build.order)} again`);
  const activity = activityOf(build.state.status);
  const failure = failureOf({ error, activity, mask: build.order.mask, recent: log.recent, cleanup });
  tellCleanup(build, cleanup);
  log.error(failure.info);
  await log.flush();
  const changes = await records.failed(activity, failure.info);
  const notes = new JobNotes(id, workshop.jobs);
  const recorded = notes.end({ status: 'FAILED', failure }, build.percent, changes);
  await recorded;
  build.describe({ activity, error: failure.info });
  build.enter({ status: 'FAILED', failure }, recorded);
  const left = cleanup.left.length === 0 ? '' : `; left behind: ${cleanup.left.join('; ')}`;
  workshop.log.warn(`${build.title} failed (${failure.code}): ${failure.info}${left}`);
}

/** What was being done when the agent died, as far as that is known. */
function activityOf(status: BuildStatus): string {
  if (isWaiting(status)) return 'waiting for its turn';
  if (status === 'PUSHING') return 'taking the image to the provider';
  return status === 'FINISHING' ? 'storing the image' : 'making the image';
}
