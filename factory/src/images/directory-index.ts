import { statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { errorCode } from '../platform/files/error-code.js';
import { filesOf, partsOfName } from './image-files.js';
import type { ImageRecord } from './image-record.js';
import { type FileVersion, type MetaFile, readMeta } from './meta-file.js';

/** A `.meta` file that says nothing, and what to do about it. */
export interface MetaProblem {
  readonly identifier: string;
  /** Absolute path. */
  readonly file: string;
  /** One line. */
  readonly problem: string;
  readonly remedy: string;
}

/** Milliseconds by which the clock of a file system may be behind. */
const clockStep = 50;
/** Files that are looked at in one go, before others get their turn. */
const batch = 500;

/** Texts that may be long; they are read from the file when somebody asks for them. */
const longFields: readonly string[] = ['template', 'icicle', 'data'];

/**
 * What is in a directory of images, in memory: read at the first question, and again, what has changed of it, when the directory has. Our
 * own changes are seen at once, those of other processes after a while.
 */
export class DirectoryIndex {
  readonly #directory: string;
  readonly #entries = new Map<string, FileVersion & { readonly record: ImageRecord }>();
  readonly #problems = new Map<string, FileVersion & MetaProblem>();
  /** When the directory had been changed last, by its own account, when it was read. */
  #seen: number | undefined;
  #checked = 0;
  #refreshing: Promise<void> | undefined;
  /** Images that we changed ourselves while the directory was being read. */
  readonly #touched = new Set<string>();

  readonly #staleness: number;

  /** @param staleness milliseconds for which changes of other processes may go unnoticed */
  constructor(directory: string, staleness: number) {
    this.#directory = directory;
    this.#staleness = staleness;
  }

  /** Whether a field is not in the records that {@link records} gives. */
  static isLong(field: string): boolean {
    return longFields.includes(field);
  }

  get records(): Iterable<ImageRecord> {
    return this.#iterate();
  }

  *#iterate(): Generator<ImageRecord> {
    for (const { record } of this.#entries.values()) yield record;
  }

  get problems(): readonly MetaProblem[] {
    return [...this.#problems.values()].map(({ identifier, file, problem, remedy }) => ({
      identifier,
      file,
      problem,
      remedy,
    }));
  }

  /** Brings the index up to date, if it may be out of it. */
  async refresh(): Promise<void> {
    if (this.#refreshing !== undefined) return this.#refreshing;
    if (this.#seen !== undefined && Date.now() - this.#checked < this.#staleness) return;
    this.#refreshing = this.#refresh().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** Takes over what one file says now. */
  update(identifier: string): void {
    if (this.#refreshing !== undefined) this.#touched.add(identifier);
    if (this.#seen !== undefined || this.#refreshing !== undefined) this.#read(identifier);
  }

  async #refresh(): Promise<void> {
    const now = Date.now();
    // Where there is no directory, as there may be for who only looks, there are no images.
    const changed = (await stat(this.#directory).catch(unlessMissing))?.mtimeMs ?? 0;
    this.#checked = now;
    if (this.#seen === changed) return;
    const names = (await readdir(this.#directory).catch(unlessMissing)) ?? [];
    const present = new Set<string>();
    this.#touched.clear();
    let count = 0;
    for (const name of names) {
      const parts = partsOfName(name);
      if (parts?.suffix !== 'meta') continue;
      present.add(parts.identifier);
      if (!this.#isCurrent(parts.identifier)) this.#read(parts.identifier);
      if (++count % batch === 0) await turn();
    }
    for (const identifier of [...this.#entries.keys(), ...this.#problems.keys()]) {
      if (!present.has(identifier) && !this.#touched.has(identifier)) this.#forget(identifier);
    }
    // A change in the same tick of the file system's clock might have come after our look at it.
    this.#seen = now - changed > clockStep ? changed : Number.NaN;
  }

  #isCurrent(identifier: string): boolean {
    const known = this.#entries.get(identifier) ?? this.#problems.get(identifier);
    if (known === undefined) return false;
    const now = statSync(filesOf(this.#directory, identifier).meta, { throwIfNoEntry: false });
    return now?.ino === known.inode && now.mtimeMs === known.modified && now.size === known.size;
  }

  #read(identifier: string): void {
    const { meta } = filesOf(this.#directory, identifier);
    const found = readMeta(meta, identifier);
    this.#forget(identifier);
    if (found === undefined) return;
    const { inode, modified, size } = found;
    const version = { inode, modified, size };
    if (found.record !== undefined) {
      this.#entries.set(identifier, { ...version, record: shortened(found.record) });
      return;
    }
    this.#problems.set(identifier, { ...version, ...problemOf(identifier, meta, found) });
  }

  #forget(identifier: string): void {
    this.#entries.delete(identifier);
    this.#problems.delete(identifier);
  }
}

/** What to say of a `.meta` file that is no good. */
export function problemOf(
  identifier: string,
  file: string,
  { problem }: MetaFile & { problem: string },
): MetaProblem {
  return {
    identifier,
    file,
    problem,
    remedy: `restore ${file} from a backup, or remove it together with ${join(file, '..', `${identifier}.body`)}`,
  };
}

/** @throws the error, unless it says that there is no such file */
export function unlessMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error;
}

function shortened(record: ImageRecord): ImageRecord {
  // Of what is required, nothing is long.
  return Object.fromEntries(
    Object.entries(record).filter(([field]) => !DirectoryIndex.isLong(field)),
  ) as ImageRecord;
}
