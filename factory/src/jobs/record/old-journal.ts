import { type BuildErrorCode, buildErrorCodes } from '@imagefactory/plugin-api';
import type { BuildOrder, RecordFacts } from '../build.js';
import { type BuildStatus, isBuildStatus } from '../status.js';
import type { GroupMark, JobEnd } from './job-form.js';

/** One line of the journal. */
export type JournalRecord =
  | ({ readonly kind: 'job'; readonly id: string; readonly secret: boolean } & Pick<
      BuildOrder,
      'target' | 'descriptor' | 'callerImageUuid' | 'push' | 'epoch'
    > & { readonly resumable?: boolean; readonly adopted?: boolean; readonly record?: RecordFacts })
  | { readonly kind: 'status'; readonly id: string; readonly status: BuildStatus; readonly percent: number }
  | ({ readonly kind: 'group'; readonly id: string } & GroupMark)
  | { readonly kind: 'group-gone'; readonly id: string; readonly pid: number }
  | { readonly kind: 'made'; readonly id: string; readonly what: string }
  | { readonly kind: 'unmade'; readonly id: string; readonly what: string }
  | {
      readonly kind: 'end';
      readonly id: string;
      readonly end: JobEnd;
      readonly percent: number;
      readonly at: number;
    }
  /** It was interrupted by the end of the agent so many times, and is begun once more. */
  | { readonly kind: 'resumed'; readonly id: string; readonly times: number }
  /** The agent was stopped, and left it to its next start. */
  | { readonly kind: 'postponed'; readonly id: string }
  | { readonly kind: 'told'; readonly id: string }
  | { readonly kind: 'forget'; readonly id: string };

/** What the journal knows of a job. */
export interface JournalJob {
  readonly order: Omit<BuildOrder, 'mask'>;
  /** Whether the template has passwords, which are kept elsewhere while the job waits. */
  readonly secret: boolean;
  /** Whether it may be begun once more when it was interrupted. */
  readonly resumable: boolean;
  /** Whether it was that of another agent, which is dead. */
  readonly adopted: boolean;
  /** What the catalogue was told of it; absent for those of earlier versions. */
  readonly record: RecordFacts | undefined;
  /** How often it was, by the death of the agent. */
  resumed: number;
  /** Whether the agent was stopped in order since it was begun, and has left it to the next start. */
  postponed: boolean;
  status: BuildStatus;
  percent: number;
  readonly groups: Map<number, GroupMark>;
  /** What it has made that outlives a process: as its undo stack names it. */
  readonly made: Set<string>;
  /** Since when it is over, in milliseconds since 1970. */
  ended: { readonly end: JobEnd; readonly at: number } | undefined;
  /** Whether its end has reached the broker. */
  told: boolean;
}

/** Carries a record over into what is known; records of jobs that are unknown count for nothing. */
export function applyRecord(jobs: Map<string, JournalJob>, record: JournalRecord): void {
  if (record.kind === 'job') {
    const { id, target, descriptor, callerImageUuid, push, epoch, secret } = record;
    const { resumable = false, adopted = false, record: facts } = record;
    jobs.set(id, {
      order: {
        id,
        target,
        descriptor,
        epoch,
        ...(callerImageUuid === undefined ? {} : { callerImageUuid }),
        ...(push === undefined ? {} : { push }),
      },
      secret,
      resumable,
      adopted,
      record: facts,
      resumed: 0,
      postponed: false,
      status: 'NEW',
      percent: 0,
      groups: new Map(),
      made: new Set(),
      ended: undefined,
      told: false,
    });
    return;
  }
  const job = jobs.get(record.id);
  if (job === undefined) return;
  switch (record.kind) {
    case 'status':
      job.status = record.status;
      job.percent = record.percent;
      return;
    case 'group':
      job.groups.set(record.pid, { pid: record.pid, started: record.started });
      return;
    case 'group-gone':
      job.groups.delete(record.pid);
      return;
    case 'made':
      job.made.add(record.what);
      return;
    case 'unmade':
      job.made.delete(record.what);
      return;
    case 'end':
      // A job ends once: what comes later is not believed.
      job.ended ??= { end: record.end, at: record.at };
      job.percent = record.percent;
      return;
    case 'resumed':
      job.resumed = record.times;
      job.postponed = false;
      return;
    case 'postponed':
      job.postponed = true;
      return;
    case 'told':
      job.told = true;
      return;
    case 'forget':
      jobs.delete(record.id);
  }
}

/** A line of the journal; undefined for what is none, such as one that was cut short. */
export function readRecord(line: string): JournalRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isRecord(value) ? value : undefined;
}

function isRecord(value: unknown): value is JournalRecord {
  if (!isObject(value) || typeof value['id'] !== 'string') return false;
  switch (value['kind']) {
    case 'job':
      return (
        typeof value['target'] === 'string' &&
        typeof value['descriptor'] === 'string' &&
        typeof value['epoch'] === 'number' &&
        typeof value['secret'] === 'boolean' &&
        ['boolean', 'undefined'].includes(typeof value['resumable']) &&
        ['boolean', 'undefined'].includes(typeof value['adopted']) &&
        ['string', 'undefined'].includes(typeof value['callerImageUuid']) &&
        (value['push'] === undefined || isPush(value['push'])) &&
        (value['record'] === undefined || isFacts(value['record']))
      );
    case 'status':
      return isBuildStatus(value['status']) && typeof value['percent'] === 'number';
    case 'resumed':
      return typeof value['times'] === 'number';
    case 'group':
      return typeof value['pid'] === 'number' && typeof value['started'] === 'string';
    case 'group-gone':
      return typeof value['pid'] === 'number';
    case 'made':
    case 'unmade':
      return typeof value['what'] === 'string';
    case 'end':
      return (
        isEndOfJob(value['end']) && typeof value['percent'] === 'number' && typeof value['at'] === 'number'
      );
    case 'postponed':
    case 'told':
    case 'forget':
      return true;
    default:
      return false;
  }
}

function isPush(value: unknown): boolean {
  return isObject(value) && typeof value['provider'] === 'string' && typeof value['targetImage'] === 'string';
}

function isFacts(value: unknown): value is RecordFacts {
  if (!isObject(value) || typeof value['adaptor'] !== 'string') return false;
  const { place } = value;
  const names = ['image', 'build', 'template', 'description'];
  return place === undefined || (isObject(place) && names.every(name => typeof place[name] === 'string'));
}

function isEndOfJob(value: unknown): value is JobEnd {
  if (!isObject(value)) return false;
  const { image, failure } = value;
  if (value['status'] === 'COMPLETED') {
    return isObject(image) && typeof image['path'] === 'string' && typeof image['size'] === 'number';
  }
  if (value['status'] !== 'FAILED' || !isObject(failure)) return false;
  const { code, info, lastLines, cleanup } = failure;
  return (
    isCode(code) &&
    typeof info === 'string' &&
    Array.isArray(lastLines) &&
    isObject(cleanup) &&
    Array.isArray(cleanup['removed']) &&
    Array.isArray(cleanup['left'])
  );
}

function isCode(value: unknown): value is BuildErrorCode {
  return buildErrorCodes.some(code => code === value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
