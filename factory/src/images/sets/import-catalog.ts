import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Change, type Store, StoreError } from '../../store/index.js';
import { errorCode } from '../../platform/files/error-code.js';
import { freeName } from '../../platform/files/free-name.js';
import { errorLine, type Logger } from '../../platform/log/index.js';
import { filesOf } from '../image-files.js';
import { readMeta } from '../meta-file.js';
import { isImageIdentifier } from '../persistent-image.js';
import type { ImageDocument } from './documents.js';
import { rowOfRecord } from './meta-rows.js';
import { changesTo } from './rows.js';

/** Image sets that are recorded at a time. */
const batch = 32;

/**
 * Takes the catalogue of versions before the store into it: a JSON file for each image set, and `templates/`. The directory is moved aside to
 * `catalog.old`. One that was killed in the middle of this goes on where it was; a damaged file costs itself.
 *
 * @param images directory of the images
 * @throws StoreError, and errors of the file system
 */
export async function importCatalog(images: string, store: Store, log: Logger): Promise<void> {
  const catalog = join(images, 'catalog');
  const names = await namesIn(catalog);
  if (names === undefined) return;
  const templates = join(catalog, 'templates');
  const steps: (() => Promise<boolean>)[] = [
    ...((await namesIn(templates)) ?? [])
      .filter(name => name.endsWith('.xml'))
      .map(name => () => importTemplate(join(templates, name), name.slice(0, -'.xml'.length), store)),
    ...names
      .filter(name => name.endsWith('.json'))
      .map(name => () => importSet(join(catalog, name), name.slice(0, -'.json'.length), images, store)),
  ];
  const damaged: string[] = [];
  let count = 0;
  for (let first = 0; first < steps.length; first += batch) {
    const results = await Promise.allSettled(steps.slice(first, first + batch).map(step => step()));
    for (const result of results) {
      if (result.status === 'fulfilled') count += result.value ? 1 : 0;
      else if (result.reason instanceof DamagedRecord) damaged.push(result.reason.message);
      else throw result.reason;
    }
  }
  const aside = freeName(join(images, 'catalog.old'));
  await rename(catalog, aside);
  for (const text of damaged)
    log.warn(
      `${text}; mend the file in ${aside}, rename ${aside} to ${catalog}, and start again, or leave it`,
    );
  log.notice(
    `${count} records of the catalogue of an earlier version were taken into the store; it is in ${aside}`,
  );
}

class DamagedRecord extends Error {}

/** @returns whether it was new */
async function importTemplate(path: string, id: string, store: Store): Promise<boolean> {
  if ((await store.get('templates', id)) !== undefined) return false;
  const text = await readFile(path, 'utf8');
  return await recorded(path, store, [{ change: 'template.put', template: { id, text } }]);
}

async function importSet(path: string, id: string, images: string, store: Store): Promise<boolean> {
  const document = documentIn(await readText(path), path);
  // A link of a build, a target image or a provider image leads to the file of its image set.
  if (document?.id !== id || (await store.get('imageSets', id)) !== undefined) return false;
  const changes = changesTo(undefined, document).map((one): Change => {
    if (one.change !== 'image.put') return one;
    const record = readMeta(filesOf(images, one.image.id).meta, one.image.id)?.record;
    if (record === undefined) return one;
    const { properties, ...row } = rowOfRecord(record);
    const both = { ...row, ...one.image, properties: { ...properties, ...one.image.properties } };
    const { activity, created = '', percent } = row;
    return { ...one, image: { ...both, activity, created, percent } };
  });
  return await recorded(path, store, changes);
}

async function recorded(path: string, store: Store, changes: readonly Change[]): Promise<boolean> {
  try {
    await store.commit(changes);
    return true;
  } catch (error) {
    // A record that says something impossible; another error is the store's.
    if (error instanceof StoreError && ['invalid', 'conflict', 'not_found'].includes(error.code))
      throw new DamagedRecord(`${path} cannot be taken into the store: ${errorLine(error)}`);
    throw error;
  }
}

/** @throws DamagedRecord */
function documentIn(text: string | undefined, path: string): ImageDocument | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DamagedRecord(`${path} is no JSON`);
  }
  if (isPointer(value)) return undefined;
  if (isDocument(value)) return value;
  throw new DamagedRecord(`${path} is no record of an image with its builds`);
}

/** The file of a build, a target image or a provider image, as versions before links wrote it. */
function isPointer(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'image' in value && !('builds' in value);
}

function isDocument(value: unknown): value is ImageDocument {
  return (
    hasId(value) &&
    'description' in value &&
    typeof value.description === 'string' &&
    'builds' in value &&
    areAll(value.builds, build => 'targetImages' in build && areAll(build.targetImages, isTargetImage))
  );
}

function isTargetImage(target: object): boolean {
  return (
    'target' in target &&
    typeof target.target === 'string' &&
    hasOutcome(target) &&
    'providerImages' in target &&
    areAll(
      target.providerImages,
      push => 'provider' in push && typeof push.provider === 'string' && hasOutcome(push),
    )
  );
}

function hasOutcome(made: object): boolean {
  if (!('outcome' in made) || typeof made.outcome !== 'object' || made.outcome === null) return false;
  return 'status' in made.outcome && ['RUNNING', 'COMPLETED', 'FAILED'].includes(String(made.outcome.status));
}

function areAll(list: unknown, fits: (one: object) => boolean): boolean {
  return Array.isArray(list) && list.every(one => hasId(one) && fits(one));
}

function hasId(value: unknown): value is { readonly id: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    isImageIdentifier(value.id)
  );
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // A link that leads nowhere is left by a process that was killed.
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function namesIn(directory: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
