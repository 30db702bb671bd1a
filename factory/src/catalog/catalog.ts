import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type EndFacts, withDeletion, withOutcome } from './book-keeping.js';
import {
  buildIn,
  type BuildDocument,
  idsIn,
  type ImageDocument,
  type TargetImageDocument,
  withBuild,
  withTargetImages,
} from './documents.js';
import type { Expiry } from './expiry.js';
import { importedIds, type ImportedIds, withImported } from './imports.js';
import { type BeforeChange, type Change, Ledger } from './ledger.js';
import { RecordFiles, uuidForm } from './record-files.js';
import { TemplateShelf } from './template-shelf.js';
import { type Removed, removeOld } from './upkeep.js';

/** A request that the catalogue cannot follow, with the argument that it is about. */
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
  /** Uuid of its template: one of the catalogue's `templates`, or of a template that is stored elsewhere. */
  readonly template?: string;
  readonly adaptor: string;
}

export interface NewProviderImage {
  readonly id: string;
  readonly targetImage: string;
  readonly provider: string;
  readonly adaptor: string;
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

/**
 * Which builds an image has had, for which targets, and where they were pushed. A directory with one JSON file for each image, and for
 * each of its builds, target and provider images a link to that. What is changed is on record for this process at once, so that what
 * is told of a build and what is on record of it never differ; the promise of each change resolves when it is safe on the disk, or can be
 * made again after a power cut, which is before anybody is told of it. Several processes may change the same directory: none undoes what another has done.
 */
export class Catalog {
  /** What images are made from. */
  readonly templates: TemplateShelf;
  readonly #files: RecordFiles;
  readonly #ledger: Ledger;

  private constructor(directory: string, beforeChange: BeforeChange) {
    this.#files = new RecordFiles(directory);
    this.#ledger = new Ledger(this.#files, beforeChange);
    const templates = join(directory, 'templates');
    this.templates = new TemplateShelf(templates);
    this.#files.removeParts([directory, templates]);
  }

  /**
   * @param beforeChange told what is going to be made or changed, right before it is: what it notes of that survives whenever the change does
   */
  static open(directory: string, beforeChange: BeforeChange = () => undefined): Catalog {
    return new Catalog(directory, beforeChange);
  }

  /** All images, one after the other. */
  async *images(): AsyncGenerator<ImageDocument> {
    const { images } = await this.#files.names();
    for (const id of images) {
      const image = this.image(id);
      if (image !== undefined) yield image;
    }
  }

  /** The image of that uuid, or the one that the build, target image or provider image of that uuid belongs to. */
  imageOf(id: string): ImageDocument | undefined {
    return this.#ledger.imageOf(id);
  }

  image(id: string): ImageDocument | undefined {
    return this.#ledger.image(id);
  }

  /** Resolves when all that was changed is on the disk, or cannot be. */
  settled(): Promise<void> {
    return this.#ledger.settled();
  }

  /**
   * Where the next target images go.
   *
   * @param image uuid; empty for a new image
   * @param build uuid; empty for a new build
   * @throws CatalogError for what is no uuid, or something else than an image or a build of that image
   */
  place(image: string, build: string): BatchPlace {
    const known = this.#owner('image', image);
    if (known !== undefined && known.id !== image) {
      throw new CatalogError('image', `${image} belongs to the image ${known.id}; give that one, or none`);
    }
    const builder = this.#owner('build', build);
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
   * Notes target images that are about to be made; makes the image and the build where there are none.
   *
   * @param backup resolves when that is safe from which a restart notes them again: they are told to be on record without a wait for the
   *   directory then; when it is rejected, nothing is noted
   * @throws CatalogError when one of their uuids has become another image's since {@link place}
   */
  async addTargetImages(
    place: BatchPlace,
    description: string,
    targets: readonly NewTargetImage[],
    backup?: Promise<unknown>,
  ): Promise<void> {
    const added = targets.map(target => ({
      ...target,
      outcome: { status: 'RUNNING' as const },
      providerImages: [],
    }));
    const created = new Date().toISOString();
    await this.#ledger.change({
      ...claiming(place),
      ...(backup === undefined ? {} : { backup }),
      apply: image =>
        withBuild(ensured(image, place, { description, created }), place.build, build => ({
          ...build,
          targetImages: [...build.targetImages, ...added],
        })),
    });
  }

