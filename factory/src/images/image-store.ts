import type { InstalledPackage } from '@imagefactory/plugin-api';
import type { GuestSystem } from './persistent-image.js';

/** An image that is to be made, and whatever is known of it by then. */
export type ImageOrder = BaseOrder | TargetOrder | ProviderOrder;

interface CommonOrder {
  /** Name of the image, unique in the store; a uuid. */
  readonly identifier: string;
  /** The template's text as others may see it, without passwords. */
  readonly template: string;
  /** When it was ordered, ISO 8601; default: now. */
  readonly created?: string;
}

/** The body of a base image is not kept. */
export interface BaseOrder extends CommonOrder {
  readonly kind: 'base';
  /** Format of the body, in the words of `qemu-img`. */
  readonly format?: string;
  readonly os?: GuestSystem;
  /** What is installed in it. */
  readonly packages?: readonly InstalledPackage[];
}

export interface TargetOrder extends CommonOrder {
  readonly kind: 'target';
  readonly target: string;
  /** `image_uuid` as the caller gave it: any text, for the record alone. */
  readonly callerImageUuid?: string;
  /** The base image that it is made from, once there is one. */
  readonly baseImageId?: string;
}

export interface ProviderOrder extends CommonOrder {
  readonly kind: 'provider';
  readonly provider: string;
  readonly targetImageId: string;
}

/** How the making of an image has ended. Without secrets. */
export interface ImageStanding {
  /** `COMPLETE` for base images alone: others are when they get their body. */
  readonly status: 'COMPLETE' | 'FAILED';
  /** What is or was being done. */
  readonly activity: string;
  /** One line: why it has failed. */
  readonly error?: string;
  /** Whole percent. */
  readonly percent: number;
}

/** What the store is told of an image. */
export interface ImageFacts extends Omit<TargetOrder, 'kind'> {
  /** Format of the body, in the words of `qemu-img`. */
  readonly format: string;
  readonly os?: GuestSystem;
  /** What is installed in it; its manifests are made of that. */
  readonly packages?: readonly InstalledPackage[];
}

/** A finished image in the store. */
export interface StoredImage
  extends Omit<ImageFacts, 'baseImageId' | 'packages'>,
    Partial<Pick<ProviderFacts, 'identifierOnProvider' | 'account'>> {
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
export interface ProviderFacts extends Omit<ProviderOrder, 'kind'> {
  readonly format: string;
  /** What the provider calls it. */
  readonly identifierOnProvider: string;
  /** Whose account it is in there. */
  readonly account?: string;
}

/** The files of images that are made, or have failed. */
export interface ImageStore {
  /**
   * Writes the record of an image that gets no body: of a base image, or of one that has failed. It takes the place of one that is not COMPLETE.
   *
   * @throws ImageError `exists` or `busy`; BuildError `no_space`, `not_permitted` or `internal`
   */
  record(order: ImageOrder, standing: ImageStanding): Promise<void>;
  /**
   * Takes the file at `source` over into the store, where it belongs to it afterwards, as the body of an image that is COMPLETE from that
   * moment on. Body and status are there together or not at all; an image that was on record stays as it was when this fails.
   *
   * @throws BuildError `no_space`, `not_permitted`, `aborted` or `internal`
   */
  add(source: string, facts: ImageFacts, options: AddOptions): Promise<StoredImage>;
  /** As {@link add}, for what is kept of an image that was taken to a provider. */
  addProviderImage(source: string, facts: ProviderFacts, options: AddOptions): Promise<StoredImage>;
  /** The image of that name if it is COMPLETE, or undefined. */
  get(identifier: string): Promise<StoredImage | undefined>;
  /** The template that an image is, was or was to be made from; undefined when there is no such image. */
  templateOf(identifier: string): Promise<string | undefined>;
}

export interface AddOptions {
  readonly signal: AbortSignal;
  /** Told from time to time which part of the body has been read, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}
