import { join } from 'node:path';
import {
  importWaiting,
  OldRecords,
  RemoteImages,
  suspendUploader,
  Uploader,
  waitingFor,
} from './followers/index.js';
import {
  addMissingRows,
  deleteImage,
  type DeletionOptions,
  DirectoryStore,
  importCatalog,
  type ImageSets,
  makeImageDirectory,
} from './images/index.js';
import {
  BuildEngine,
  type EngineStop,
  imagesAtWork,
  importJournals,
  type JobOnRecord,
  JobRecords,
  OldLogs,
} from './jobs/index.js';
import { type FactoryOptions, type FactorySettings, factorySettings } from './options.js';
import {
  type AcceptedOrder,
  type BuildInput,
  follow,
  type FollowOptions,
  type Imported,
  type ImportInput,
  orderBuild,
  type OrderContext,
  orderImport,
  type OrderOptions,
  orderPush,
  orderTargetImagePush,
  type PushInput,
  restoreJobs,
  type TargetImagePushInput,
} from './orders/index.js';

import {
  assumeIdentity,
  CloseStack,
  errorLine,
  type Identity,
  type Leftover,
  type Logger,
  openScratchArea,
  removeArea,
  type ScratchArea,
} from './platform/index.js';
import { createProviders, type ProviderDirectory } from './plugins/index.js';
import {
  type Image,
  type Job,
  openStore,
  type Page,
  type Query,
  type Store,
  type StoredTemplate,
  type StoreEvent,
} from './store/index.js';
import {
  createFetcher,
  firstOf,
  imageTemplates,
  loadTemplate,
  type TemplateSources,
} from './templates/index.js';
import { LocalRepository, repositoryTemplates } from './warehouse/index.js';

/** The ids of a job that was ordered. */
export interface OrderedJob {
  /** Uuid of the job, and of the target or provider image that it makes. */
  readonly id: string;
  /** Uuid of the image, and of the build, that it belongs to. */
  readonly image: string;
  readonly build: string;
}

/** How a program orders; by default in its own name. */
export type CallOptions = Partial<OrderOptions>;

interface Parts {
  readonly settings: FactorySettings;
  readonly identity: Identity;
  readonly store: DirectoryStore;
  readonly record: Store;
  readonly engine: BuildEngine;
  readonly uploader: Uploader | undefined;
  readonly remote: RemoteImages | undefined;
  readonly jobs: JobRecords;
  readonly templates: TemplateSources;
  readonly closing: CloseStack;
  /** Time of the newest event of earlier starts. */
  readonly newest: string | undefined;
}

/**
 * Opens the factory of a directory, and goes on with the jobs of earlier starts.
 *
 * @throws RangeError for an option out of its range, Error if another process has the directory open, and errors of the file system
 */
export async function openFactory(options: FactoryOptions): Promise<Factory> {
  const factory = await Factory.open(options);
  try {
    await restoreJobs(factory, id => id);
    factory.start();
    return factory;
  } catch (error) {
    await factory.close();
    throw error;
  }
}

/** An image factory: takes orders, carries out their jobs, and has their record. It knows no bus, no HTTP and no process. */
export class Factory implements OrderContext {
  readonly directory: string;
  readonly identity: Identity;
  readonly store: DirectoryStore;
  readonly record: Store;
  readonly engine: BuildEngine;
  readonly catalog: ImageSets;
  readonly remote: RemoteImages | undefined;
  readonly templates: TemplateSources;
  readonly providers: ProviderDirectory;
  readonly log: Logger;
  readonly #parts: Parts;
  /** Aborted when the factory closes. */
  readonly #closed = new AbortController();

  private constructor(parts: Parts) {
    const { settings } = parts;
    this.#parts = parts;
    this.directory = settings.directory;
    this.identity = parts.identity;
    this.store = parts.store;
    this.record = parts.record;
    this.engine = parts.engine;
    this.catalog = parts.jobs.sets;
    this.remote = parts.remote;
    this.templates = parts.templates;
    this.log = settings.log;
    this.providers = createProviders(
      settings.providerDirectory,
      name => parts.engine.plugins.targetOfProvider(name),
      settings.log,
    );
  }

  /** As {@link openFactory}; jobs of earlier starts wait for {@link start}. For doors, which show them first: see `restoreJobs`. */
  static async open(options: FactoryOptions): Promise<Factory> {
    const settings = factorySettings(options);
    const closing = new CloseStack();
    try {
      return new Factory(await openParts(options, settings, closing));
    } catch (error) {
      await closing.close(reason => settings.log.warn(`while stopping: ${errorLine(reason)}`));
      throw error;
    }
  }

