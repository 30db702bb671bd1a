import type { AttachmentKind } from './image-files.js';
import type { BodyOptions } from './body.js';
import type { AnyImage, PersistentImage } from './persistent-image.js';
import type { ImageRecord } from './image-record.js';
import type { ImageQuery, Page } from './query.js';

/** Where the body of a new image comes from. */
export type BodySource =
  /** An empty file, to be filled by whoever has the image. */
  | { readonly kind: 'empty' }
  /** No file at all: the image is only known by its metadata. */
  | { readonly kind: 'none' }
  /** A file that becomes the manager's; it is gone from where it was. */
  | ({ readonly kind: 'move'; readonly path: string } & BodyOptions)
  /** A file that stays; the copy is a reflink or sparse. */
  | ({ readonly kind: 'copy'; readonly path: string } & BodyOptions);

export interface AddImageOptions {
  /** Default: an empty file. */
  readonly body?: BodySource;
  /** Documents about it; one that is a function is asked when size and digest of the body are known. */
  readonly attachments?: Readonly<Partial<Record<AttachmentKind, string | (() => string)>>>;
  /** Take the place of an image of that name that is not COMPLETE, and that no other process works on; default false. */
  readonly replaceUnfinished?: boolean;
}

export interface DeleteOptions {
  /** Delete the images that were made from it too; default false. */
  readonly withChildren?: boolean;
  /** Leave the log of the build that made it; default false. */
  readonly keepLog?: boolean;
}

/**
 * Keeps images. There may be several managers in a process, and several processes with a manager of the same place; an image belongs to the
 * manager that it was added to, or that handed it out.
 */
export interface PersistentImageManager {
  /**
   * Takes an image on, and its `data` from then on. The image is there whole, with its body, or not at all.
   *
   * @throws ImageError `exists`, `busy`; BuildError `no_space`, `not_permitted`, `aborted`, `internal`
   */
  addImage(image: PersistentImage, options?: AddImageOptions): Promise<void>;
  /**
   * Writes an image's fields as they are now. One that has become COMPLETE, and whose body has no digest yet, gets one.
   *
   * @throws ImageError `not_managed`, `not_found`, or `conflict` when somebody else has saved it since it was read
   */
  saveImage(image: PersistentImage): Promise<void>;
  /** Reads the body again for its size, digest and format, makes it safe on the disk, and saves. @throws as {@link saveImage} */
  sealBody(image: PersistentImage, options?: BodyOptions): Promise<void>;
  /** The image as it is in the store. @throws ImageError `corrupt` */
  imageWithId(identifier: string): Promise<AnyImage | undefined>;
  /** All images that a query finds. */
  imagesFromQuery(query: ImageQuery): Promise<readonly AnyImage[]>;
  /** One page of what a query finds, as records without the long texts `template` and `icicle`. */
  query(query: ImageQuery): Promise<Page<ImageRecord>>;
  /** A document about an image. */
  attachment(identifier: string, kind: AttachmentKind): Promise<string | undefined>;
  /**
   * Removes an image with its body.
   *
   * @returns the identifiers of what was removed, children before their parents
   * @throws ImageError `not_found`, `has_children` unless they are to go too, or `busy` while another process works on it
   */
  deleteImageWithId(identifier: string, options?: DeleteOptions): Promise<readonly string[]>;
}
