import type { InstalledPackage } from '@imagefactory/plugin-api';

/** What the store is told of an image. */
export interface ImageFacts {
  /** Name of the image, unique in the store; a uuid. */
  readonly identifier: string;
  readonly target: string;
  /** Format of the body, in the words of `qemu-img`. */
  readonly format: string;
  /** The template's text as others may see it, without passwords. */
  readonly template: string;
  /** `image_uuid` as the caller gave it: any text, for the record alone. */
  readonly callerImageUuid?: string;
  readonly os?: { readonly name: string; readonly version: string; readonly arch: string };
  /** What is installed in it; its manifests are made of that. */
  readonly packages?: readonly InstalledPackage[];
  /** The base image that it was made from; it gets an image of its own in the store. */
  readonly base?: {
    readonly format: string;
    /** Its body, if it is to be kept: it becomes the store's. */
    readonly keep?: string;
  };
}

/** An image in the store. */
export interface StoredImage extends Omit<ImageFacts, 'base' | 'packages'> {
  /** Absolute path of the body. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of the body, in hexadecimal. */
  readonly sha256: string;
  /** ISO 8601, UTC. */
  readonly created: string;
}

/** What the store is told of an image that was taken to a provider. */
export interface ProviderFacts extends Pick<ImageFacts, 'identifier' | 'format' | 'template'> {
  readonly provider: string;
  readonly targetImageId: string;
  /** What the provider calls it. */
  readonly identifierOnProvider: string;
  /** Whose account it is in there. */
  readonly account?: string;
}

/** Where finished images live. */
export interface ImageStore {
  /**
   * Takes the file at `source` over into the store; afterwards it belongs to the store. An image is there whole, body and
   * metadata, or not at all.
   *
   * @throws BuildError `no_space`, `not_permitted`, `aborted` or `internal`
   */
  add(source: string, facts: ImageFacts, options: AddOptions): Promise<StoredImage>;
  /** As {@link add}, for what is kept of an image that was taken to a provider. */
  addProviderImage(source: string, facts: ProviderFacts, options: AddOptions): Promise<StoredImage>;
  /** The image of that name, or undefined. */
  get(identifier: string): Promise<StoredImage | undefined>;
}

export interface AddOptions {
  readonly signal: AbortSignal;
  /** Told from time to time which part of the body has been read, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}
