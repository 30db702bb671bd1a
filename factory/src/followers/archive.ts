import { join } from 'node:path';
import type { Store } from '../store/index.js';
import { type Archive, type FinishedWork, jobWord } from '../jobs/index.js';
import type { DirectoryStore, ImageSets } from '../images/index.js';
import { changesBetween, type RecordedThing } from './changes.js';
import { errorLine, type Logger } from '../platform/log/index.js';
import { CatalogRecords, type Repository } from '../warehouse/index.js';
import { Courier, type CourierOptions } from './courier.js';
import { RemoteImages } from './remote-images.js';
import { send } from './send.js';
import { WaitingList, waitingIn } from './waiting-list.js';

export interface ArchiveOptions {
  /** The images of the agent, in whose directory the records are. */
  readonly store: DirectoryStore;
  readonly catalog: ImageSets;
  readonly records: Store;
  /** Where all that is on record is stored too. */
  readonly warehouse?: Repository;
  readonly log: Logger;
  readonly courier?: Pick<CourierOptions, 'pause' | 'longestPause' | 'patience' | 'reminder'>;
}

/** Bytes of a body between two reports on how much of it was sent. */
const reportEach = 10 * 1024 * 1024;

/**
 * The records of an agent: its catalogue, and the warehouse that follows it, if there is one. The catalogue and the images are what counts;
 * the warehouse gets all that changes there, in its order, as soon as it takes it.
 */
export class BuildArchive implements Archive {
  readonly catalog: ImageSets;
  readonly records: CatalogRecords;
  /** Target images that are only in the warehouse; undefined without one. */
  readonly remote: RemoteImages | undefined;
  readonly #list: WaitingList | undefined;
  readonly #courier: Courier | undefined;
  readonly #log: Logger;

  private constructor(
    { catalog, records, store, warehouse, log, courier }: ArchiveOptions,
    list: WaitingList | undefined,
  ) {
    const { images } = store;
    this.#log = log;
    this.#list = list;
    if (warehouse !== undefined && list !== undefined) {
      this.#courier = new Courier({
        ...{ list, log, ...courier },
        send: (thing, options) =>
          send(thing, { catalog: this.catalog, records: this.records, warehouse }, options),
      });
    }
    this.catalog = catalog;
    catalog.beforeChange = async (before, after) => {
      const things = changesBetween(before, after);
      this.#list?.add(things);
      await this.#list?.synced();
      return () => this.#courier?.mark(things);
    };
    this.records = new CatalogRecords(catalog, records, images);
    this.remote =
      warehouse === undefined ? undefined : new RemoteImages({ store, warehouse, catalog: this.catalog });
  }

  static async open(options: ArchiveOptions): Promise<BuildArchive> {
    const directory = waitingDirectory(options.store.images.directory);
    if (options.warehouse === undefined) {
      const { length } = await waitingIn(directory);
      if (length > 0) {
        options.log.warn(
          `${length} of what was made earlier wait for a warehouse, and this agent has none: start it with --warehouse again, or remove ${directory} if nobody needs them there`,
        );
      }
      return new BuildArchive(options, undefined);
    }
    const list = await WaitingList.open(directory);
    return new BuildArchive(options, list);
  }

  /** How much has not been sent to the warehouse. */
  get waiting(): number {
    return this.#courier?.waiting ?? 0;
  }

  /** Begins to send what waits. */
  start(): void {
    this.#courier?.start();
  }

  async keep({ order, log, image, progress, signal }: FinishedWork): Promise<void> {
    const things = await this.#thingsOf(order.id);
    const courier = this.#courier;
    if (courier === undefined || things.length === 0) return;
    await progress.step('storing in the warehouse', 0, async step => {
      let reported = 0;
      const onSent = (bytes: number): void => {
        if (bytes < reported) reported = 0;
        if (bytes - reported < reportEach) return;
        reported = bytes;
        step.update(0, `${Math.floor(bytes / 1024 / 1024)} of ${Math.ceil(image.size / 1024 / 1024)} MiB`);
      };
      const delivery = await courier.deliver(things, { signal, onSent });
      if (delivery.kind === 'sent') {
        log.info('stored in the warehouse');
        return;
      }
      await this.#list?.synced().catch((error: unknown) => this.#log.warn(errorLine(error)));
      log.warn(
        `not in the warehouse yet: ${delivery.reason}; the image is complete and goes there by itself as soon as the warehouse takes it`,
      );
      // Of a warehouse that is away there is one line for all builds.
      this.#log[delivery.isTold ? 'info' : 'warn'](
        `${jobWord(order)} ${order.id} completes without the warehouse: ${delivery.reason}; it is sent there by itself later (see \`imagefactory image waiting\`)`,
      );
    });
  }

  async stop(): Promise<void> {
    await this.#courier?.stop();
  }

  /** What must be in the warehouse before anybody hears that an image is finished. */
  async #thingsOf(id: string): Promise<readonly RecordedThing[]> {
    const image = await this.catalog.imageOf(id);
    if (image === undefined) return [];
    const things: RecordedThing[] = [{ kind: 'image', id: image.id }];
    for (const build of image.builds) {
      for (const target of build.targetImages) {
        const isPush = target.providerImages.some(push => push.id === id);
        if (target.id !== id && !isPush) continue;
        things.push({ kind: 'build', id: build.id }, { kind: 'target_image', id: target.id });
        if (target.template !== undefined) things.push({ kind: 'template', id: target.template });
        if (isPush) things.push({ kind: 'provider_image', id });
      }
    }
    return things;
  }
}

/** Where an agent with that image directory notes what waits for the warehouse. */
export function waitingDirectory(images: string): string {
  return join(images, 'warehouse');
}
