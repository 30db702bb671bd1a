import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../files/error-code.js';
import { type EndFacts, withOutcome } from './book-keeping.js';
import { changesBetween, type RecordedThing } from './changes.js';
import {
  buildIn,
  type BuildDocument,
  type ImageDocument,
  type TargetImageDocument,
  withBuild,
} from './documents.js';
import { TemplateShelf } from './template-shelf.js';
import { writeWhole } from './write-whole.js';

/** A request that the catalogue cannot follow, with the argument that it is about. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError';
  constructor(
    readonly argument: string,
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

const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Which builds an image has had, for which targets, and where they were pushed. A directory with one JSON file for each image, and for
 * each of its builds and target images one that says which image that is. Nothing of it is kept in memory. All is done at once, so that
 * what is told of a build and what is on record of it never differ; the files are small.
 */
export class Catalog {
  /** What images are made from. */
  readonly templates: TemplateShelf;
  readonly #directory: string;
  readonly #beforeChange: (things: readonly RecordedThing[]) => void;

  private constructor(directory: string, beforeChange: (things: readonly RecordedThing[]) => void) {
    this.#directory = directory;
    this.#beforeChange = beforeChange;
    this.templates = new TemplateShelf(join(directory, 'templates'));
  }

  /**
   * @param beforeChange told what is going to be made or changed, right before it is: what it notes of that survives whenever the change does
   */
  static open(
    directory: string,
    beforeChange: (things: readonly RecordedThing[]) => void = () => undefined,
  ): Catalog {
    mkdirSync(directory, { recursive: true });
    const catalog = new Catalog(directory, beforeChange);
    for (const folder of [directory, join(directory, 'templates')]) {
      for (const name of readdirSync(folder)) {
        if (name.endsWith('.part')) rmSync(join(folder, name), { force: true });
      }
    }
    return catalog;
  }

