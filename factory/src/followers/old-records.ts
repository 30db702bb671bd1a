import { type DirectoryImageManager, type ImageSets, removeOld } from '../images/index.js';
import { readersOfAll } from '../jobs/index.js';
import { errorLine, type Logger } from '../platform/log/index.js';
import type { Store } from '../store/index.js';
import { waitingDirectory } from './archive.js';
import { waitingIn } from './waiting-list.js';

/** Milliseconds of a day, which pass between two looks. */
const day = 24 * 3_600_000;
/** Milliseconds that may pass between two records before a changed clock is the likelier reason. */
const longestPause = 7 * day;
/** Milliseconds by which the clock may be set while the process runs. */
const clockChange = 3_600_000;

export interface OldRecordsOptions {
  readonly store: Store;
  readonly sets: ImageSets;
  readonly images: DirectoryImageManager;
  /** Days after which records of images that were deleted, or have failed, are removed. */
  readonly days: number;
  /** Time of the newest record when the store was opened, ISO 8601; undefined for a store without events. */
  readonly newest: string | undefined;
  /** Uuids of jobs on record, and of the images that they push. */
  readonly known: () => ReadonlySet<string>;
  readonly log: Logger;
  /** Clock, and clock that is never set; milliseconds. */
  readonly now?: () => number;
  readonly elapsed?: () => number;
}

/**
 * Retention: removes the records of images that were deleted, or have failed, long ago, with the templates that nothing refers to any more: now and once
 * a day. It removes nothing when the clock has jumped against the newest record, or while a follower has not passed the events of that time. Errors are
 * logged.
 */
export class OldRecords {
  readonly #options: OldRecordsOptions;
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  /** Difference of the two clocks at the start. */
  readonly #offset: number;
  #sweeping: Promise<void>;

  constructor(options: OldRecordsOptions) {
    this.#options = options;
    this.#offset = this.#difference;
    const { log, newest } = options;
    if (newest !== undefined && Math.abs(this.#now - Date.parse(newest)) > longestPause) {
      const text = `the newest record is of ${newest.slice(0, 10)}; no old records are removed before the next start`;
      log.warn(`${text}: if the clock of this machine is wrong, set it before that`);
      this.#sweeping = Promise.resolve();
      return;
    }
    this.#sweeping = this.#sweep();
    this.#timer = setInterval(() => {
      this.#sweeping = this.#sweeping.then(() => this.#sweep());
    }, day).unref();
  }

  /** Resolves when nothing is being removed any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#sweeping;
  }

  get #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  get #difference(): number {
    return this.#now - (this.#options.elapsed ?? (() => performance.now()))();
  }

  async #sweep(): Promise<void> {
    const { days, images, known, log, sets, store } = this.#options;
    try {
      if (Math.abs(this.#difference - this.#offset) > clockChange) {
        log.warn('the clock of this machine was set; no old records are removed before the next start');
        return;
      }
      const before = new Date(Math.max(0, this.#now - days * day)).toISOString();
      if (await isFollowerBehind(store, before)) return;
      const waiting = await waitingIn(waitingDirectory(images.directory));
      const inUse = new Set([...waiting.map(({ id }) => id), ...known()]);
      // An image that was deleted may have been fetched from the warehouse again.
      const isInUse = (id: string): boolean => inUse.has(id) || images.holds(id);
      const { records, templates } = await removeOld(store, sets, { before, isInUse }, this.#stop.signal);
      if (records + templates > 0)
        log.info(
          `${records} records and ${templates} templates were removed: their images were deleted, or have failed, over ${days} days ago`,
        );
    } catch (error) {
      log.warn(`old records could not be removed: ${errorLine(error)}`);
    }
  }
}

/** Whether a follower has not passed all events before that time. */
async function isFollowerBehind(store: Store, before: string): Promise<boolean> {
  const { items: followers } = await store.find('followers', readersOfAll);
  if (followers.length === 0) return false;
  const where = [{ field: 'at', operator: '<', value: before }] as const;
  const { items } = await store.find('events', {
    where,
    sort: [{ field: 'sequence', descending: true }],
    limit: 1,
  });
  // A task with a position of its own names its object and needs no events.
  const readers = followers.filter(({ name }) => !name.includes('/'));
  return readers.some(({ position }) => position < (items[0]?.sequence ?? 0));
}
