import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { allOf, DirectoryImageManager, rowOfRecord } from '../images/index.js';
import {
  assertNotInUse,
  type Change,
  type Image,
  type ImageInput,
  isEnd,
  openStore,
  openStoreForReading,
  type Records,
  restoreStore,
  type StoreReader,
  type TableName,
} from '../store/index.js';
import { readElsewhere, templateId } from '../templates/index.js';
import { errorLine } from '../platform/index.js';

export interface RebuildReport {
  readonly images: number;
  readonly imageSets: number;
  readonly templates: number;
  /** Path of the old database; absent if there was none. */
  readonly aside?: string;
  /** Records that could not be recovered, with the remedy where there is one. */
  readonly lost: readonly string[];
}

/** Images in one step. */
const stepSize = 200;

/**
 * Makes the database of an image directory anew from its `.meta` files, those of the original included, and from the tables of the old database that can
 * be read: image sets with their batches, templates, and images without files. Jobs, orders, events and positions of followers are lost. The old
 * database is moved aside.
 *
 * @param directory of the images
 * @throws StoreError `in_use` while an agent runs there, or `write_failed`
 */
export async function rebuildStore(directory: string): Promise<RebuildReport> {
  const path = join(directory, 'store');
  await assertNotInUse(path);
  const draft = join(path, 'rebuild');
  await rm(draft, { recursive: true, force: true });
  const old = await OldTables.read(path);
  const files = await readFiles(directory);
  const store = await openStore(draft);
  try {
    const { missing, rows } = rowsOf(files.rows, old);
    const templates = new Map([...old.templates, ...files.templates]);
    const changes: readonly Change[] = [
      ...[...templates].map(([id, text]) => ({ change: 'template.put' as const, template: { id, text } })),
      ...old.imageSets.map(({ created: _created, ...imageSet }) => ({
        change: 'image_set.put' as const,
        imageSet,
      })),
      ...old.batches.map(batch => ({ change: 'batch.put' as const, batch })),
      ...rows.map(image => ({ change: 'image.put' as const, image })),
    ];
    for (let first = 0; first < changes.length; first += stepSize)
      await store.commit(changes.slice(first, first + stepSize));
    await store.close();
    const lost = [...files.problems, ...missing, ...old.lost, ...(await lostSecrets(path))];
    const aside = await restoreStore(path, join(draft, 'store.db'));
    return {
      ...{ images: rows.length, imageSets: old.imageSets.length, templates: templates.size, lost },
      ...(aside === undefined ? {} : { aside }),
    };
  } finally {
    await store.close();
    await rm(draft, { recursive: true, force: true });
  }
}

interface Files {
  /** Rows as the files have them. */
  readonly rows: readonly ImageInput[];
  /** Texts by their uuids. */
  readonly templates: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
}

async function readFiles(directory: string): Promise<Files> {
  const images = await DirectoryImageManager.open(directory, { readOnly: true });
  const texts = new Map<string, string | undefined>();
  const templates = new Map<string, string>();
  const rows: ImageInput[] = [];
  const { items } = await images.query({});
  for (const { identifier } of items) {
    const image = await images.imageWithId(identifier);
    if (image === undefined) continue;
    const row = rowOfRecord(images.recordOf(image));
    // Files of the original have the passwords of their templates.
    const text = image.template === undefined ? undefined : await withoutPasswords(image.template, texts);
    if (text === undefined) rows.push(row);
    else {
      const template = templateId(text);
      templates.set(template, text);
      rows.push({ ...row, template });
    }
  }
  const problems = (await images.problems()).map(
    ({ file, problem, remedy }) => `${file}: ${problem}; ${remedy}`,
  );
  return { rows, templates, problems };
}

/** @param known texts that have been read already */
async function withoutPasswords(
  text: string,
  known: Map<string, string | undefined>,
): Promise<string | undefined> {
  if (!known.has(text)) {
    const reading = await readElsewhere(text, { form: 'build' });
    // A text that cannot be read may have passwords anywhere.
    known.set(text, reading.valid ? reading.shown : undefined);
  }
  return known.get(text);
}

