import { randomUUID } from 'node:crypto';
import { type Change, type Store, StoreError } from '../../store/index.js';
import { isImageIdentifier } from '../persistent-image.js';
import {
  buildIn,
  type ImageDocument,
  type TargetImageDocument,
  withBuild,
  withTargetImages,
} from './documents.js';
import { importedIds, type ImportedIds, withImported } from './imports.js';
import { adaptorOf, allOf, type ChangeContext, changesTo, loadSet } from './rows.js';
import { type EndFacts, withDeletion, withOutcome } from './rules.js';

/** A request that the record cannot follow, with the argument that it is about. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError';
  constructor(
    readonly argument: 'image' | 'build',
    message: string,
  ) {
    super(message);
  }
}

/** Where a batch belongs: new uuids where the caller has left them open. */
export interface BatchPlace {
  readonly image: string;
  readonly build: string;
}

export interface NewTargetImage {
  readonly id: string;
  readonly target: string;
  /** Uuid of its template: one of the store, or of a template that is stored elsewhere. */
  readonly template?: string;
  /** Name of the object on the bus that shows its build. */
  readonly adaptor?: string;
  /** `image_uuid` as a caller of 2011 gave it. */
  readonly callerImageUuid?: string;
}

export interface NewProviderImage {
  readonly id: string;
  readonly targetImage: string;
  readonly provider: string;
  readonly adaptor?: string;
}

export interface ImportedImage extends BatchPlace {
  readonly description: string;
  readonly target: string;
  readonly provider: string;
  readonly targetIdentifier: string;
}

/** A build that was made elsewhere. */
export interface AdoptedBuild extends Pick<ImageDocument, 'description' | 'latestBuild' | 'latestUnpushed'> {
  readonly parent?: string;
  readonly targetImages: readonly Pick<TargetImageDocument, 'id' | 'target' | 'template'>[];
}

/** Records the changes of an image set, together with others of the same step. */
export type Recorder<T> = (changes: readonly Change[]) => Promise<T>;

/** The document as it is to be; the same one, or none, if nothing is to change; one without builds to remove it. */
type Apply = (image: ImageDocument | undefined) => ImageDocument | undefined;

/**
 * Image sets: which builds an image has had, for which targets, and where they were pushed. The record is the store's; each change is one
 * step of it, made of the set as it is by then.
 */
export class ImageSets {
  readonly #store: Store;
  /** The change of each set that is under way. */
  readonly #changing = new Map<string, Promise<unknown>>();

  /** A change that is a step of its own. */
  readonly #alone: ChangeOptions<unknown>;

  readonly #now: () => Date;

