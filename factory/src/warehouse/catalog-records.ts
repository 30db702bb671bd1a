import {
  allOf,
  type BuildDocument,
  buildIn,
  type ImageDocument,
  latestTemplate,
  type ProviderImageDocument,
  type TargetImageDocument,
  type AnyImage,
  type DirectoryImageManager,
  type ImageSets,
} from '../images/index.js';
import type { Store } from '../store/index.js';
import { icicleIdOf, imageIdOfIcicle } from './icicle-names.js';
import type { ObjectBody, ObjectKind } from './repository.js';

export type Values = Readonly<Record<string, string | undefined>>;

/** A provider image or a target image on record, with what it belongs to. */
interface Made {
  readonly build: BuildDocument;
  readonly target: TargetImageDocument;
  readonly push?: ProviderImageDocument;
}

/**
 * What an agent's catalogue and its images say about the objects of an image warehouse. Nothing is kept for that: each answer is made of what
 * is on record at that moment.
 */
export class CatalogRecords {
  readonly #catalog: ImageSets;
  readonly #store: Store;
  readonly #images: DirectoryImageManager;

  constructor(catalog: ImageSets, store: Store, images: DirectoryImageManager) {
    this.#catalog = catalog;
    this.#store = store;
    this.#images = images;
  }

  /** Whether the object is the catalogue's, which follows the builds, and nobody else's to write; it may be unfinished, and so no object yet. */
  async owns(kind: ObjectKind, id: string): Promise<boolean> {
    switch (kind) {
      case 'template':
        return (await this.#store.get('templates', id)) !== undefined;
      case 'icicle':
        return (await this.#icicle(id)) !== undefined;
      case 'image':
        return (await this.#catalog.image(id)) !== undefined;
      case 'build':
        return (await this.#build(id)) !== undefined;
      case 'target_image':
      case 'provider_image':
        return (await this.#made(kind, id)) !== undefined;
    }
  }

  /** The attributes of an object; undefined where there is none, or none yet. */
  async attributes(kind: ObjectKind, id: string): Promise<Values | undefined> {
    switch (kind) {
      case 'template':
      case 'icicle':
        return (await this.owns(kind, id)) ? {} : undefined;
      case 'image': {
        const image = await this.#catalog.image(id);
        if (image === undefined) return undefined;
        const { latestBuild, latestUnpushed } = image;
        return {
          template: latestTemplate(image),
          latest_build: latestBuild,
          latest_unpushed: latestUnpushed,
        };
      }
      case 'build': {
        const found = await this.#build(id);
        if (found === undefined) return undefined;
        const { image, build } = found;
        const timestamp = (Date.parse(build.created) / 1000).toFixed(2);
        return { image: image.id, timestamp, parent: build.parent };
      }
      case 'target_image':
        return this.#targetImage(id);
      case 'provider_image':
        return this.#providerImage(id);
    }
  }

  /** The body of an object that has {@link attributes}; a file stays its owner's. */
  async body(kind: ObjectKind, id: string): Promise<ObjectBody> {
    switch (kind) {
      case 'template':
        return (await this.#store.get('templates', id))?.text ?? '';
      case 'icicle':
        return (await this.#icicle(id)) ?? '';
      case 'image':
        return (await this.#catalog.image(id))?.description ?? '';
      case 'build':
        return '';
      case 'target_image':
      case 'provider_image': {
        const path = (await this.#images.imageWithId(id))?.data;
        return path === undefined ? '' : { file: path };
      }
    }
  }

  /** The identifiers of all objects of a kind, and perhaps of some that are none yet. */
  async identifiers(kind: ObjectKind): Promise<readonly string[]> {
    if (kind === 'template') return (await allOf(this.#store, 'templates', [])).map(({ id }) => id);
    const found: string[] = [];
    for await (const image of this.#catalog.images()) {
      const targets = image.builds.flatMap(({ targetImages }) => targetImages);
      const parts: Readonly<Record<typeof kind, readonly { readonly id: string }[]>> = {
        image: [image],
        build: image.builds,
        target_image: targets,
        provider_image: targets.flatMap(({ providerImages }) => providerImages),
        icicle: targets.flatMap(target => {
          const id = icicleIdOf(target.id);
          return id === undefined ? [] : [{ id }];
        }),
      };
      found.push(...parts[kind].map(({ id }) => id));
    }
    return found;
  }

  async #targetImage(id: string): Promise<Values | undefined> {
    const made = await this.#made('target_image', id);
    if (made?.target.outcome.status !== 'COMPLETED') return undefined;
    const image = await this.#images.imageWithId(id);
    // What an agent has made and somebody has deleted is no more; what was imported has never had a body.
    if (image === undefined && made.target.adaptor !== undefined) return undefined;
    const { target, template } = made.target;
    return { target, template, build: made.build.id, icicle: icicleFor(image) };
  }

  async #providerImage(id: string): Promise<Values | undefined> {
    const made = await this.#made('provider_image', id);
    const push = made?.push;
    if (made === undefined || push?.outcome.status !== 'COMPLETED') return undefined;
    if (push.adaptor !== undefined && (await this.#images.imageWithId(id)) === undefined) return undefined;
    return {
      target_image: made.target.id,
      provider: push.provider,
      target_identifier: push.targetIdentifier,
      provider_account_identifier: push.account,
      icicle: icicleFor(await this.#images.imageWithId(made.target.id)),
    };
  }

  async #icicle(id: string): Promise<string | undefined> {
    const image = imageIdOfIcicle(id);
    return image === undefined ? undefined : (await this.#images.imageWithId(image))?.icicle;
  }

  async #build(
    id: string,
  ): Promise<{ readonly image: ImageDocument; readonly build: BuildDocument } | undefined> {
    const image = await this.#catalog.imageOf(id);
    const build = image === undefined ? undefined : buildIn(image, id);
    return image === undefined || build === undefined ? undefined : { image, build };
  }

  async #made(kind: 'target_image' | 'provider_image', id: string): Promise<Made | undefined> {
    for (const build of (await this.#catalog.imageOf(id))?.builds ?? []) {
      for (const target of build.targetImages) {
        if (kind === 'target_image' && target.id === id) return { build, target };
        const push = target.providerImages.find(candidate => candidate.id === id);
        if (kind === 'provider_image' && push !== undefined) return { build, target, push };
      }
    }
    return undefined;
  }
}

function icicleFor(image: AnyImage | undefined): string | undefined {
  return image?.icicle === undefined ? undefined : icicleIdOf(image.identifier);
}
