import type { AnyImage, DirectoryImageManager } from '../images/index.js';
import type { Condition, Image, Query, StoreReader, TableName } from '../store/index.js';
import { icicleIdOf, imageIdOfIcicle } from './icicle-names.js';
import type { ObjectBody, ObjectKind } from './repository.js';

export type Values = Readonly<Record<string, string | undefined>>;

/** The objects of an image warehouse as the store and the image files have them at the time of each question. */
export class StoreRecords {
  readonly #store: StoreReader;
  readonly #images: Pick<DirectoryImageManager, 'imageWithId'>;

  constructor(store: StoreReader, images: Pick<DirectoryImageManager, 'imageWithId'>) {
    this.#store = store;
    this.#images = images;
  }

  /** Whether the object follows the record of the factory and cannot be written; an unfinished image is no object yet. */
  async owns(kind: ObjectKind, id: string): Promise<boolean> {
    switch (kind) {
      case 'template':
        return (await this.#store.get('templates', id)) !== undefined;
      case 'icicle':
        return (await this.#icicle(id)) !== undefined;
      case 'image':
        return (await this.#store.get('imageSets', id)) !== undefined;
      case 'build':
        return (await this.#store.get('batches', id)) !== undefined;
      case 'target_image':
        return (await this.#made('target', id)) !== undefined;
      case 'provider_image':
        return (await this.#made('provider', id)) !== undefined;
    }
  }

  /** The attributes of an object; undefined if there is none, or none yet. */
  async attributes(kind: ObjectKind, id: string): Promise<Values | undefined> {
    switch (kind) {
      case 'template':
      case 'icicle':
        return (await this.owns(kind, id)) ? {} : undefined;
      case 'image': {
        const set = await this.#store.get('imageSets', id);
        if (set === undefined) return undefined;
        const { latestBatch, latestUnpushed } = set;
        return {
          template: await this.#latestTemplate(id),
          latest_build: latestBatch,
          latest_unpushed: latestUnpushed,
        };
      }
      case 'build': {
        const batch = await this.#store.get('batches', id);
        if (batch === undefined) return undefined;
        const timestamp = (Date.parse(batch.created) / 1000).toFixed(2);
        return { image: batch.imageSet, timestamp, parent: batch.parent };
      }
      case 'target_image':
        return this.#targetImage(id);
      case 'provider_image':
        return this.#providerImage(id);
    }
  }

  /** The body of an object that has {@link attributes}. */
  async body(kind: ObjectKind, id: string): Promise<ObjectBody> {
    switch (kind) {
      case 'template':
        return (await this.#store.get('templates', id))?.text ?? '';
      case 'icicle':
        return (await this.#icicle(id)) ?? '';
      case 'image':
        return (await this.#store.get('imageSets', id))?.description ?? '';
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
  identifiers(kind: ObjectKind): Promise<readonly string[]> {
    switch (kind) {
      case 'template':
        return this.#ids('templates');
      case 'image':
        return this.#ids('imageSets');
      case 'build':
        return this.#ids('batches');
      case 'provider_image':
        return this.#ids('images', ofKind('provider'));
      case 'target_image':
        return this.#ids('images', ofKind('target'));
      case 'icicle':
        return this.#ids('images', ofKind('target')).then(ids => ids.flatMap(id => icicleIdOf(id) ?? []));
    }
  }

  /** Whether a build is one of an image's. */
  async isBuildOf(image: string, build: string): Promise<boolean> {
    return (await this.#store.get('batches', build))?.imageSet === image;
  }

  async #targetImage(id: string): Promise<Values | undefined> {
    const made = await this.#made('target', id);
    if (made?.status !== 'complete') return undefined;
    const image = await this.#images.imageWithId(id);
    // A job of this factory leaves a file; an import never had one.
    if (image === undefined && isOfJob(made)) return undefined;
    return { target: made.target, template: made.template, build: made.batch, icicle: icicleFor(image) };
  }

  async #providerImage(id: string): Promise<Values | undefined> {
    const made = await this.#made('provider', id);
    if (made?.status !== 'complete') return undefined;
    if (isOfJob(made) && (await this.#images.imageWithId(id)) === undefined) return undefined;
    return {
      target_image: made.parent,
      provider: made.provider,
      target_identifier: made.identifierOnProvider,
      provider_account_identifier: made.account,
      icicle: icicleFor(made.parent === undefined ? undefined : await this.#images.imageWithId(made.parent)),
    };
  }

  async #icicle(id: string): Promise<string | undefined> {
    const image = imageIdOfIcicle(id);
    return image === undefined ? undefined : (await this.#images.imageWithId(image))?.icicle;
  }

  /** The row of an image that belongs to a batch; others are files that were put into the image directory. */
  async #made(kind: 'target' | 'provider', id: string): Promise<Image | undefined> {
    const image = await this.#store.get('images', id);
    return image?.kind === kind && image.batch !== undefined ? image : undefined;
  }

  /** Uuid of the template of the newest batch that has one. */
  async #latestTemplate(image: string): Promise<string | undefined> {
    let after: string | undefined;
    do {
      const batches = await this.#store.find('batches', {
        where: { imageSet: image },
        sort: [{ field: 'created', descending: true }],
        ...(after === undefined ? {} : { after }),
      });
      for (const { id: batch } of batches.items) {
        const targets = await this.#store.find('images', {
          where: [
            ...ofKind('target'),
            is('batch', batch),
            { field: 'template', operator: '!=', value: null },
          ],
          sort: [{ field: 'created', descending: true }],
          limit: 1,
        });
        const template = targets.items[0]?.template;
        if (template !== undefined) return template;
      }
      after = batches.next;
    } while (after !== undefined);
    return undefined;
  }

  async #ids(
    table: Extract<TableName, 'templates' | 'imageSets' | 'batches' | 'images'>,
    where: readonly Condition[] = [],
  ): Promise<readonly string[]> {
    const found: string[] = [];
    let query: Query | undefined = { where, limit: 1000 };
    while (query !== undefined) {
      const { items, next }: { readonly items: readonly { readonly id: string }[]; readonly next?: string } =
        await this.#store.find(table, query);
      found.push(...items.map(({ id }) => id));
      query = next === undefined ? undefined : { where, limit: 1000, after: next };
    }
    return found;
  }
}

function is(field: string, value: string): Condition {
  return { field, operator: '=', value };
}

function ofKind(kind: 'target' | 'provider'): readonly Condition[] {
  return [is('kind', kind), { field: 'batch', operator: '!=', value: null }];
}

function isOfJob({ properties }: Image): boolean {
  return properties['adaptor'] !== undefined;
}

function icicleFor(image: AnyImage | undefined): string | undefined {
  return image?.icicle === undefined ? undefined : icicleIdOf(image.identifier);
}
