import { type Archive, type FinishedWork, jobWord } from '../jobs/index.js';
import type { DirectoryImageManager } from '../images/index.js';
import { errorLine, type Logger } from '../platform/log/index.js';
import type { Store, StoreReader } from '../store/index.js';
import { type Repository, StoreRecords, WarehouseError } from '../warehouse/index.js';
import { type Attempt, Follower } from './follower.js';
import { nameOf, objectsOf, tasksOf, uploaderName, uploaderTypes } from './objects.js';
import { objectCount, OutageNews } from './outage-news.js';
import { suspendFollower } from './positions.js';
import { upload } from './upload.js';

/** Milliseconds. */
export interface UploaderPauses {
  /** Before the warehouse is tried again after an outage, doubled each time; default 1 000. */
  readonly pause?: number;
  /** Limit of that pause, and the time after which refused objects are sent again; default 300 000. */
  readonly longestPause?: number;
  /** How long a job waits for a warehouse that has an outage; default 15 000. */
  readonly patience?: number;
  /** Between two lines of the log on the same outage; default 600 000. */
  readonly reminder?: number;
}

export interface UploaderOptions {
  readonly store: Store;
  readonly images: DirectoryImageManager;
  readonly warehouse: Repository;
  readonly log: Logger;
  readonly pauses?: UploaderPauses | undefined;
}

/** Bytes of a body between two reports of progress. */
const reportEach = 10 * 1024 * 1024;

/**
 * The follower `warehouse`: sends the objects of an image warehouse as soon as it takes them. The record of the factory counts, and the warehouse gets
 * each object as it is when its turn comes.
 */
export class Uploader implements Archive {
  readonly #store: StoreReader;
  readonly #log: Logger;
  readonly #patience: number;
  readonly #follower: Follower;
  readonly #onSent: Set<(object: string, bytes: number) => void>;

  private constructor(
    { log, pauses, store }: UploaderOptions,
    follower: Follower,
    onSent: Set<(object: string, bytes: number) => void>,
  ) {
    this.#store = store;
    this.#log = log;
    this.#patience = pauses?.patience ?? 15_000;
    this.#follower = follower;
    this.#onSent = onSent;
  }

  /** A warehouse that is new to the store gets the objects that are made from now on. @throws StoreError */
  static async open(options: UploaderOptions): Promise<Uploader> {
    const { images, log, pauses = {}, store, warehouse } = options;
    const { longestPause = 300_000, pause, reminder } = pauses;
    const records = new StoreRecords(store, images);
    const news = new OutageNews({ log, longestPause, ...(reminder === undefined ? {} : { reminder }) });
    const onSent = new Set<(object: string, bytes: number) => void>();
    const follower: Follower = await Follower.open({
      ...{ name: uploaderName, store, log, longestPause, types: uploaderTypes },
      ...(pause === undefined ? {} : { pause }),
      tasksOf: event => tasksOf(store, event),
      work: async (object, signal) => {
        const tell = (bytes: number): void => {
          for (const listener of onSent) listener(object, bytes);
        };
        const outcome = await upload(nameOf(object), records, warehouse, { signal, onSent: tell });
        if (outcome === 'gone')
          log.debug(`${shown(object)} is not sent to the warehouse: it is not here, or not ours`);
      },
      isOutage,
      onOutage: error => {
        // As isOutage has found.
        if (error instanceof WarehouseError) news.away(error, follower.waiting);
      },
      onAvailable: () => news.back(follower.waiting),
      onRefused: (object, error) =>
        log.warn(
          `${shown(object)} could not be stored in the warehouse: ${errorLine(error)}; it is tried again later`,
        ),
    });
    return new Uploader(options, follower, onSent);
  }

  /** Number of objects that have not been sent. */
  get waiting(): number {
    return this.#follower.waiting;
  }

  start(): void {
    const { waiting } = this;
    if (waiting > 0)
      this.#log.notice(`${objectCount(waiting)} of an earlier run ${wait(waiting)} for the warehouse`);
    this.#follower.start();
  }

  /** Sends the objects of an image that is complete on record, while its job waits. */
  async keep({ order, log, image, progress, signal }: FinishedWork): Promise<void> {
    const objects = await this.#objectsOfJob(order.id);
    if (objects.length === 0) return;
    await progress.step('storing in the warehouse', 0, async step => {
      let reported = 0;
      const onSent = (object: string, bytes: number): void => {
        if (!objects.includes(object)) return;
        if (bytes < reported) reported = 0;
        if (bytes - reported < reportEach) return;
        reported = bytes;
        step.update(0, `${Math.floor(bytes / 1024 / 1024)} of ${Math.ceil(image.size / 1024 / 1024)} MiB`);
      };
      this.#onSent.add(onSent);
      const attempt = await this.#attempt(objects, signal).finally(() => this.#onSent.delete(onSent));
      if (attempt.kind === 'done') {
        log.info('stored in the warehouse');
        return;
      }
      log.warn(
        `not in the warehouse yet: ${attempt.reason}; the image is complete and goes there by itself as soon as the warehouse takes it`,
      );
      // An outage has one line for all jobs.
      this.#log[attempt.isLogged ? 'info' : 'warn'](
        `${jobWord(order)} ${order.id} completes without the warehouse: ${attempt.reason}; it is sent there by itself later (see \`imagefactory image waiting\`)`,
      );
    });
  }

  /** Ends the transfer under way; the objects that wait are sent after the next start. */
  async stop(): Promise<void> {
    await this.#follower.stop();
    const { waiting } = this;
    if (waiting === 0) return;
    const them = waiting === 1 ? 'it' : 'them';
    this.#log.notice(
      `${objectCount(waiting)} ${wait(waiting)} for the warehouse; the next start with it sends ${them}`,
    );
  }

  #attempt(objects: readonly string[], signal: AbortSignal): Promise<Attempt> {
    if (!this.#follower.hasOutage) return this.#follower.attempt(objects, signal);
    const patience = AbortSignal.timeout(this.#patience);
    return this.#follower.attempt(objects, AbortSignal.any([signal, patience]));
  }

  /** A push needs its target image in the warehouse too. */
  async #objectsOfJob(id: string): Promise<readonly string[]> {
    const made = await this.#store.get('images', id);
    const ids = made?.kind === 'provider' && made.parent !== undefined ? [made.parent, id] : [id];
    const objects = await Promise.all(ids.map(image => objectsOf(this.#store, image)));
    return [...new Set(objects.flat())];
  }
}

/** For an agent without a warehouse: objects of earlier runs wait on, and those of this run are none of the warehouse's. @throws StoreError */
export async function suspendUploader(store: Store, log: Logger): Promise<void> {
  const waiting = await suspendFollower(store, uploaderName, uploaderTypes, event => tasksOf(store, event));
  if (waiting === 0) return;
  log.warn(
    `${objectCount(waiting)} of earlier runs ${wait(waiting)} for a warehouse, and this agent has none: start it with --warehouse again, or forget them with \`imagefactory store forget-waiting\``,
  );
}

/** Whether nothing else can be sent either. */
function isOutage(error: unknown): boolean {
  return error instanceof WarehouseError && (error.retryable || error.code === 'not_authorised');
}

function shown(object: string): string {
  const { kind, id } = nameOf(object);
  return `${kind.replace('_', ' ')} ${id}`;
}

function wait(count: number): string {
  return count === 1 ? 'waits' : 'wait';
}
