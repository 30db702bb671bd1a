import { v4 as uuidv4 } from 'uuid';
import { ImageError } from './image-error.js';
import { assertImageTransition, type ImageStatus } from './status.js';

export const imageKinds = ['base', 'target', 'provider'] as const;
export type ImageKind = (typeof imageKinds)[number];

/** One line about what is being done with an image, and why that failed. Without secrets. */
export interface StatusDetail {
  readonly activity: string;
  readonly error?: string;
}

export interface GuestSystem {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
}

/** A value as it is kept in JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

/** What all kinds of images are made with. */
export interface ImageFields {
  /** A uuid in lower case; default: a new one. */
  readonly identifier?: string;
  /** Body of an image that no manager owns. */
  readonly data?: string;
  /** TDL text, without passwords. */
  readonly template?: string;
  /** Packages in the image, as ICICLE XML. */
  readonly icicle?: string;
  readonly status?: ImageStatus;
  readonly statusDetail?: StatusDetail;
  readonly percentComplete?: number;
  /** What the caller sent for the plugins. */
  readonly parameters?: JsonObject;
  /** What plugins found worth keeping. */
  readonly properties?: JsonObject;
  /** Format of the body in the words of `qemu-img`. */
  readonly format?: string;
  /** Bytes of the body. */
  readonly size?: number;
  /** SHA-256 of the body, in hexadecimal. */
  readonly sha256?: string;
  readonly os?: GuestSystem;
  /** `image_uuid` as a caller of 2011 gave it: any text, for the record alone. */
  readonly callerImageUuid?: string;
  /** ISO 8601, UTC. */
  readonly created?: string;
  readonly modified?: string;
}

let own: (image: PersistentImage, data: string, revision: number, modified: string) => void;
let revisionOf: (image: PersistentImage) => number;

/**
 * An image as the factory knows it. Its fields are free to be changed, and nothing is written before the manager's `saveImage`.
 * `data`, the path of the body, is the manager's alone; the file there may be changed at will.
 */
export abstract class PersistentImage {
  abstract readonly kind: ImageKind;
  readonly identifier: string;
  template: string | undefined;
  icicle: string | undefined;
  statusDetail: StatusDetail;
  percentComplete: number;
  parameters: JsonObject;
  properties: JsonObject;
  format: string | undefined;
  size: number | undefined;
  sha256: string | undefined;
  os: GuestSystem | undefined;
  callerImageUuid: string | undefined;
  readonly created: string;
  #status: ImageStatus;
  #data: string | undefined;
  #modified: string;
  #revision = 0;

  static {
    own = (image, data, revision, modified) => {
      image.#data = data;
      image.#revision = revision;
      image.#modified = modified;
    };
    revisionOf = image => image.#revision;
  }

  /** @throws ImageError `invalid` for an identifier that is no uuid */
  constructor(fields: ImageFields) {
    this.identifier = fields.identifier ?? newImageIdentifier();
    if (!isImageIdentifier(this.identifier)) {
      throw new ImageError('invalid', 'the identifier of an image must be a uuid in lower case');
    }
    this.#data = fields.data;
    this.template = fields.template;
    this.icicle = fields.icicle;
    this.#status = fields.status ?? 'NEW';
    this.statusDetail = fields.statusDetail ?? { activity: 'waiting for work to begin' };
    this.percentComplete = fields.percentComplete ?? 0;
    this.parameters = fields.parameters ?? {};
    this.properties = fields.properties ?? {};
    this.format = fields.format;
    this.size = fields.size;
    this.sha256 = fields.sha256;
    this.os = fields.os;
    this.callerImageUuid = fields.callerImageUuid;
    this.created = fields.created ?? new Date().toISOString();
    this.#modified = fields.modified ?? this.created;
  }

  /** Path of the body; undefined for an image that neither has a manager nor was given one. */
  get data(): string | undefined {
    return this.#data;
  }

  /** When it was saved last. */
  get modified(): string {
    return this.#modified;
  }

  get status(): ImageStatus {
    return this.#status;
  }

  /** Setting what it is already is no change. @throws ImageError `invalid` for a change that the table doesn't have */
  set status(status: ImageStatus) {
    if (status === this.#status) return;
    assertImageTransition(this.#status, status);
    this.#status = status;
  }
}

/** The installed system, before it is given the form of any cloud. */
export class BaseImage extends PersistentImage {
  override readonly kind = 'base';
}

export interface TargetFields extends ImageFields {
  /** Name of the target, such as `openstack-kvm`. */
  readonly target: string;
  /** What it was made from; undefined for what was imported. */
  readonly baseImageId?: string;
}

/** An image in the form that a cloud takes. */
export class TargetImage extends PersistentImage {
  override readonly kind = 'target';
  readonly target: string;
  baseImageId: string | undefined;

  constructor(fields: TargetFields) {
    super(fields);
    this.target = fields.target;
    this.baseImageId = fields.baseImageId;
  }
}

export interface ProviderFields extends ImageFields {
  /** Name or definition of the provider, such as `mock-one`. */
  readonly provider: string;
  readonly targetImageId?: string;
  /** What the provider calls it. */
  readonly identifierOnProvider?: string;
  /** Whose account it is in there. */
  readonly providerAccountIdentifier?: string;
}

/** An image that was taken to a provider. Credentials are no part of it. */
export class ProviderImage extends PersistentImage {
  override readonly kind = 'provider';
  readonly provider: string;
  targetImageId: string | undefined;
  identifierOnProvider: string | undefined;
  providerAccountIdentifier: string | undefined;

  constructor(fields: ProviderFields) {
    super(fields);
    this.provider = fields.provider;
    this.targetImageId = fields.targetImageId;
    this.identifierOnProvider = fields.identifierOnProvider;
    this.providerAccountIdentifier = fields.providerAccountIdentifier;
  }
}

export type AnyImage = BaseImage | TargetImage | ProviderImage;

/** For managers alone: puts the body's path, the number of the last save and its time into an image. */
export function takeOver(image: PersistentImage, data: string, revision: number, modified: string): void {
  own(image, data, revision, modified);
}

/** For managers alone: how often the image had been saved when it was read or saved last; 0 for one without a manager. */
export function revisionNumber(image: PersistentImage): number {
  return revisionOf(image);
}

export function newImageIdentifier(): string {
  return uuidv4();
}

/** Names of images become names of files, so nothing else is taken. */
export function isImageIdentifier(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