  /** All images, one after the other. */
  async *images(): AsyncGenerator<ImageDocument> {
    for (const name of await readdir(this.#directory)) {
      const image = name.endsWith('.json') ? this.image(name.slice(0, -'.json'.length)) : undefined;
      if (image !== undefined) yield image;
    }
  }

  /** The image of that uuid, or the one that the build, target image or provider image of that uuid belongs to. */
  imageOf(id: string): ImageDocument | undefined {
    const found = this.#read(id);
    if (found === undefined || 'builds' in found) return found;
    const image = this.#read(found.image);
    return image !== undefined && 'builds' in image ? image : undefined;
  }

  image(id: string): ImageDocument | undefined {
    const found = this.#read(id);
    return found !== undefined && 'builds' in found ? found : undefined;
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

  /** Notes target images that are about to be made; makes the image and the build where there are none. */
  addTargetImages(place: BatchPlace, description: string, targets: readonly NewTargetImage[]): void {
    const added = targets.map(target => ({
      ...target,
      outcome: { status: 'RUNNING' as const },
      providerImages: [],
    }));
    this.#change(place.image, image =>
      withBuild(ensured(image, place, description), place.build, build => ({
        ...build,
        targetImages: [...build.targetImages, ...added],
      })),
    );
    this.#point([place.build, ...targets.map(({ id }) => id)], place.image);
  }

  addProviderImages(image: string, pushes: readonly NewProviderImage[]): void {
    this.#change(image, document => {
      if (document === undefined) throw new CatalogError('image', `there is no image ${image}`);
      return {
        ...document,
        builds: document.builds.map(build => ({
          ...build,
          targetImages: build.targetImages.map(target => ({
            ...target,
            providerImages: [
              ...target.providerImages,
              ...pushes
                .filter(({ targetImage }) => targetImage === target.id)
                .map(({ id, provider, adaptor }) => ({
                  id,
                  provider,
                  adaptor,
                  outcome: { status: 'RUNNING' as const },
                })),
            ],
          })),
        })),
      };
    });
    this.#point(
      pushes.map(({ id }) => id),
      image,
    );
  }

  /** Notes how a target or provider image has ended; without effect on one that is not in here. */
  ended(id: string, facts: EndFacts): void {
    const owner = this.imageOf(id);
    if (owner === undefined) return;
    this.#change(owner.id, image => (image === undefined ? undefined : withOutcome(image, id, facts)));
  }

  /**
   * Notes an image that a provider has already. Of one that is known under the same provider only what the provider calls it
   * changes.
   */
  importImage(imported: ImportedImage): { targetImage: string; providerImage: string } {
    const { image, build, target, provider, targetIdentifier } = imported;
    const fresh: { targetImage: string; providerImage: string } = {
      targetImage: randomUUID(),
      providerImage: randomUUID(),
    };
    let ids = fresh;
    this.#change(image, document => {
      const known = ensured(document, imported, imported.description);
      const before = known.latestBuild ?? known.latestUnpushed;
      const changed = withBuild(known, build, one => {
        const targetImage = one.targetImages.find(candidate => candidate.target === target);
        const providerImage = targetImage?.providerImages.find(candidate => candidate.provider === provider);
        ids = {
          targetImage: targetImage?.id ?? fresh.targetImage,
          providerImage: providerImage?.id ?? fresh.providerImage,
        };
        const completed = { status: 'COMPLETED' as const };
        const others = targetImage?.providerImages.filter(candidate => candidate !== providerImage) ?? [];
        return {
          ...one,
          ...(before === undefined || before === build || one.parent !== undefined ? {} : { parent: before }),
          targetImages: [
            ...one.targetImages.filter(candidate => candidate !== targetImage),
            {
              id: ids.targetImage,
              target,
              outcome: targetImage?.outcome ?? completed,
              providerImages: [
                ...others,
                { ...providerImage, id: ids.providerImage, provider, targetIdentifier, outcome: completed },
              ],
            },
          ],
        };
      });
      return { ...changed, latestBuild: build };
    });
    this.#point([build, ids.targetImage, ids.providerImage], image);
    return ids;
  }

  /**
   * Takes over what is known elsewhere of an image, a build and its target images, which are finished; what is on record here already stays as it
   * is. Nobody is told of that, since it is no news where it comes from.
   */
  adopt(place: BatchPlace, adopted: AdoptedBuild): void {
    const known = ensured(this.image(place.image), place, adopted.description);
    const { parent, targetImages, latestBuild, latestUnpushed } = adopted;
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
    const latest = {
      ...(latestBuild === undefined ? {} : { latestBuild }),
      ...(latestUnpushed === undefined ? {} : { latestUnpushed }),
    };
    this.#write(place.image, { ...latest, ...image });
    this.#point([place.build, ...targetImages.map(({ id }) => id)], place.image);
  }

  #owner(argument: string, id: string): ImageDocument | undefined {
    if (id === '') return undefined;
    if (!uuidForm.test(id)) {
      throw new CatalogError(
        argument,
        `${JSON.stringify(id.slice(0, 60))} is no uuid; leave it empty for a new one`,
      );
    }
    return this.imageOf(id);
  }

  #read(id: string): ImageDocument | Pointer | undefined {
    if (!uuidForm.test(id)) return undefined;
    const path = this.#path(id);
    try {
      const text = readFileSync(path, 'utf8');
      // A file that was new when the power failed may have its name and nothing else.
      if (text === '') return undefined;
      // Written by this class alone, and whole or not at all.
      return JSON.parse(text) as ImageDocument | Pointer;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      if (!(error instanceof SyntaxError)) throw error;
      throw new Error(`${path} is damaged (${error.message}); restore it from a backup, or remove it`, {
        cause: error,
      });
    }
  }

  #change(id: string, change: (image: ImageDocument | undefined) => ImageDocument | undefined): void {
    const known = this.image(id);
    const changed = change(known);
    if (changed === undefined || changed === known) return;
    const things = changesBetween(known, changed);
    if (things.length > 0) this.#beforeChange(things);
    this.#write(id, changed);
  }

  #point(ids: readonly string[], image: string): void {
    for (const id of ids) if (id !== image) this.#write(id, { image });
  }

  #write(id: string, content: ImageDocument | Pointer): void {
    writeWhole(this.#path(id), `${JSON.stringify(content)}\n`);
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}

/** Says which image a build, target image or provider image belongs to. */
interface Pointer {
  readonly image: string;
}

function ensured(image: ImageDocument | undefined, place: BatchPlace, description: string): ImageDocument {
  const known = image ?? { id: place.image, description, builds: [] };
  if (buildIn(known, place.build) !== undefined) return known;
  const build: BuildDocument = { id: place.build, created: new Date().toISOString(), targetImages: [] };
  return { ...known, builds: [...known.builds, build] };
}
