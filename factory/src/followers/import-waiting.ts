import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../platform/files/error-code.js';
import { freeName } from '../platform/files/free-name.js';
import { takeLock } from '../platform/files/lock.js';
import type { Logger } from '../platform/log/index.js';
import type { Change, Store } from '../store/index.js';
import { objectKinds } from '../warehouse/index.js';
import { taskOf, uploaderName } from './objects.js';
import { newestSequence, tasksApart } from './positions.js';

const fileForm = /^waiting-\d+\.jsonl$/;

/**
 * Takes the objects that wait for the warehouse in the lists of a version before the store, `warehouse/waiting-N.jsonl`, into the store. The
 * directory is moved aside to `warehouse.old`. After a kill in the middle of this the next start repeats it.
 *
 * @param images directory of the images
 * @throws Error if an agent of such a version is at work there, StoreError, and errors of the file system
 */
export async function importWaiting(images: string, store: Store, log: Logger): Promise<void> {
  const directory = join(images, 'warehouse');
  const names = await namesIn(directory);
  if (names === undefined) return;
  const tasks = new Set<string>();
  for (const name of names.filter(one => fileForm.test(one)).sort()) {
    const locked = await takeLock(join(directory, name.replace(/jsonl$/, 'lock')));
    if (locked.kind === 'taken')
      throw new Error(`${images} is in use by ${locked.by}: stop that process, or choose another directory`);
    try {
      for (const task of waitingIn(await readFile(join(directory, name), 'utf8'))) tasks.add(task);
    } finally {
      locked.lock.release();
    }
  }
  const known = new Set(await tasksApart(store, uploaderName));
  const added = [...tasks].filter(task => !known.has(task));
  const position = await newestSequence(store);
  const changes = added.map(
    (task): Change => ({ change: 'follower.advance', name: `${uploaderName}/${task}`, position }),
  );
  if (changes.length > 0) await store.commit(changes);
  const aside = freeName(join(images, 'warehouse.old'));
  await rename(directory, aside);
  log.notice(
    `${tasks.size} objects that wait for the warehouse were taken into the store; the list of an earlier version is in ${aside}`,
  );
}

/** The objects that a list has as not sent, in their order; a line that was cut short by a power cut is left out. */
function waitingIn(text: string): ReadonlySet<string> {
  const tasks = new Set<string>();
  for (const line of text.split('\n')) {
    const { isSent, task } = readLine(line) ?? {};
    if (task === undefined) continue;
    tasks.delete(task);
    if (isSent === false) tasks.add(task);
  }
  return tasks;
}

function readLine(text: string): { readonly isSent: boolean; readonly task: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const {
    do: action,
    id,
    kind,
  }: { readonly do?: unknown; readonly id?: unknown; readonly kind?: unknown } = value;
  const known = objectKinds.find(one => one === kind);
  if (known === undefined || typeof id !== 'string' || (action !== 'send' && action !== 'sent'))
    return undefined;
  return { isSent: action === 'sent', task: taskOf({ kind: known, id }) };
}

async function namesIn(directory: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
