import type { ImageRecord } from '../images/index.js';
import type { Image, ImageInput, ImageStatus, JsonObject } from '../store/index.js';
import { templateId } from '../templates/index.js';

/** Columns of an image's row that its `.meta` file has. Those of the original's files are a part of them. */
export type FileFacts = Omit<ImageInput, 'batch' | 'template'> & {
  /** Text of the template, without passwords. */
  readonly templateText?: string;
};

const statusWords: Readonly<Record<ImageRecord['status'], ImageStatus>> = {
  NEW: 'new',
  PENDING: 'pending',
  BUILDING: 'building',
  COMPLETE: 'complete',
  FAILED: 'failed',
  DELETING: 'deleting',
  DELETED: 'deleted',
  DELETEFAILED: 'delete_failed',
};

/** The facts of a `.meta` file as columns of the store. */
export function factsOf(record: ImageRecord): FileFacts {
  const { created, identifier: id, status, type } = record;
  const kind = type === 'BaseImage' ? 'base' : type === 'TargetImage' ? 'target' : 'provider';
  const detail = objectIn(record, 'status_detail') ?? {};
  const isComplete = status === 'COMPLETE';
  return {
    ...{ id, kind, status: statusWords[status], created },
    percent: percentOf(record['percent_complete'], isComplete ? 100 : 0),
    activity: textIn(detail, 'activity') ?? (isComplete ? 'complete' : 'unknown'),
    parameters: objectIn(record, 'parameters') ?? {},
    properties: objectIn(record, 'properties') ?? {},
    ...given('error', textIn(detail, 'error')),
    ...given('parent', textIn(record, kind === 'provider' ? 'target_image_id' : 'base_image_id')),
    ...given('target', textIn(record, 'target')),
    ...given('provider', textIn(record, 'provider')),
    ...given('identifierOnProvider', textIn(record, 'identifier_on_provider')),
    ...given('account', textIn(record, 'provider_account_identifier')),
    ...given('format', textIn(record, 'format')),
    ...given('sha256', textIn(record, 'sha256')),
    ...given('callerImageUuid', textIn(record, 'caller_image_uuid')),
    ...given('os', objectIn(record, 'os')),
    ...given('size', numberIn(record, 'size')),
    ...given('templateText', textIn(record, 'template')),
  };
}

/** The row that those facts make, and the uuid of its template. */
export function rowOf({ templateText, ...facts }: FileFacts, known: Image | undefined): ImageInput {
  const template = known?.template ?? (templateText === undefined ? undefined : templateId(templateText));
  return {
    ...facts,
    ...given('batch', known?.batch),
    ...given('template', template),
    // Such as the name of the job's object on the bus, which files do not have.
    properties: { ...known?.properties, ...facts.properties },
  };
}

function percentOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? Math.min(100, Math.max(0, Math.round(value))) : otherwise;
}

function textIn(record: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = record[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberIn(record: ImageRecord, name: string): number | undefined {
  const value = record[name];
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

function objectIn(record: ImageRecord, name: string): JsonObject | undefined {
  const value = record[name];
  // What JSON.parse gave: an object that is no list.
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

function given<Name extends string, T>(name: Name, value: T | undefined): { readonly [N in Name]?: T } {
  // A computed name gives an index signature, which says less than the name.
  return value === undefined ? {} : ({ [name]: value } as { readonly [N in Name]?: T });
}
