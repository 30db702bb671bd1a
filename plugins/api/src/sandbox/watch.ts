import { readdir, stat, statfs } from 'node:fs/promises';
import { cgroupReached } from './cgroup.js';
import { blockSize, type IdBlock } from './id-ranges.js';
import type { LimitName, SandboxLimits } from './limits.js';

/** Bytes on the disk, and number of files. */
export interface Usage {
  readonly bytes: number;
  readonly files: number;
}

export interface WatchOptions {
  /** Directory of everything that the sandbox may write. */
  readonly directory: string;
  readonly limits: SandboxLimits;
  readonly ids: IdBlock;
  readonly cgroup: string | undefined;
  /** Counts what the directory holds. */
  readonly measure: () => Promise<Usage>;
}

/** What the sandbox held when it was last counted, and the whole file system then. */
export interface Count {
  readonly own: Usage;
  readonly all: Usage;
  /** Time of the count, and what it took, in milliseconds. */
  readonly at: number;
  readonly took: number;
}

/** Milliseconds before the first count. */
const firstPause = 300;

/** Milliseconds between two looks. */
const interval = 200;

/**
 * Watches the limits that the kernel does not enforce by ending a process. The files of the sandbox are counted when the file system as a whole
 * has taken more than the sandbox has left, and now and then in any case, since what others free would hide what the sandbox takes. Counting takes
 * a bounded part of the time.
 */
export class LimitWatch {
  readonly #options: WatchOptions;
  readonly #onReached: (limit: LimitName) => void;
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();
  #reached: LimitName | undefined;
  #stopped = false;
  #last: Count;

  private constructor(options: WatchOptions, start: Count, onReached: (limit: LimitName) => void) {
    this.#options = options;
    this.#last = start;
    this.#onReached = onReached;
    this.#schedule();
  }

  /** @param last the count of an earlier watch over the same directory; default: the directory is empty */
  static async begin(
    options: WatchOptions,
    last: Count | undefined,
    onReached: (limit: LimitName) => void,
  ): Promise<LimitWatch> {
    const start = last ?? {
      ...{ own: { bytes: 0, files: 0 }, all: await fileSystemUsage(options.directory) },
      ...{ at: performance.now(), took: firstPause / 30 },
    };
    return new LimitWatch(options, start, onReached);
  }

  /** For the next watch over the same directory. */
  get count(): Count {
    return this.#last;
  }

  /** Looks once more and ends. @returns the limit that was reached, if one was */
  async stop(): Promise<LimitName | undefined> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#look;
    if (this.#reached === undefined) await this.#lookNow(10);
    return this.#reached;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#look = this.#lookNow().then(() => {
        if (!this.#stopped && this.#reached === undefined) this.#schedule();
      });
    }, interval);
  }

  /** @param share how much longer than counting the files the time between two counts is */
  async #lookNow(share = 30): Promise<void> {
    const found = (await this.#ofProcesses()) ?? (await this.#ofFiles(share));
    if (found === undefined || this.#reached !== undefined) return;
    this.#reached = found;
    this.#onReached(found);
  }

  async #ofProcesses(): Promise<LimitName | undefined> {
    const { cgroup, ids, limits } = this.#options;
    if (cgroup !== undefined) return cgroupReached(cgroup);
    return (await processesOf(ids)) >= limits.processes ? 'processes' : undefined;
  }

  async #ofFiles(share: number): Promise<LimitName | undefined> {
    const { directory, limits, measure } = this.#options;
    const all = await fileSystemUsage(directory).catch(() => undefined);
    if (all === undefined) return undefined;
    const { own, all: before, at, took } = this.#last;
    const suspect = (key: keyof Usage): boolean => all[key] - before[key] > limits[key] - own[key];
    const start = performance.now();
    if (start - at < took * share && !suspect('bytes') && !suspect('files')) return undefined;
    const now = await measure().catch(() => undefined);
    if (now === undefined) return undefined;
    const end = performance.now();
    this.#last = { own: now, all, at: end, took: end - start };
    if (now.bytes > limits.bytes) return 'bytes';
    return now.files > limits.files ? 'files' : undefined;
  }
}

async function fileSystemUsage(directory: string): Promise<Usage> {
  const { bsize, blocks, bfree, files, ffree } = await statfs(directory);
  return { bytes: (blocks - bfree) * bsize, files: files - ffree };
}

/** Processes whose user is one of the block. */
async function processesOf({ uid }: IdBlock): Promise<number> {
  let count = 0;
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d/.test(name)) continue;
    const owner = (await stat(`/proc/${name}`).catch(() => undefined))?.uid ?? -1;
    if (owner >= uid && owner < uid + blockSize) count += 1;
  }
  return count;
}
