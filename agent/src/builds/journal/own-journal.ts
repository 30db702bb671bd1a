import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { validate as isUuid } from 'uuid';
import { takeLock } from '../../files/lock.js';
import { removeTree } from '../../files/remove-tree.js';
import { type Logger, silentLogger } from '../../log/index.js';
import { JournalFile, readJobs } from './journal.js';
import { recordsOf } from './records.js';

/** Whose journal it is. */
export interface JournalOwner {
  /** Third part of the agent's name, a uuid. */
  readonly instance: string;
  /** Whether the agent has its name again at the next start. */
  readonly sole: boolean;
}

/** The journal of an agent, for as long as it runs. */
export interface OwnJournal {
  readonly file: JournalFile;
  /** Directory of the journal, and of what belongs to it. */
  readonly directory: string;
  /** Whether nobody goes on with it, since the agent has its name for this run alone. */
  readonly temporary: boolean;
  close(): Promise<void>;
}

/**
 * Opens an agent's journal: in the directory itself for the one agent that has the name kept there, else in one below it, named by the agent's
 * instance, which is locked while the agent lives. Journals of the latter kind whose agents are dead are taken in: their jobs get into this
 * one, marked as adopted, since nobody can go on with them under their addresses.
 *
 * @throws what the file system says
 */
export async function openOwnJournal(jobs: string, owner: JournalOwner, log: Logger): Promise<OwnJournal> {
  await mkdir(jobs, { recursive: true });
  if (owner.sole) {
    const file = await JournalFile.open(jobs, log);
    await adoptDead(jobs, file, log);
    return { file, directory: jobs, temporary: false, close: () => file.close() };
  }
  const directory = join(jobs, owner.instance);
  const locked = await takeLock(lockOf(directory));
  // The instance is a new uuid.
  if (locked.kind === 'taken') throw new Error(`${directory} is in use by ${locked.by}`);
  const file = await JournalFile.open(directory, log);
  const close = async (): Promise<void> => {
    await file.close();
    // What is not on record yet is for the next agent that starts.
    if (file.jobs.every(({ adopted, ended }) => ended !== undefined && !adopted)) await removeTree(directory);
    locked.lock.release();
  };
  try {
    await adoptDead(jobs, file, log);
  } catch (error) {
    await close();
    throw error;
  }
  return { file, directory, temporary: true, close };
}

/**
 * Uuids of the jobs that some agent with that directory of journals may be asked for, and of the images that it takes to providers. Nothing is
 * changed.
 */
export async function jobsOnRecord(jobs: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  const own = (await readdir(jobs)).filter(name => isUuid(name)).map(name => join(jobs, name));
  for (const directory of [jobs, ...own]) {
    // One that another agent is just writing may end in half a line, which is no news.
    for (const { order } of (await readJobs(directory, silentLogger)).values()) {
      ids.add(order.id);
      if (order.push !== undefined) ids.add(order.push.targetImage);
    }
  }
  return ids;
}

/** Takes in the journals of agents that are dead. */
async function adoptDead(jobs: string, own: JournalFile, log: Logger): Promise<void> {
  for (const name of await readdir(jobs)) {
    if (!isUuid(name)) continue;
    const directory = join(jobs, name);
    const locked = await takeLock(lockOf(directory));
    if (locked.kind === 'taken') continue;
    try {
      const known = new Set(own.jobs.map(({ order }) => order.id));
      const found = [...(await readJobs(directory, log)).values()];
      for (const job of found) {
        // One that is known was taken in before, by a start that was killed before it could remove this.
        if (known.has(job.order.id)) continue;
        for (const record of recordsOf({ ...job, resumable: false, adopted: true })) own.append(record);
      }
      await own.synced();
      await removeTree(directory);
      const open = found.filter(({ ended }) => ended === undefined).length;
      if (open > 0)
        log.warn(
          `an agent that shared this directory (instance ${name}) was killed with ${open} unfinished builds: they end as failed`,
        );
    } finally {
      locked.lock.release();
    }
  }
}

function lockOf(directory: string): string {
  return `${directory}.lock`;
}
