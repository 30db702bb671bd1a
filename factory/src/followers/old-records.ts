import type { Catalog } from '../catalog/index.js';
import type { DirectoryImageManager } from '../images/index.js';
import { errorLine, type Logger } from '../platform/log/index.js';
import { waitingDirectory } from './archive.js';
import { waitingIn } from './waiting-list.js';

/** Milliseconds of a day, which pass between two looks. */
const day = 24 * 3_600_000;

export interface OldRecordsOptions {
  readonly catalog: Catalog;
  readonly images: DirectoryImageManager;
  /** Days after which what was deleted, or has failed, leaves the catalogue. */
  readonly days: number;
  /** Uuids of builds and pushes that the agent may still be asked for, and of the images that they push. */
  readonly known: () => ReadonlySet<string>;
  readonly log: Logger;
}

/**
 * Removes the records of images that were deleted, or have failed, long ago from the catalogue, with the templates that nothing is made from any
 * more: now and once a day. What waits for a warehouse stays, as does what some agent is busy with. Never fails: what cannot be
 * removed is told in the agent's log.
 */
export class OldRecords {
  readonly #options: OldRecordsOptions;
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void>;

  constructor(options: OldRecordsOptions) {
    this.#options = options;
    this.#sweeping = this.#sweep();
    this.#timer = setInterval(() => {
      this.#sweeping = this.#sweeping.then(() => this.#sweep());
    }, day).unref();
  }

  /** Resolves when nothing is being removed any more; what has not been looked at is for the next start. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { catalog, days, images, known, log } = this.#options;
    try {
      const waiting = await waitingIn(waitingDirectory(images.directory));
      const inUse = new Set([...waiting.map(({ id }) => id), ...known()]);
      const { records, templates } = await catalog.removeOld(
        {
          before: new Date(Math.max(0, Date.now() - days * day)).toISOString(),
          // An image that was deleted may have been fetched from the warehouse again.
          isInUse: id => inUse.has(id) || images.holds(id),
        },
        this.#stop.signal,
      );
      if (records + templates > 0)
        log.info(
          `${records} records and ${templates} templates have left the catalogue: what they are about was deleted, or has failed, over ${days} days ago`,
        );
    } catch (error) {
      log.warn(`old records could not be removed: ${errorLine(error)}`);
    }
  }
}
