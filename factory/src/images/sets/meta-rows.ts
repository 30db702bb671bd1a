import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Change, Image, ImageInput, ImageStatus, JsonObject, Store } from '../../store/index.js';
import { partsOfName } from '../image-files.js';
import { type ImageRecord, kindOf, typeOfKind } from '../image-record.js';
import { readMeta } from '../meta-file.js';
import { allOf } from './rows.js';

/** Steps that are recorded together. */
const batch = 200;

/** The status of a `.meta` file in the words of the store. */
export function rowStatus(status: ImageRecord['status']): ImageStatus {
  // The words differ in case and in an underscore only.
  return status === 'DELETEFAILED' ? 'delete_failed' : (status.toLowerCase() as ImageStatus);
}

/** The row of an image whose `.meta` file is there. */
export function rowOfRecord(record: ImageRecord): ImageInput {
  const text = (field: string): string | undefined => {
    const value = record[field];
    return typeof value === 'string' ? value : undefined;
  };
  const map = (field: string): JsonObject | undefined => {
    const value = record[field];
    // JSON has no other objects.
    return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined;
  };
  const { percent_complete: percent, size, status } = record;
  const detail = map('status_detail');
  const isComplete = status === 'COMPLETE';
  const columns: Partial<Record<keyof Image, unknown>> = {
    parent: text('base_image_id') ?? text('target_image_id'),
    target: text('target'),
    provider: text('provider'),
    identifierOnProvider: text('identifier_on_provider'),
    account: text('provider_account_identifier'),
    error: typeof detail?.['error'] === 'string' ? detail['error'] : undefined,
    format: text('format'),
    size: typeof size === 'number' ? size : undefined,
    sha256: text('sha256'),
    os: map('os'),
    callerImageUuid: text('caller_image_uuid'),
  };
  return {
    ...{ id: record.identifier, kind: kindOf(record), status: rowStatus(status), created: record.created },
    percent: typeof percent === 'number' ? Math.min(100, Math.floor(percent)) : isComplete ? 100 : 0,
    activity: typeof detail?.['activity'] === 'string' ? detail['activity'] : 'unknown',
    parameters: map('parameters') ?? {},
    properties: map('properties') ?? {},
    ...Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)),
  };
}

/** The record of an image that has no `.meta` file yet, as that would say it. */
export function recordOfRow(row: Image): ImageRecord {
  const { kind } = row;
  const kindFields: JsonObject =
    kind === 'base'
      ? {}
      : kind === 'target'
        ? { target: row.target ?? null, base_image_id: row.parent ?? null }
        : { provider: row.provider ?? null, target_image_id: row.parent ?? null };
  return {
    identifier: row.id,
    type: typeOfKind[kind],
    // The words differ in case only; an image without a file is never delete_failed.
    status: row.status.toUpperCase() as ImageRecord['status'],
    status_detail: { activity: row.activity, error: row.error ?? null },
    percent_complete: row.percent,
    ...{ created: row.created, modified: row.modified, revision: row.revision, ...kindFields },
    ...{ format: row.format ?? null, size: null, sha256: null, os: row.os ?? null },
    caller_image_uuid: row.callerImageUuid ?? null,
    ...{ parameters: row.parameters, properties: {} },
  };
}

/** The statuses of images that jobs are making. */
export const inWork: readonly ImageStatus[] = ['new', 'pending', 'building'];

/** The images that jobs are making, which have no `.meta` file yet, with their templates. */
export async function imagesInWork(store: Pick<Store, 'find' | 'get'>): Promise<readonly ImageRecord[]> {
  const rows = await allOf(store, 'images', [{ field: 'status', operator: 'in', value: inWork }]);
  const records: ImageRecord[] = [];
  for (const row of rows) {
    const template = row.template === undefined ? undefined : await store.get('templates', row.template);
    records.push({ ...recordOfRow(row), template: template?.text ?? null });
  }
  return records;
}

/**
 * Adds rows of the images that have a `.meta` file and no row: of those that were put into the directory by hand, or by another version.
 *
 * @returns how many
 */
export async function addMissingRows(directory: string, store: Store): Promise<number> {
  const known = new Set(await store.imageIds());
  const changes: Change[] = [];
  for (const name of await readdir(directory)) {
    const parts = partsOfName(name);
    if (parts?.suffix !== 'meta' || known.has(parts.identifier)) continue;
    const record = readMeta(join(directory, name), parts.identifier)?.record;
    if (record !== undefined) changes.push({ change: 'image.put', image: rowOfRecord(record) });
  }
  for (let first = 0; first < changes.length; first += batch)
    await store.commit(changes.slice(first, first + batch));
  return changes.length;
}
