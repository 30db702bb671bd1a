import type { Job, JobError, JobState, JobStatus, JsonObject, NewJob } from '../../store/index.js';
import { type BuildErrorCode, failureType } from '@imagefactory/plugin-api';
import type { EndFacts } from '../../images/index.js';
import type { BuildOrder, RecordFacts } from '../build.js';
import type { BuildFailure, BuildStatus, FinishedImage } from '../status.js';

/** How a job has ended. */
export type JobEnd =
  | { readonly status: 'COMPLETED'; readonly image: FinishedImage }
  | { readonly status: 'FAILED'; readonly failure: BuildFailure };

/** A process group that a job has started. */
export interface GroupMark {
  readonly pid: number;
  /** Boot of the machine and start of the process, by which a later process with the same id is told from it. */
  readonly started: string;
}

/** A job as it is put on record when it is accepted. */
export interface AcceptedJob {
  readonly order: Omit<BuildOrder, 'mask'>;
  /** Whether it may be begun once more when it was interrupted. */
  readonly resumable: boolean;
  /** What the catalogue was told of it; absent for those of earlier versions. */
  readonly record?: RecordFacts | undefined;
  /** Whether it was that of another agent of this directory, which is dead; there were several under earlier versions. */
  readonly adopted?: boolean;
}

/** What is on record of a job that an earlier run of the agent has accepted. */
export interface JobOnRecord extends Required<AcceptedJob> {
  /** Whether the template has passwords, which are kept in a file of their own while the job needs them. */
  readonly secret: boolean;
  /** How often it was begun once more after the death of the agent. */
  readonly resumed: number;
  /** Whether the agent was stopped in order since it was begun, and has left it to the next start. */
  readonly postponed: boolean;
  readonly status: BuildStatus;
  readonly percent: number;
  readonly groups: readonly GroupMark[];
  /** What it has made that outlives a process: as its undo stack names it. */
  readonly made: readonly string[];
  /** Since when it is over, in milliseconds since 1970. */
  readonly ended: { readonly end: JobEnd; readonly at: number } | undefined;
  /** Whether its end has reached the broker. */
  readonly told: boolean;
  /** Sequence of the event of its latest status. */
  readonly sequence: number;
}

/** What the bus keeps with a job. */
interface Door {
  readonly epoch: number;
  readonly callerImageUuid?: string;
  readonly targetImage?: string;
  readonly record?: RecordFacts;
  readonly adopted?: true;
}

/** The statuses of the QMF API of 2011 in the words of the store. A push is `PUSHING` where a build is `BUILDING`. */
const statuses: Readonly<Record<BuildStatus, JobStatus>> = {
  NEW: 'new',
  INITIALIZING: 'preparing',
  PENDING: 'queued',
  BUILDING: 'running',
  PUSHING: 'running',
  FINISHING: 'finishing',
  COMPLETED: 'completed',
  FAILED: 'failed',
};

export function jobStatus(status: BuildStatus): JobStatus {
  return statuses[status];
}

/** A job's status in the words of the QMF API of 2011. */
export function buildStatus({ kind, status }: Pick<Job, 'kind' | 'status'>): BuildStatus {
  if (status === 'running') return kind === 'provider' ? 'PUSHING' : 'BUILDING';
  const words = Object.keys(statuses) as BuildStatus[]; // of a Record by BuildStatus
  return words.find(word => statuses[word] === status) ?? 'NEW';
}

/** The object on the bus that shows a job; a job of an earlier version may have no name on record. */
export function shownObject({ door }: Pick<Job, 'door'>): {
  readonly name: string | undefined;
  /** Number of the start that accepted the job. */
  readonly epoch: number;
} {
  // As newJob has written it.
  const { epoch, record } = door as unknown as Door;
  return { name: record?.adaptor, epoch };
}

export function kindOfJob({ push }: Pick<BuildOrder, 'push'>): 'target' | 'provider' {
  return push === undefined ? 'target' : 'provider';
}

/** @param template uuid of its text in the store */
export function newJob(
  { order, resumable, record, adopted }: AcceptedJob,
  template: string,
  orderId: string,
): NewJob {
  const { id, target, callerImageUuid, push, epoch } = order;
  const door: Door = {
    epoch,
    ...(callerImageUuid === undefined ? {} : { callerImageUuid }),
    ...(push === undefined ? {} : { targetImage: push.targetImage }),
    ...(record === undefined ? {} : { record }),
    ...(adopted === true ? { adopted } : {}),
  };
  return {
    ...{ id, kind: kindOfJob(order), orderId, image: id, template, target, resumable },
    ...(push === undefined ? {} : { provider: push.provider }),
    door: json(door),
  };
}

/** What the store does not have in the row of the job. */
export interface JobSurroundings {
  readonly descriptor: string;
  readonly groups: readonly GroupMark[];
  readonly made: readonly string[];
  readonly told: boolean;
  readonly sequence: number;
}

export function jobOnRecord(
  job: Job,
  { descriptor, groups, made, told, sequence }: JobSurroundings,
): JobOnRecord {
  const { id, target = '', provider, secret, resumable, interruptions, postponed, percent } = job;
  // As newJob has written it.
  const door = job.door as unknown as Door;
  const { epoch, callerImageUuid, targetImage, record, adopted = false } = door;
  const end = endOf(job);
  return {
    order: {
      ...{ id, target, descriptor, epoch },
      ...(callerImageUuid === undefined ? {} : { callerImageUuid }),
      ...(provider === undefined || targetImage === undefined ? {} : { push: { provider, targetImage } }),
    },
    ...{ secret, resumable, adopted, record, resumed: interruptions, postponed, percent },
    status: buildStatus(job),
    ...{ groups, made, told, sequence },
    ended: end === undefined ? undefined : { end, at: Date.parse(job.ended ?? job.modified) },
  };
}

export function endState(end: JobEnd): JobState {
  if (end.status === 'COMPLETED') return { status: 'completed', result: json(end.image) };
  const { code, info, lastLines, cleanup } = end.failure;
  return { status: 'failed', error: { type: code, reason: info, details: json({ lastLines, cleanup }) } };
}

/** The outcome of the image that a job has made. */
export function endFacts(end: JobEnd): EndFacts {
  if (end.status === 'FAILED') {
    const { code, info } = end.failure;
    return { outcome: { status: 'FAILED', type: failureType(code), info } };
  }
  const { account, identifierOnProvider } = end.image;
  return {
    outcome: { status: 'COMPLETED' },
    ...(identifierOnProvider === undefined ? {} : { targetIdentifier: identifierOnProvider }),
    ...(account === undefined ? {} : { account }),
  };
}

function endOf(job: Job): JobEnd | undefined {
  // As endState has written them.
  if (job.status === 'completed')
    return { status: 'COMPLETED', image: job.result as unknown as FinishedImage };
  return job.status === 'failed' ? { status: 'FAILED', failure: failureOf(job.error) } : undefined;
}

function failureOf({ type, reason, details }: JobError): BuildFailure {
  const { lastLines, cleanup } = details as unknown as Pick<BuildFailure, 'lastLines' | 'cleanup'>;
  return { code: type as BuildErrorCode, info: reason, lastLines, cleanup };
}

/** Objects of ours that are written as JSON; the types of interfaces do not say that they have no other fields. */
function json(value: object): JsonObject {
  return value as JsonObject;
}
