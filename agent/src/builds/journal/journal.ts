import { closeSync, fsync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../files/error-code.js';
import { errorLine, type Logger } from '../../log/index.js';
import { applyRecord, type JournalJob, type JournalRecord, readRecord, recordsOf } from './records.js';

/** Where an engine notes what must not be forgotten when its process is killed. */
export interface JobJournal {
  /**
   * Notes something: from now on it survives the end of the process.
   *
   * @throws what the file system says when it cannot be written
   */
  append(record: JournalRecord): void;
  /** Resolves when what was appended survives a power cut too. */
  synced(): Promise<void>;
}

/** A journal for engines that need none: it keeps nothing. */
export const noJournal: JobJournal = {
  append: () => undefined,
  synced: () => Promise.resolve(),
};

const fileName = 'jobs.journal';

/** Bytes from which on the file is written anew when most of it is about jobs that nobody asks for any more. */
const compactFrom = 4 * 1024 * 1024;

/**
 * The journal of an agent's jobs: one JSON object per line, only ever appended to, and now and then written anew under another name
 * and put in its place. A line that a power cut has left in half counts for nothing. The file is its owner's alone to read.
 */
export class JournalFile implements JobJournal {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #jobs: Map<string, JournalJob>;
  readonly #limit: number;
  #file: number;
  #closed = false;
  #size = 0;
  #compactAt: number;
  #syncing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  private constructor(directory: string, jobs: Map<string, JournalJob>, log: Logger, limit: number) {
    this.#directory = directory;
    this.#jobs = jobs;
    this.#log = log;
    this.#limit = limit;
    this.#compactAt = limit;
    this.#file = this.#rewrite();
  }

  /** @param limit bytes; see {@link compactFrom} */
  static async open(directory: string, log: Logger, limit = compactFrom): Promise<JournalFile> {
    await mkdir(directory, { recursive: true });
    return new JournalFile(directory, await readJobs(directory, log), log, limit);
  }

  /** What is known of the jobs that are not forgotten, in the order in which they came. */
  get jobs(): readonly JournalJob[] {
    return [...this.#jobs.values()];
  }

  append(record: JournalRecord): void {
    // News of the very end, such as that of a broker that was slower than the agent's stop.
    if (this.#closed) return;
    // A line break before it too: one that was cut short by a full disk must not take this one along.
    const line = Buffer.from(`\n${JSON.stringify(record)}\n`);
    this.#write(this.#file, line);
    applyRecord(this.#jobs, record);
    this.#size += line.length;
    if (this.#size > this.#compactAt) this.#compact();
  }

  synced(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#syncing === undefined) return (this.#syncing = this.#sync());
    // One that is under way may have begun too early; the next one serves all who come until then.
    return (this.#next ??= this.#syncing
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return (this.#syncing = this.#sync());
      }));
  }

  /** Nothing can be appended any more. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.synced().catch(() => undefined);
    this.#closed = true;
    closeSync(this.#file);
  }

  async #sync(): Promise<void> {
    const file = this.#file;
    try {
      await new Promise<void>((resolve, reject) => {
        fsync(file, error => {
          // A file that was replaced meanwhile was synced by whoever did that.
          if (error === null || file !== this.#file) resolve();
          else reject(error);
        });
      });
    } finally {
      this.#syncing = undefined;
    }
  }

  #compact(): void {
    const before = this.#file;
    try {
      this.#file = this.#rewrite();
      closeSync(before);
    } catch (error) {
      this.#compactAt = this.#size * 2;
      this.#log.warn(`the journal of the jobs cannot be written anew: ${errorLine(error)}`);
    }
  }

  /** Writes all that is known to a new file and puts it in the place of the old one; gives the open file. */
  #rewrite(): number {
    const path = join(this.#directory, fileName);
    const file = openSync(`${path}.new`, 'w', 0o600);
    try {
      let size = 0;
      for (const job of this.#jobs.values()) {
        const lines = Buffer.from(
          recordsOf(job)
            .map(record => `${JSON.stringify(record)}\n`)
            .join(''),
        );
        this.#write(file, lines);
        size += lines.length;
      }
      fsyncSync(file);
      renameSync(`${path}.new`, path);
      const directory = openSync(this.#directory, 'r');
      fsyncSync(directory);
      closeSync(directory);
      this.#size = size;
      this.#compactAt = Math.max(this.#limit, size * 2);
      return file;
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  #write(file: number, bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
  }
}

/** What a journal knows of jobs that are not forgotten, by their ids; nothing where there is no journal. */
export async function readJobs(directory: string, log: Logger): Promise<Map<string, JournalJob>> {
  const jobs = new Map<string, JournalJob>();
  let text = '';
  try {
    text = await readFile(join(directory, fileName), 'utf8');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  let unreadable = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const record = readRecord(line);
    if (record === undefined) unreadable++;
    else applyRecord(jobs, record);
  }
  if (unreadable > 0)
    log.warn(`${unreadable} lines of ${join(directory, fileName)} cannot be read; they are left out`);
  return jobs;
}
