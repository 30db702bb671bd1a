import type { Readable } from 'node:stream';
import { HttpClient, type HttpClientOptions } from './http-client.js';
import { keysIn, queryOf } from './query.js';
import {
  type AttributeChanges,
  type Attributes,
  attributesOf,
  type ObjectBody,
  type ObjectKind,
  pickAttributes,
  type Repository,
  type StoredObject,
  textOf,
  type TransferOptions,
} from './repository.js';
import { WarehouseError } from './warehouse-error.js';

/** Buckets by what is in them. */
export type Buckets = Readonly<Record<ObjectKind, string>>;

export const defaultBuckets: Buckets = {
  template: 'templates',
  image: 'images',
  build: 'builds',
  target_image: 'target_images',
  provider_image: 'provider_images',
  icicle: 'icicles',
};

export interface WarehouseOptions extends HttpClientOptions {
  readonly buckets?: Partial<Buckets>;
}

/** Attributes are short texts; what is longer is none of ours. */
const attributeLimit = 1024 * 1024;

/** A repository that is an image warehouse (iwhd) behind HTTP. */
export class WarehouseRepository implements Repository {
  readonly #http: HttpClient;
  readonly #buckets: Buckets;
  readonly #made = new Map<string, Promise<void>>();

  /** @throws WarehouseError `invalid` */
  constructor(url: string, options: WarehouseOptions = {}) {
    this.#http = new HttpClient(url, options);
    this.#buckets = { ...defaultBuckets, ...options.buckets };
    for (const name of Object.values(this.#buckets)) {
      // iwhd keeps names with an underscore before them to itself.
      if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
        throw new WarehouseError(
          'invalid',
          `the bucket ${JSON.stringify(name)} cannot be: letters, digits, _ . - are expected`,
        );
      }
    }
  }

  async put<K extends ObjectKind>(
    kind: K,
    id: string,
    attributes: AttributeChanges<K>,
    body: ObjectBody = '',
    options: TransferOptions = {},
  ): Promise<void> {
    await this.#ensureBucket(kind, options);
    const contentType = typeof body === 'string' ? 'text/plain' : 'application/octet-stream';
    try {
      await this.#done({
        method: 'PUT',
        path: [this.#buckets[kind], checked(id)],
        body,
        contentType,
        ...options,
      });
    } catch (error) {
      // Perhaps the bucket was there when it was made and is no more.
      this.#made.delete(this.#buckets[kind]);
      throw error;
    }
    // The type last: without it no question finds the object.
    await this.#write(kind, id, { ...attributes, uuid: id, object_type: kind }, options);
  }

  async setAttributes<K extends ObjectKind>(
    kind: K,
    id: string,
    attributes: AttributeChanges<K>,
    options: TransferOptions = {},
  ): Promise<void> {
    if ((await this.#attribute(kind, id, 'object_type', options)) === undefined) {
      throw new WarehouseError('refused', `there is no ${kind} ${id} in the warehouse`);
    }
    await this.#write(kind, id, attributes, options);
  }

  async get<K extends ObjectKind>(
    kind: K,
    id: string,
    options: TransferOptions = {},
  ): Promise<StoredObject<K> | undefined> {
    if ((await this.#attribute(kind, id, 'object_type', options)) !== kind) return undefined;
    const names: readonly string[] = attributesOf[kind];
    const values = await Promise.all(
      names.map(async name => [name, await this.#attribute(kind, id, name, options)] as const),
    );
    return { kind, id, attributes: pickAttributes(kind, Object.fromEntries(values)) };
  }

  async body(kind: ObjectKind, id: string, { signal }: TransferOptions = {}): Promise<Readable | undefined> {
    const response = await this.#http.send({
      method: 'GET',
      path: [this.#buckets[kind], checked(id)],
      also: [404],
      signal,
    });
    if (response.statusCode !== 404) return response;
    response.resume();
    return undefined;
  }

  async find<K extends ObjectKind>(
    kind: K,
    where: Attributes<K>,
    { signal }: TransferOptions = {},
  ): Promise<readonly StoredObject<K>[]> {
    const wanted = Object.entries(pickAttributes(kind, where));
    const response = await this.#http.send({
      method: 'POST',
      path: [this.#buckets[kind], '_query'],
      body: queryOf({ ...Object.fromEntries<string>(wanted as [string, string][]), object_type: kind }),
      contentType: 'application/x-www-form-urlencoded',
      // What iwhd answers when nothing is found, or the bucket is not there yet.
      also: [404],
      signal,
    });
    const answer = await textOf(response);
    if (response.statusCode === 404) return [];
    const found: StoredObject<K>[] = [];
    for (const id of keysIn(answer)) {
      const object = await this.get(kind, id, { signal });
      const values: Readonly<Record<string, string | undefined>> = object?.attributes ?? {};
      if (object !== undefined && wanted.every(([name, value]) => values[name] === value)) found.push(object);
    }
    return found;
  }

  async delete(kind: ObjectKind, id: string, { signal }: TransferOptions = {}): Promise<boolean> {
    const response = await this.#http.send({
      method: 'DELETE',
      path: [this.#buckets[kind], checked(id)],
      also: [404],
      signal,
    });
    response.resume();
    return response.statusCode !== 404;
  }

  async #write(
    kind: ObjectKind,
    id: string,
    values: Readonly<Record<string, string | null | undefined>>,
    { signal }: TransferOptions,
  ): Promise<void> {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) continue;
      const path = [this.#buckets[kind], checked(id), name];
      await this.#done({ method: 'PUT', path, body: value ?? '', signal });
    }
  }

  async #attribute(
    kind: ObjectKind,
    id: string,
    name: string,
    { signal }: TransferOptions = {},
  ): Promise<string | undefined> {
    const path = [this.#buckets[kind], checked(id), name];
    const response = await this.#http.send({
      method: 'GET',
      path,
      also: [404],
      signal,
    });
    const text = await textOf(response, attributeLimit);
    return response.statusCode === 404 ? undefined : text;
  }

  #ensureBucket(kind: ObjectKind, { signal }: TransferOptions): Promise<void> {
    const bucket = this.#buckets[kind];
    let made = this.#made.get(bucket);
    if (made === undefined) {
      // iwhd answers 500 for a bucket that is there already; if it cannot be made, storing something in it says so.
      made = this.#done({
        method: 'PUT',
        path: [bucket],
        also: [409, 500],
        signal,
      });
      this.#made.set(bucket, made);
      made.catch(() => this.#made.delete(bucket));
    }
    return made;
  }

  async #done(request: Parameters<HttpClient['send']>[0]): Promise<void> {
    (await this.#http.send(request)).resume();
  }
}

/** @throws WarehouseError `invalid`: what begins with an underscore means something else to a warehouse */
function checked(id: string): string {
  if (/^[A-Za-z0-9][\w.-]*$/.test(id)) return id;
  throw new WarehouseError('invalid', 'the name of an object in the warehouse must be a uuid');
}
