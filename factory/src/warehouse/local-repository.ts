import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { StoreReader } from '../store/index.js';
import { writeAtomically } from '../platform/files/atomic-write.js';
import { errorCode } from '../platform/files/error-code.js';
import {
  type AnyImage,
  type DirectoryImageManager,
  ImageError,
  ProviderImage,
  TargetImage,
} from '../images/index.js';
import {
  type AttributeChanges,
  type Attributes,
  type ObjectBody,
  type ObjectKind,
  pickAttributes,
  type Repository,
  type StoredObject,
} from './repository.js';
import { StoreRecords } from './store-records.js';

/**
 * The objects of a warehouse in the directory of the factory. Those that it has built, pushed or imported follow from its store and its images,
 * and cannot be written. Others may be put beside them: target and provider images become images of the manager, the others small files in
 * `records/`.
 */
export class LocalRepository implements Repository {
  readonly #images: DirectoryImageManager;
  readonly #made: StoreRecords;

  constructor(images: DirectoryImageManager, store: StoreReader) {
    this.#images = images;
    this.#made = new StoreRecords(store, images);
  }

  async put<K extends ObjectKind>(
    kind: K,
    id: string,
    changes: AttributeChanges<K>,
    body?: ObjectBody,
  ): Promise<void> {
    await this.#assertFree(kind, id);
    if (kind === 'target_image' || kind === 'provider_image') return this.#putImage(kind, id, changes, body);
    const before = (await this.get(kind, id))?.attributes ?? {};
    const text =
      body === undefined || typeof body === 'string' ? (body ?? '') : await readFile(body.file, 'utf8');
    await this.#write(kind, id, { ...before, ...changes }, text);
  }

