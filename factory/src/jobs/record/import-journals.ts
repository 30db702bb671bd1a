import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../../store/index.js';
import { validate as isUuid } from 'uuid';
import { errorCode } from '../../platform/files/error-code.js';
import { freeName } from '../../platform/files/free-name.js';
import { takeLock } from '../../platform/files/lock.js';
import type { Logger } from '../../platform/log/index.js';
import { imageDescription } from '../../images/index.js';
import { templateId } from '../../templates/index.js';
import { JobRecords } from './job-records.js';
import { applyRecord, type JournalJob, readRecord } from './old-journal.js';

const fileName = 'jobs.journal';

/**
 * Takes the jobs of versions before the store into the records: those of `jobs/jobs.journal`, and those of agents that shared the directory and
 * are dead, `jobs/UUID/jobs.journal`, whose jobs end. The directory is moved aside to `jobs.old`; only its files with passwords are
 * removed, which the store has taken over. One that was killed in the middle of this goes on where it was.
 *
 * @param images directory of the images
 * @throws Error when an agent of such a version is at work there, and what the file system says
 */
export async function importJournals(images: string, store: Store, log: Logger): Promise<void> {
  const jobs = join(images, 'jobs');
  const names = await namesIn(jobs);
  if (names === undefined) return;
  const own = await readJournal(jobs, log);
  const others: JournalJob[] = [];
  for (const name of names.filter(one => isUuid(one))) {
    const locked = await takeLock(join(jobs, `${name}.lock`));
    if (locked.kind === 'taken')
      throw new Error(`${images} is in use by ${locked.by}: stop that process, or choose another directory`);
    try {
      for (const job of await readJournal(join(jobs, name), log))
        others.push({ ...job, resumable: false, adopted: true });
    } finally {
      locked.lock.release();
    }
  }
  const { records } = await JobRecords.open(store, log);
  // Those whose end consoles have heard go first: that is on record as one position in all events.
  const found = [...own, ...others].sort((a, b) => Number(b.told) - Number(a.told));
  for (const job of found) {
    const { id, push } = job.order;
    if (records.has(id)) continue;
    const passwords = job.secret && push === undefined ? await readPasswords(jobs, id) : undefined;
    const standing = { ...job, groups: [...job.groups.values()], made: [...job.made] };
    await ensureRow(job, records);
    await records.take({ ...job, passwords }, standing);
    if (job.told) records.told(id);
  }
  await records.settled();
  for (const name of names) if (/^[0-9a-f-]{36}\.order/.test(name)) await rm(join(jobs, name));
  const aside = freeName(join(images, 'jobs.old'));
  await rename(jobs, aside);
  log.notice(
    `${found.length} jobs of an earlier version were taken into the store; their journal is in ${aside}`,
  );
}

async function namesIn(directory: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readJournal(directory: string, log: Logger): Promise<readonly JournalJob[]> {
  const jobs = new Map<string, JournalJob>();
  const path = join(directory, fileName);
  const text = await readIfThere(path);
  let unreadable = 0;
  for (const line of (text ?? '').split('\n')) {
    if (line === '') continue;
    const record = readRecord(line);
    if (record === undefined) unreadable++;
    else applyRecord(jobs, record);
  }
  if (unreadable > 0) log.warn(`${unreadable} lines of ${path} cannot be read; they are left out`);
  return [...jobs.values()];
}

function readPasswords(jobs: string, id: string): Promise<string | undefined> {
  return readIfThere(join(jobs, `${id}.order`));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A job whose image a kill or a power cut has kept from the catalogue is recorded by what its journal says. */
async function ensureRow({ order, record }: JournalJob, { sets }: JobRecords): Promise<void> {
  const { id, push, target } = order;
  if ((await sets.placeOf(id)) !== undefined) return;
  const adaptor = record?.adaptor ?? '';
  const about = adaptor === '' ? {} : { adaptor };
  if (push === undefined) {
    const { template, description, ...place } = record?.place ?? {
      ...(await sets.place('', '')),
      ...{ template: templateId(order.descriptor), description: imageDescription('') },
    };
    await sets.addTargetImages(place, description, [{ id, target, template, ...about }]);
    return;
  }
  const { provider, targetImage } = push;
  const owner = await sets.imageOf(targetImage);
  if (owner !== undefined) await sets.addProviderImages(owner.id, [{ id, targetImage, provider, ...about }]);
}