  /** Starts what waits: jobs of earlier starts, the warehouse, retention. Once. */
  start(): void {
    const { closing, jobs, settings, uploader } = this.#parts;
    uploader?.start();
    this.engine.resume();
    if (settings.keepRecords === 0) return;
    const records = new OldRecords({
      ...{ store: this.record, sets: this.catalog, images: this.store.images, log: this.log },
      newest: this.#parts.newest,
      days: settings.keepRecords,
      known: () => jobs.ids,
    });
    closing.push(() => records.stop());
  }

  /** Number of objects that have not been sent to the warehouse; 0 without one. */
  get waitingForWarehouse(): number {
    return this.#parts.uploader?.waiting ?? 0;
  }

  /**
   * Orders target images, which are made from one template.
   *
   * @returns the job of the target, or one for each of several
   * @throws OrderError with the field that is wrong
   */
  build(
    input: BuildInput & { readonly targets: readonly [string] },
    options?: CallOptions,
  ): Promise<OrderedJob>;
  build(input: BuildInput, options?: CallOptions): Promise<readonly OrderedJob[]>;
  async build(input: BuildInput, options?: CallOptions): Promise<OrderedJob | readonly OrderedJob[]> {
    const jobs = begun(await orderBuild(input, withDefaults(options), this));
    const [job] = jobs;
    return input.targets?.length === 1 && job !== undefined ? job : jobs;
  }

  /** Orders provider images of a build of an image. @throws OrderError with the field that is wrong */
  async push(input: PushInput, options?: CallOptions): Promise<readonly OrderedJob[]> {
    return begun(await orderPush(input, withDefaults(options), this));
  }

  /** Orders a provider image of one target image. @throws OrderError with the field that is wrong */
  async pushTargetImage(input: TargetImagePushInput, options?: CallOptions): Promise<OrderedJob> {
    const [job] = begun(await orderTargetImagePush(input, withDefaults(options), this));
    if (job === undefined) throw new Error('an order for one provider made no job');
    return job;
  }

  /** Records an image that a provider has already. @throws OrderError with the field that is wrong */
  import(input: ImportInput): Promise<Imported> {
    return orderImport(input, this);
  }

  /**
   * Ends a job, and resolves when nothing of it is left: after the grace period at most.
   *
   * @param by for people, as in "aborted by alice"
   * @returns `ended` if it came to its end by itself meanwhile; `unknown` if there is no such job, or it had ended
   */
  abort(job: string, by: string): Promise<'aborted' | 'ended' | 'unknown'> {
    return this.engine.abort(job, by);
  }

  /**
   * Deletes an image with its record. One that is in the warehouse stays on record, since it can be pushed from there.
   *
   * @returns the ids of what was deleted, children before their parents
   * @throws ImageError `not_found`, `has_children` or `busy`; StoreError
   */
  async deleteImage(id: string, options: DeletionOptions = {}): Promise<readonly string[]> {
    const { images } = this.store;
    const waiting = new Set((await waitingFor(this.record)).map(one => one.id));
    const isElsewhere = (one: string): boolean => this.remote !== undefined && !waiting.has(one);
    const context = { images, isElsewhere, sets: this.catalog, store: this.record };
    return await deleteImage(id, options, context);
  }

  /** @throws StoreError `invalid_query` with the name of the field */
  jobs(query?: Query): Promise<Page<Job>> {
    return this.record.find('jobs', query);
  }

  /** @throws StoreError `invalid_query` with the name of the field */
  images(query?: Query): Promise<Page<Image>> {
    return this.record.find('images', query);
  }

  /** @throws StoreError `invalid_query` with the name of the field */
  storedTemplates(query?: Query): Promise<Page<StoredTemplate>> {
    return this.record.find('templates', query);
  }

  /** The events of one job, which end with it, or of all, those to come included. Each once, in order. The stream ends when the factory closes. */
  events(options: FollowOptions = {}): AsyncGenerator<StoreEvent, void> {
    const { signal } = this.#closed;
    const ends = options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]);
    return follow(this.record, { ...options, signal: ends });
  }

  /** Takes no more orders, and waits until nothing is at work; jobs that can be resumed are left to the next start. */
  stopJobs(): Promise<EngineStop> {
    return this.engine.stop();
  }

  /** {@link stopJobs}, then lets the directory go. Never rejects; idempotent. */
  async close(): Promise<void> {
    await this.stopJobs();
    this.#closed.abort();
    await this.#parts.closing.close(error => this.log.warn(`while stopping: ${errorLine(error)}`));
  }
}