  async setAttributes<K extends ObjectKind>(
    kind: K,
    id: string,
    changes: AttributeChanges<K>,
  ): Promise<void> {
    await this.#assertFree(kind, id);
    const before = await this.get(kind, id);
    if (before === undefined)
      throw new ImageError('not_found', `there is no ${kind} ${id} in ${this.#images.directory}`);
    if (kind === 'target_image' || kind === 'provider_image')
      return this.#putImage(kind, id, changes, undefined);
    const { text } = (await this.#read(kind, id)) ?? { text: '' };
    await this.#write(kind, id, { ...before.attributes, ...changes }, text);
  }

  async get<K extends ObjectKind>(kind: K, id: string): Promise<StoredObject<K> | undefined> {
    if (await this.#made.owns(kind, checked(id))) {
      const attributes = await this.#made.attributes(kind, id);
      return attributes === undefined
        ? undefined
        : { kind, id, attributes: pickAttributes(kind, attributes) };
    }
    if (kind === 'target_image' || kind === 'provider_image') {
      const image = await this.#images.imageWithId(id);
      if (image === undefined || `${image.kind}_image` !== kind) return undefined;
      return { kind, id, attributes: pickAttributes(kind, attributesOfImage(image)) };
    }
    const found = await this.#read(kind, id);
    return found === undefined ? undefined : { kind, id, attributes: pickAttributes(kind, found.attributes) };
  }

  async body(kind: ObjectKind, id: string): Promise<Readable | undefined> {
    if ((await this.get(kind, id)) === undefined) return undefined;
    if (await this.#made.owns(kind, id)) {
      const body = await this.#made.body(kind, id);
      return typeof body === 'string' ? Readable.from([Buffer.from(body)]) : openFile(body.file);
    }
    if (kind !== 'target_image' && kind !== 'provider_image') {
      return Readable.from([Buffer.from((await this.#read(kind, id))?.text ?? '')]);
    }
    return openFile((await this.#images.imageWithId(id))?.data ?? '');
  }

  async find<K extends ObjectKind>(kind: K, where: Attributes<K>): Promise<readonly StoredObject<K>[]> {
    const wanted = Object.entries(pickAttributes(kind, where));
    const found: StoredObject<K>[] = [];
    for (const id of await this.#identifiers(kind)) {
      const object = await this.get(kind, id);
      const values: Readonly<Record<string, string | undefined>> = object?.attributes ?? {};
      if (object !== undefined && wanted.every(([name, value]) => values[name] === value)) found.push(object);
    }
    return found;
  }

  async delete(kind: ObjectKind, id: string): Promise<boolean> {
    if ((await this.get(kind, id)) === undefined) return false;
    await this.#assertFree(kind, id);
    if (kind === 'target_image' || kind === 'provider_image') await this.#images.deleteImageWithId(id);
    else await rm(this.#path(kind, id));
    return true;
  }

  async #identifiers(kind: ObjectKind): Promise<Iterable<string>> {
    return new Set([...(await this.#made.identifiers(kind)), ...(await this.#putIdentifiers(kind))]);
  }

  /** What follows the builds would only follow them again. */
  async #assertFree(kind: ObjectKind, id: string): Promise<void> {
    if (!(await this.#made.owns(kind, checked(id)))) return;
    throw new ImageError(
      'exists',
      `${kind} ${id} is on record as the agent made it, which is not to be changed; images go with \`imagefactory image delete\``,
    );
  }

  async #putIdentifiers(kind: ObjectKind): Promise<readonly string[]> {
    if (kind === 'target_image' || kind === 'provider_image') {
      const { items } = await this.#images.query({
        where: { kind: kind === 'target_image' ? 'target' : 'provider' },
      });
      return items.map(({ identifier }) => identifier);
    }
    try {
      const names = await readdir(join(this.#images.directory, 'records', kind));
      return names.flatMap(name => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : []));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  async #putImage(
    kind: 'target_image' | 'provider_image',
    id: string,
    changes: Readonly<Record<string, string | null | undefined>>,
    body: ObjectBody | undefined,
  ): Promise<void> {
    const image = await this.#images.imageWithId(id);
    const known = image ?? newImage(kind, id, changes);
    if (`${known.kind}_image` !== kind)
      throw new ImageError('exists', `image ${id} is no ${kind.replace('_', ' ')}`);
    change(known, changes);
    if (image !== undefined) return this.#images.saveImage(image);
    const source =
      body === undefined || typeof body === 'string'
        ? ({ kind: 'empty' } as const)
        : ({ kind: 'copy', path: body.file } as const);
    await this.#images.addImage(known, { body: source });
  }

  async #write(kind: ObjectKind, id: string, attributes: object, text: string): Promise<void> {
    const path = this.#path(kind, id);
    await mkdir(join(path, '..'), { recursive: true });
    await writeAtomically(path, `${JSON.stringify({ attributes, body: text })}\n`);
  }

  async #read(
    kind: ObjectKind,
    id: string,
  ): Promise<{ readonly attributes: Readonly<Record<string, unknown>>; readonly text: string } | undefined> {
    const path = this.#path(kind, id);
    try {
      const value: unknown = JSON.parse(await readFile(path, 'utf8'));
      if (typeof value === 'object' && value !== null && 'attributes' in value && 'body' in value) {
        const { attributes, body } = value;
        // Only asked for names by pickAttributes, which looks at what it gets.
        if (typeof attributes === 'object' && typeof body === 'string')
          return { attributes: { ...attributes }, text: body };
      }
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new ImageError('corrupt', `${path} cannot be used; restore it from a backup, or remove it`);
  }

  #path(kind: ObjectKind, id: string): string {
    return join(this.#images.directory, 'records', kind, `${checked(id)}.json`);
  }
}

/** @throws ImageError `invalid`: identifiers become names of files */
function checked(id: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id;
  throw new ImageError('invalid', 'the identifier of an object must be a uuid in lower case');
}

async function openFile(path: string): Promise<Readable | undefined> {
  return (await stat(path).catch(() => undefined)) === undefined ? undefined : createReadStream(path);
}

function newImage(
  kind: 'target_image' | 'provider_image',
  identifier: string,
  values: Readonly<Record<string, string | null | undefined>>,
): AnyImage {
  const common = { identifier, status: 'COMPLETE', statusDetail: { activity: 'imported' } } as const;
  return kind === 'target_image'
    ? new TargetImage({ ...common, target: values['target'] ?? '' })
    : new ProviderImage({ ...common, provider: values['provider'] ?? '' });
}

/** Attributes that are fields of an image; the others are among its properties. */
function attributesOfImage(image: AnyImage): Readonly<Record<string, unknown>> {
  const others = othersOf(image);
  if (image.kind === 'target') return { ...others, target: image.target };
  if (image.kind !== 'provider') return others;
  return {
    ...others,
    provider: image.provider,
    target_image: image.targetImageId,
    target_identifier: image.identifierOnProvider,
    provider_account_identifier: image.providerAccountIdentifier,
  };
}

function othersOf({ properties }: AnyImage): Readonly<Record<string, string>> {
  return textsIn(Object.entries(properties['warehouse'] ?? {}));
}

function textsIn(entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}

function change(image: AnyImage, changes: Readonly<Record<string, string | null | undefined>>): void {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  const warehouse = textsIn(Object.entries({ ...othersOf(image), ...Object.fromEntries(given) }));
  image.properties = { ...image.properties, warehouse };
  if (image.kind !== 'provider') return;
  const { target_image: target, target_identifier: known, provider_account_identifier: account } = changes;
  if (target !== undefined) image.targetImageId = target ?? undefined;
  if (known !== undefined) image.identifierOnProvider = known ?? undefined;
  if (account !== undefined) image.providerAccountIdentifier = account ?? undefined;
}