  /** @param backup as in {@link addTargetImages} */
  async addProviderImages(
    image: string,
    pushes: readonly NewProviderImage[],
    backup?: Promise<unknown>,
  ): Promise<void> {
    await this.#ledger.change({
      image,
      ...(backup === undefined ? {} : { backup }),
      apply: document => {
        if (document === undefined) throw new CatalogError('image', `there is no image ${image}`);
        const known = idsIn(document);
        const missing = pushes.find(({ targetImage }) => !known.has(targetImage));
        if (missing !== undefined)
          throw new CatalogError('image', `target image ${missing.targetImage} is not on record any more`);
        return withTargetImages(document, target => {
          const added = pushes.filter(({ targetImage }) => targetImage === target.id);
          if (added.length === 0) return target;
          const outcome = { status: 'RUNNING' as const };
          return {
            ...target,
            providerImages: [
              ...target.providerImages,
              ...added.map(({ id, provider, adaptor }) => ({ id, provider, adaptor, outcome })),
            ],
          };
        });
      },
    });
  }

  /** Notes how a target or provider image has ended; without effect on one that is not in here. */
  async ended(id: string, facts: EndFacts): Promise<void> {
    const owner = this.imageOf(id);
    if (owner === undefined) return;
    const at = new Date().toISOString();
    await this.#ledger.change({
      image: owner.id,
      apply: image => (image === undefined ? undefined : withOutcome(image, id, facts, at)),
    });
  }

  /**
   * Notes an image that a provider has already. Of one that is known under the same provider only what the provider calls it
   * changes.
   *
   * @throws CatalogError as {@link addTargetImages}
   */
  async importImage(imported: ImportedImage): Promise<ImportedIds> {
    const { description } = imported;
    const fresh: ImportedIds = { targetImage: randomUUID(), providerImage: randomUUID() };
    const created = new Date().toISOString();
    let ids = fresh;
    await this.#ledger.change({
      ...claiming(imported),
      apply: document => {
        const known = ensured(document, imported, { description, created });
        ids = importedIds(known, imported, fresh);
        return withImported(known, imported, ids);
      },
    });
    return ids;
  }

  /**
   * Takes over what is known elsewhere of an image, a build and its target images, which are finished; what is on record here already stays as it
   * is. Nobody is told of that, since it is no news where it comes from.
   */
  async adopt(place: BatchPlace, adopted: AdoptedBuild): Promise<void> {
    const { parent, targetImages, latestBuild, latestUnpushed, description } = adopted;
    const created = new Date().toISOString();
    const latest = {
      ...(latestBuild === undefined ? {} : { latestBuild }),
      ...(latestUnpushed === undefined ? {} : { latestUnpushed }),
    };
    await this.#ledger.change({
      ...claiming(place),
      quiet: true,
      apply: document => {
        const known = ensured(document, place, { description, created });
        const image = withBuild(known, place.build, build => ({
          ...build,
          ...(build.parent === undefined && parent !== undefined ? { parent } : {}),
          targetImages: [
            ...build.targetImages,
            ...targetImages
              .filter(({ id }) => build.targetImages.every(target => target.id !== id))
              .map(target => ({ ...target, outcome: { status: 'COMPLETED' as const }, providerImages: [] })),
          ],
        }));
        return { ...latest, ...image };
      },
    });
  }

  /**
   * Notes that target and provider images are not in the image directory any more; without effect on those that are not in here.
   * What can still be pushed from elsewhere is not to be noted as that.
   */
  async deleted(ids: readonly string[]): Promise<void> {
    const all = new Set(ids);
    const deleted = new Date().toISOString();
    const images = new Set(ids.flatMap(id => this.imageOf(id)?.id ?? []));
    await Promise.all(
      [...images].map(image =>
        this.#ledger.change({
          image,
          apply: document => (document === undefined ? undefined : withDeletion(document, all, deleted)),
        }),
      ),
    );
  }

  /** Removes what may leave the catalogue; see {@link removeOld}. What is aborted goes on the next time. */
  removeOld(expiry: Expiry, signal?: AbortSignal): Promise<Removed> {
    const parts = { files: this.#files, ledger: this.#ledger, templates: this.templates };
    return removeOld(parts, expiry, signal);
  }

  #owner(argument: 'image' | 'build', id: string): ImageDocument | undefined {
    if (id === '') return undefined;
    if (!uuidForm.test(id)) {
      throw new CatalogError(
        argument,
        `${JSON.stringify(id.slice(0, 60))} is no uuid; leave it empty for a new one`,
      );
    }
    return this.imageOf(id);
  }
}

/** The image and the build of a batch are its own: another call may have taken the same uuids meanwhile. */
function claiming({ image, build }: BatchPlace): Pick<Change, 'image' | 'claims' | 'onClaimed'> {
  return {
    image,
    claims: [image, build],
    onClaimed: (id, owner) => {
      throw new CatalogError(
        id === image ? 'image' : 'build',
        `${id} belongs to the image ${owner} by now; give that one, or none`,
      );
    },
  };
}

function ensured(
  image: ImageDocument | undefined,
  place: BatchPlace,
  { description, created }: { readonly description: string; readonly created: string },
): ImageDocument {
  const known = image ?? { id: place.image, description, builds: [] };
  if (buildIn(known, place.build) !== undefined) return known;
  const build: BuildDocument = { id: place.build, created, targetImages: [] };
  return { ...known, builds: [...known.builds, build] };
}