function withDefaults(options: CallOptions = {}): OrderOptions {
  return { caller: { key: '', name: 'this program' }, nameOf: id => id, ...options };
}

function begun(order: AcceptedOrder): readonly OrderedJob[] {
  order.start();
  return order.jobs.map(({ id }) => ({ id, ...order.place }));
}

async function openParts(
  options: FactoryOptions,
  settings: FactorySettings,
  closing: CloseStack,
): Promise<Parts> {
  const { directory, log } = settings;
  await makeImageDirectory(directory);
  const identity = await assumeIdentity(directory, log);
  closing.push(() => identity.release());
  const record = await openStore(join(directory, 'store'));
  closing.push(() => record.close());
  const newest = await newestTime(record);
  await importCatalog(directory, record, log);
  await importJournals(directory, record, log);
  await importWaiting(directory, record, log);
  const { records: jobs, found: earlier } = await JobRecords.open(record, log);
  const store = await openImages(settings, earlier);
  await addMissingRows(directory, record);
  const catalog = jobs.sets;
  const found: Leftover[] = [];
  const scratch = await openScratch(settings, found);
  closing.push(() => scratch.remove());
  const { warehouse, warehousePauses: pauses } = options;
  let uploader: Uploader | undefined;
  let remote: RemoteImages | undefined;
  if (warehouse === undefined) await suspendUploader(record, log);
  else {
    const opened = await Uploader.open({ store: record, images: store.images, warehouse, log, pauses });
    closing.push(() => opened.stop());
    uploader = opened;
    remote = new RemoteImages({ store, warehouse, catalog });
  }
  const templates = {
    store: firstOf([
      ...(options.templates === undefined ? [] : [options.templates]),
      ...(warehouse === undefined ? [] : [repositoryTemplates(warehouse)]),
      imageTemplates(store),
      imageTemplates(catalog),
      repositoryTemplates(new LocalRepository(store.images, record)),
    ]),
    fetch: createFetcher({ allowPrivateAddresses: options.allowPrivateAddresses === true }),
  };
  const engine = await BuildEngine.open({
    ...settings,
    ...{ plugins: options.plugins, store, scratch },
    ...(uploader === undefined ? {} : { archive: uploader }),
    logs: directory,
    cache: settings.cacheDirectory,
    record: {
      ...{ jobs, earlier, found },
      epoch: identity.epoch,
      load: descriptor => loadTemplate(descriptor, templates),
    },
  });
  closing.push(async () => {
    await engine.stop();
  });
  const logs = new OldLogs({ directory, known: () => jobs.ids, log });
  closing.push(() => logs.stop());
  return { settings, identity, store, record, engine, uploader, remote, jobs, templates, closing, newest };
}

/** Time of the newest event. */
async function newestTime(store: Store): Promise<string | undefined> {
  const { items } = await store.find('events', { sort: [{ field: 'sequence', descending: true }], limit: 1 });
  return items[0]?.at;
}

/** The images of jobs on record are the engine's: it says what becomes of them. */
function openImages(
  { directory, keepFailedImages, log }: FactorySettings,
  earlier: readonly JobOnRecord[],
): Promise<DirectoryStore> {
  const adopted = imagesAtWork(earlier);
  return DirectoryStore.open(directory, {
    adopts: identifier => adopted.has(identifier),
    keepFailed: keepFailedImages,
    onProblem: error => log.warn(`old records of failed images could not be removed: ${errorLine(error)}`),
  });
}

/** @param found gets what killed processes have left */
function openScratch({ temporaryDirectory, log }: FactorySettings, found: Leftover[]): Promise<ScratchArea> {
  return openScratchArea(temporaryDirectory, {
    async removeDead(area) {
      for (const leftover of await removeArea(area)) {
        const { what, why } = leftover;
        found.push(leftover);
        if (why === undefined) log.info(`removed what a killed agent had left: ${what}`);
        else log.warn(`a killed agent has left ${what}: ${why}; remove it by hand`);
      }
    },
    onForeign: (path, why) => log.warn(`${path} is not used and stays as it is: ${why}`),
  });
}