/** The tables of the old database that files do not have, as far as they can be read. */
class OldTables {
  imageSets: readonly Records['imageSets'][] = [];
  batches: readonly Records['batches'][] = [];
  templates: ReadonlyMap<string, string> = new Map();
  images: ReadonlyMap<string, Image> = new Map();
  readonly lost: string[] = [];

  static async read(path: string): Promise<OldTables> {
    const tables = new OldTables();
    let store: StoreReader | undefined;
    try {
      store = openStoreForReading(path);
      await tables.#readAll(store);
    } catch (error) {
      tables.lost.push(
        `jobs, orders and events, and the image sets, batches and images without files: the old database cannot be read (${errorLine(error)})`,
      );
    } finally {
      await store?.close();
    }
    return tables;
  }

  async #readAll(store: StoreReader): Promise<void> {
    this.imageSets = await this.#table(store, 'imageSets');
    const sets = new Set(this.imageSets.map(({ id }) => id));
    this.batches = (await this.#table(store, 'batches')).filter(({ imageSet }) => sets.has(imageSet));
    this.templates = new Map((await this.#table(store, 'templates')).map(({ id, text }) => [id, text]));
    this.images = new Map((await this.#table(store, 'images')).map(image => [image.id, image]));
    const jobs = await this.#table(store, 'jobs');
    const open = jobs.filter(({ status }) => !isEnd(status));
    for (const { id, kind, status } of open) this.lost.push(`job ${id} (${kind}, ${status}): order it again`);
    const ended = jobs.length - open.length;
    if (ended > 0)
      this.lost.push(`${ended} jobs that had ended, with their orders and events; their logs stay`);
  }

  async #table<T extends TableName>(store: StoreReader, table: T): Promise<readonly Records[T][]> {
    try {
      return await allOf(store, table, []);
    } catch (error) {
      this.lost.push(`the table ${table} of the old database, which cannot be read: ${errorLine(error)}`);
      return [];
    }
  }
}

/** A file counts more than a row, and a row without a file is one of an image that has none, or has lost it. */
function rowsOf(
  files: readonly ImageInput[],
  old: OldTables,
): { readonly rows: readonly ImageInput[]; readonly missing: readonly string[] } {
  const batches = new Set(old.batches.map(({ id }) => id));
  const missing: string[] = [];
  const lostJob = 'its job was lost when the database was rebuilt';
  const settled = (row: ImageInput): ImageInput => {
    const { batch, ...rest } = row;
    const placed = batch !== undefined && batches.has(batch) ? { ...rest, batch } : rest;
    switch (placed.status) {
      case 'new':
      case 'pending':
      case 'building':
        return { ...placed, status: 'failed', error: lostJob };
      case 'deleting':
        return { ...placed, status: 'delete_failed', error: lostJob };
      case 'complete':
        return withoutError(placed);
      default:
        return placed;
    }
  };
  const present = new Set(files.map(({ id }) => id));
  const rows = files.map(row => {
    const known = old.images.get(row.id);
    // Columns that files do not have, such as the batch, and properties, such as the name of the job's object on the bus.
    const properties = { ...known?.properties, ...row.properties };
    return settled({ ...known, ...row, ...templateOf(known), properties });
  });
  for (const image of old.images.values()) {
    if (present.has(image.id)) continue;
    const isLost = image.status === 'complete' && image.properties['adaptor'] !== undefined;
    if (isLost) missing.push(`image ${image.id}, whose files are gone; it is recorded as deleted`);
    rows.push(settled(isLost ? { ...image, status: 'deleted' } : image));
  }
  return { rows, missing };
}

function withoutError({ error: _error, ...row }: ImageInput): ImageInput {
  return row;
}

/** The template of a row counts more than the one that follows from the text: it may have been stored under another uuid. */
function templateOf(known: Image | undefined): { readonly template?: string } {
  return known?.template === undefined ? {} : { template: known.template };
}

async function lostSecrets(path: string): Promise<readonly string[]> {
  const names = await readdir(join(path, 'secrets'));
  return names.map(id => `the secret of job ${id}, which is removed at the next start`);
}