  /** @param now the clock */
  constructor(store: Store, now = () => new Date()) {
    this.#store = store;
    this.#now = now;
    this.#alone = {
      record: async changes => (changes.length === 0 ? undefined : await store.commit(changes)),
    };
  }

  /** The image set of that uuid. */
  async image(id: string): Promise<ImageDocument | undefined> {
    return isImageIdentifier(id) ? (await loadSet(this.#store, id))?.document : undefined;
  }

  /** The image set of that uuid, or the one of the build, target image or provider image of that uuid. */
  async imageOf(id: string): Promise<ImageDocument | undefined> {
    if (!isImageIdentifier(id)) return undefined;
    const image = await this.#store.get('images', id);
    const batch = await this.#store.get('batches', image?.batch ?? id);
    return await this.image(batch?.imageSet ?? id);
  }

  /** The place of a target or provider image, and the name of the object on the bus that shows its job. */
  async placeOf(id: string): Promise<(BatchPlace & { readonly adaptor?: string }) | undefined> {
    const row = await this.#store.get('images', id);
    const batch = row?.batch === undefined ? undefined : await this.#store.get('batches', row.batch);
    return row === undefined || batch === undefined
      ? undefined
      : { image: batch.imageSet, build: batch.id, ...adaptorOf(row) };
  }

  /** The text of the template that an image is, or is to be, made from; undefined if it is not in the store. */
  async templateOf(id: string): Promise<string | undefined> {
    if (!isImageIdentifier(id)) return undefined;
    const [image, job] = [await this.#store.get('images', id), await this.#store.get('jobs', id)];
    for (const template of [image?.template, job?.template]) {
      const found = template === undefined ? undefined : await this.#store.get('templates', template);
      if (found !== undefined) return found.text;
    }
    return undefined;
  }

  /** All image sets, one after the other. */
  async *images(): AsyncGenerator<ImageDocument> {
    for (const { id } of await allOf(this.#store, 'imageSets', [])) {
      const image = await this.image(id);
      if (image !== undefined) yield image;
    }
  }

  /**
   * The place of the next target images.
   *
   * @param image uuid; empty for a new image
   * @param build uuid; empty for a new build
   * @throws CatalogError if one is no uuid, or the uuid of something else than an image or a build of that image
   */
  async place(image: string, build: string): Promise<BatchPlace> {
    const known = await this.#owner('image', image);
    if (known !== undefined && known.id !== image)
      throw new CatalogError('image', `${image} belongs to the image ${known.id}; give that one, or none`);
    const builder = await this.#owner('build', build);
    if (builder !== undefined && (image !== '' || buildIn(builder, build) === undefined)) {
      if (builder.id !== image || buildIn(builder, build) === undefined)
        throw new CatalogError('build', `${build} is no build of ${image === '' ? 'an image' : image}`);
    }
    return {
      image: image === '' ? (builder?.id ?? randomUUID()) : image,
      build: build === '' ? randomUUID() : build,
    };
  }

  /**
   * Adds target images that are about to be made, and the image and the build if they are new.
   *
   * @param record records the order with them
   * @throws CatalogError if one of the uuids has become another image's since {@link place}
   */
  async addTargetImages(
    place: BatchPlace,
    description: string,
    targets: readonly NewTargetImage[],
    record?: Recorder<unknown>,
  ): Promise<void> {
    const added = targets.map(({ callerImageUuid: _uuid, ...target }) => ({
      ...target,
      outcome: { status: 'RUNNING' as const },
      providerImages: [],
    }));
    const facts = new Map(
      targets.map(({ callerImageUuid, id }) => [
        id,
        callerImageUuid === undefined ? {} : { callerImageUuid },
      ]),
    );
    const step = record === undefined ? this.#alone : { record, jobs: true };
    const apply = (image: ImageDocument | undefined): ImageDocument =>
      withBuild(this.#ensured(image, place, description), place.build, build => ({
        ...build,
        targetImages: [...build.targetImages, ...added],
      }));
    await claiming(place, () => this.#change<unknown>(place.image, apply, { facts, ...step }));
  }

  /** @throws CatalogError if the image, or a target image, is not on record any more */
  async addProviderImages(
    image: string,
    pushes: readonly NewProviderImage[],
    record?: Recorder<unknown>,
  ): Promise<void> {
    const apply = (document: ImageDocument | undefined): ImageDocument => {
      if (document === undefined) throw new CatalogError('image', `there is no image ${image}`);
      const known = new Set(document.builds.flatMap(({ targetImages }) => targetImages.map(({ id }) => id)));
      const missing = pushes.find(({ targetImage }) => !known.has(targetImage));
      if (missing !== undefined)
        throw new CatalogError('image', `target image ${missing.targetImage} is not on record any more`);
      return withTargetImages(document, target => {
        const added = pushes.filter(({ targetImage }) => targetImage === target.id);
        const outcome = { status: 'RUNNING' as const };
        return {
          ...target,
          providerImages: [
            ...target.providerImages,
            ...added.map(({ targetImage: _target, ...push }) => ({ ...push, outcome })),
          ],
        };
      });
    };
    await this.#change<unknown>(image, apply, record === undefined ? this.#alone : { record, jobs: true });
  }

  /**
   * Records the outcome of a target or provider image; the first one counts.
   *
   * @param record records the end of the job with it; called in any case
   */
  async ended<T>(id: string, end: EndFacts, record: Recorder<T>): Promise<T> {
    const owner = (await this.imageOf(id))?.id;
    if (owner === undefined) return await record([]);
    const at = this.#now().toISOString();
    const apply: Apply = image => (image === undefined ? undefined : withOutcome(image, id, end, at));
    return await this.#change(owner, apply, { jobs: true, record });
  }

  /**
   * Records an image that a provider has already. Of one that is known under the same provider only the provider's name of it changes.
   *
   * @throws CatalogError as {@link addTargetImages}
   */
  async importImage(imported: ImportedImage): Promise<ImportedIds> {
    const fresh: ImportedIds = { targetImage: randomUUID(), providerImage: randomUUID() };
    let ids = fresh;
    const apply = (document: ImageDocument | undefined): ImageDocument => {
      const known = this.#ensured(document, imported, imported.description);
      ids = importedIds(known, imported, fresh);
      return withImported(known, imported, ids);
    };
    await claiming(imported, () => this.#change<unknown>(imported.image, apply, this.#alone));
    return ids;
  }

  /** Takes over what another factory has recorded of an image, a build and its finished target images; records of this one stay as they are. */
  async adopt(place: BatchPlace, { parent, targetImages, ...adopted }: AdoptedBuild): Promise<void> {
    const { description, ...latest } = adopted;
    const apply = (document: ImageDocument | undefined): ImageDocument => ({
      ...latest,
      ...withBuild(this.#ensured(document, place, description), place.build, build => ({
        ...build,
        ...(build.parent === undefined && parent !== undefined ? { parent } : {}),
        targetImages: [
          ...build.targetImages,
          ...targetImages
            .filter(({ id }) => build.targetImages.every(target => target.id !== id))
            .map(target => ({
              ...{ ...target, adopted: true as const, outcome: { status: 'COMPLETED' as const } },
              providerImages: [],
            })),
        ],
      })),
    });
    await claiming(place, () => this.#change<unknown>(place.image, apply, this.#alone));
  }

  /** Records that target and provider images were deleted here; without effect on others. */
  async deleted(ids: readonly string[]): Promise<void> {
    const all = new Set(ids);
    const at = this.#now().toISOString();
    const owners = new Set<string>();
    for (const id of ids) {
      const owner = (await this.imageOf(id))?.id;
      if (owner !== undefined) owners.add(owner);
    }
    for (const owner of owners)
      await this.replace(owner, image => (image === undefined ? undefined : withDeletion(image, all, at)));
  }

  /** Replaces the record of a set by another. @returns whether that is a change */
  async replace(id: string, apply: Apply): Promise<boolean> {
    let isChange = false;
    await this.#change(id, apply, {
      record: async changes => {
        isChange = changes.length > 0;
        if (isChange) await this.#store.commit(changes);
      },
    });
    return isChange;
  }

  /** Changes of one set are made one after the other, each of what the one before has recorded. */
  async #change<T>(id: string, apply: Apply, options: ChangeOptions<T>): Promise<T> {
    const before = this.#changing.get(id) ?? Promise.resolve();
    const change = before.then(() => this.#changeNow(id, apply, options));
    const settled = change.then(
      () => undefined,
      () => undefined,
    );
    this.#changing.set(id, settled);
    try {
      return await change;
    } finally {
      if (this.#changing.get(id) === settled) this.#changing.delete(id);
    }
  }

  async #changeNow<T>(id: string, apply: Apply, { facts, jobs, record }: ChangeOptions<T>): Promise<T> {
    const loaded = await loadSet(this.#store, id);
    const after = apply(loaded?.document);
    const isChange = after !== undefined && after !== loaded?.document;
    return await record(isChange ? changesTo(loaded, after, { facts, jobs }) : []);
  }

  #ensured(image: ImageDocument | undefined, place: BatchPlace, description: string): ImageDocument {
    const known = image ?? { id: place.image, description, builds: [] };
    if (buildIn(known, place.build) !== undefined) return known;
    const build = { id: place.build, created: this.#now().toISOString(), targetImages: [] };
    return { ...known, builds: [...known.builds, build] };
  }

  async #owner(argument: 'image' | 'build', id: string): Promise<ImageDocument | undefined> {
    if (id === '') return undefined;
    if (isImageIdentifier(id)) return await this.imageOf(id);
    const shown = JSON.stringify(id.slice(0, 60));
    throw new CatalogError(argument, `${shown} is no uuid; leave it empty for a new one`);
  }
}

interface ChangeOptions<T> extends ChangeContext {
  readonly record: Recorder<T>;
}

/** The store refuses a build that has become another image's meanwhile. */
async function claiming<T>({ build }: BatchPlace, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'conflict' && error.message.includes(build)))
      throw error;
    throw new CatalogError('build', `${build} belongs to another image by now; give that one, or none`);
  }
}
