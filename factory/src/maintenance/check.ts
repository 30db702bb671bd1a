import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  allOf,
  buildLogPath,
  DirectoryImageManager,
  type ImageRecord,
  rowOfRecord,
  verifyImages,
} from '../images/index.js';
import type { Disagreement, Image, StoreReader } from '../store/index.js';

const rebuild = 'stop the agent, then run `imagefactory store rebuild`';

/**
 * Finds where the database, the files of the images, the secrets and the logs of a directory disagree. Changes nothing, and may run beside an agent:
 * an image that changes meanwhile is looked at again.
 *
 * @param directory of the images
 * @param store that of the directory
 */
export async function checkFactory(directory: string, store: StoreReader): Promise<readonly Disagreement[]> {
  const images = await DirectoryImageManager.open(directory, { readOnly: true });
  return [
    ...(await store.check()),
    ...(await fileProblems(images)),
    ...(await rowProblems(images, store)),
    ...(await secretProblems(directory, store)),
    ...(await logProblems(directory, store)),
  ];
}

async function fileProblems(images: DirectoryImageManager): Promise<readonly Disagreement[]> {
  const { problems } = await verifyImages(images, { quick: true });
  return problems.flatMap(({ file, kind, problem, remedy }) =>
    // The row of a parent stays when its files go, and a start removes leftovers.
    kind === 'dangling_reference' || kind === 'leftover' ? [] : [{ problem: `${file}: ${problem}`, remedy }],
  );
}

async function rowProblems(
  images: DirectoryImageManager,
  store: StoreReader,
): Promise<readonly Disagreement[]> {
  const found: Disagreement[] = [];
  const damaged = new Set((await images.problems()).map(({ identifier }) => identifier));
  const rows = new Map((await allOf(store, 'images', [])).map(row => [row.id, row]));
  const { items } = await images.query({});
  const hasWarehouse = (await store.get('followers', 'warehouse')) !== undefined;
  for (const { identifier } of items) {
    const disagrees = rowProblem(await recordOf(images, identifier), rows.get(identifier));
    if (disagrees === undefined) continue;
    // It may have been in the middle of a change.
    const again = rowProblem(await recordOf(images, identifier), await store.get('images', identifier));
    if (again !== undefined) found.push(again);
  }
  const files = new Set(items.map(({ identifier }) => identifier));
  for (const { id } of rows.values()) {
    if (files.has(id) || damaged.has(id)) continue;
    const row = await store.get('images', id);
    // An import has no files; what the warehouse has may have been deleted here.
    const needsFiles = row?.status === 'complete' && row.properties['adaptor'] !== undefined && !hasWarehouse;
    if (!needsFiles || (await recordOf(images, id)) !== undefined) continue;
    found.push({
      problem: `image ${id} is complete in the database, and has no ${id}.meta`,
      remedy: `restore ${join(images.directory, id)}.meta and .body from a backup; or ${rebuild}, which records it as deleted`,
    });
  }
  return found;
}

async function recordOf(images: DirectoryImageManager, id: string): Promise<ImageRecord | undefined> {
  const image = await images.imageWithId(id).catch(() => undefined);
  return image === undefined ? undefined : images.recordOf(image);
}

const compared = ['kind', 'size', 'sha256', 'format', 'identifierOnProvider'] as const;

/** The disagreement of a `.meta` file with its row, if there is one. */
function rowProblem(record: ImageRecord | undefined, row: Image | undefined): Disagreement | undefined {
  if (record === undefined) return undefined;
  const facts = rowOfRecord(record);
  const { id, status } = facts;
  if (row === undefined) {
    return {
      problem: `${id}.meta is there, and the database has no image ${id}`,
      remedy: `start the agent, which takes it in; or ${rebuild}`,
    };
  }
  const isSettled = (one: Image['status']): boolean => one === 'complete' || one === 'failed';
  // The file follows at the end of the work.
  if (row.status !== status && isSettled(row.status) && isSettled(status))
    return {
      problem: `image ${id} is ${row.status} in the database, and ${status} in ${id}.meta`,
      remedy: rebuild,
    };
  if (row.status !== 'complete' || status !== 'complete') return undefined;
  const field = compared.find(
    name => row[name] !== undefined && facts[name] !== undefined && row[name] !== facts[name],
  );
  if (field === undefined) return undefined;
  return {
    problem: `image ${id} has ${field} ${String(row[field])} in the database, and ${String(facts[field])} in ${id}.meta`,
    remedy: `run \`imagefactory image verify ${id}\`, which compares the body with the file; then ${rebuild}`,
  };
}

async function secretProblems(directory: string, store: StoreReader): Promise<readonly Disagreement[]> {
  const found: Disagreement[] = [];
  const secrets = join(directory, 'store', 'secrets');
  for (const id of await readdir(secrets).catch(() => [])) {
    if ((await store.get('jobs', id))?.secret === true) continue;
    // A secret is there before its job is on record.
    const isThere = (await stat(join(secrets, id)).catch(() => undefined)) !== undefined;
    if (!isThere || (await store.get('jobs', id))?.secret === true) continue;
    found.push({
      problem: `secrets/${id} is a secret that no job needs`,
      remedy: 'start the agent, which removes it',
    });
  }
  return found;
}

async function logProblems(directory: string, store: StoreReader): Promise<readonly Disagreement[]> {
  const jobs = await allOf(store, 'jobs', [
    { field: 'status', operator: 'in', value: ['running', 'finishing'] },
  ]);
  const found: Disagreement[] = [];
  for (const { id } of jobs) {
    const path = buildLogPath(directory, id);
    if ((await stat(path).catch(() => undefined)) !== undefined) continue;
    if ((await store.get('jobs', id))?.status === undefined) continue;
    found.push({
      problem: `job ${id} is at work, and its log ${path} is gone`,
      remedy: `restore ${path} from a backup, or abort the job and order it again`,
    });
  }
  return found;
}
