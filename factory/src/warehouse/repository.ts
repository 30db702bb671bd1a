import type { Readable } from 'node:stream';

export const objectKinds = [
  'template',
  'image',
  'build',
  'target_image',
  'provider_image',
  'icicle',
] as const;
export type ObjectKind = (typeof objectKinds)[number];

/** The attributes of each kind, in the names of Image Warehouse; `uuid` and `object_type` go by themselves. */
export const attributesOf = {
  template: [],
  image: ['template', 'latest_build', 'latest_unpushed'],
  build: ['image', 'timestamp', 'parent'],
  target_image: ['template', 'target', 'icicle', 'target_parameters', 'build'],
  provider_image: ['target_image', 'provider', 'icicle', 'target_identifier', 'provider_account_identifier'],
  icicle: [],
} as const satisfies Readonly<Record<ObjectKind, readonly string[]>>;

export type AttributeName<K extends ObjectKind> = (typeof attributesOf)[K][number];
export type Attributes<K extends ObjectKind> = { readonly [A in AttributeName<K>]?: string };
/** `null` takes the value away. */
export type AttributeChanges<K extends ObjectKind> = { readonly [A in AttributeName<K>]?: string | null };

export interface StoredObject<K extends ObjectKind> {
  readonly kind: K;
  /** A uuid. */
  readonly id: string;
  readonly attributes: Attributes<K>;
}

/** A text, or a file that is sent as it is read; it may be read more than once. */
export type ObjectBody = string | { readonly file: string };

/** How something goes to a repository or comes from it. */
export interface TransferOptions {
  /** Ends it; the method rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told from time to time how many bytes of a file have been sent, from 0 again at each attempt. */
  readonly onSent?: (bytes: number) => void;
}

/**
 * Where templates, images, their builds and what came of them are kept: an image warehouse, or the agent's own directory. All methods reject
 * with a `WarehouseError` or, of the local one, with an `ImageError` or `BuildError`.
 */
export interface Repository {
  /** Makes an object, or replaces its body and the attributes that are given. */
  put<K extends ObjectKind>(
    kind: K,
    id: string,
    attributes: AttributeChanges<K>,
    body?: ObjectBody,
    options?: TransferOptions,
  ): Promise<void>;
  /** Changes attributes of an object that is there. */
  setAttributes<K extends ObjectKind>(
    kind: K,
    id: string,
    attributes: AttributeChanges<K>,
    options?: TransferOptions,
  ): Promise<void>;
  get<K extends ObjectKind>(
    kind: K,
    id: string,
    options?: TransferOptions,
  ): Promise<StoredObject<K> | undefined>;
  /** The body as a stream, which the caller reads to its end or destroys. */
  body(kind: ObjectKind, id: string, options?: TransferOptions): Promise<Readable | undefined>;
  /** All objects that have exactly these values. */
  find<K extends ObjectKind>(
    kind: K,
    where: Attributes<K>,
    options?: TransferOptions,
  ): Promise<readonly StoredObject<K>[]>;
  /** Whether it was there. */
  delete(kind: ObjectKind, id: string, options?: TransferOptions): Promise<boolean>;
}

/** A body as text. @throws Error when it is longer than `limit` bytes */
export async function textOf(body: Readable, limit = 10 * 1024 * 1024): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const parts: AsyncIterable<Buffer> = body;
  for await (const part of parts) {
    size += part.length;
    if (size > limit) throw new Error(`a text of at most ${limit} bytes was expected`);
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Those of the given values that are attributes of that kind and are values at all. */
export function pickAttributes<K extends ObjectKind>(
  kind: K,
  values: Readonly<Record<string, unknown>>,
): Attributes<K> {
  const names: readonly string[] = attributesOf[kind];
  const given = names.flatMap(name => {
    const value = values[name];
    // The original wrote the four letters None where it meant nothing; a warehouse cannot take an attribute away.
    return typeof value === 'string' && value !== '' && value !== 'None' ? [[name, value] as const] : [];
  });
  // The names are those of the kind, by the line above.
  return Object.fromEntries(given) as Attributes<K>;
}
