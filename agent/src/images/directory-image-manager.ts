import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { syncDirectory, writeAtomically } from '../files/atomic-write.js';
import { errorCode } from '../files/error-code.js';
import { ownMark } from '../files/process-mark.js';
import { type BodyFacts, type BodyOptions, copyBody, moveBody, readBody, settle } from './body.js';
import { childrenOf } from './children.js';
import { DirectoryIndex, type MetaProblem, problemOf } from './directory-index.js';
import { detectFormat } from './format.js';
import { ImageError } from './image-error.js';
import {
  type AttachmentKind,
  attachmentPath,
  attachmentSuffixes,
  filesOf,
  type ImageFiles,
} from './image-files.js';
import { withImageLock } from './image-lock.js';
import type { AddImageOptions, BodySource, DeleteOptions, PersistentImageManager } from './image-manager.js';
import { type ImageRecord, imageOf, recordOf } from './image-record.js';
import { type Leftovers, removeLeftovers } from './leftovers.js';
import { readMeta } from './meta-file.js';
import {
  type AnyImage,
  isImageIdentifier,
  type PersistentImage,
  revisionNumber,
  takeOver,
} from './persistent-image.js';
import { conditionsOf, type ImageQuery, normalisedField, type Page, pageOf } from './query.js';
import { isBusy } from './status.js';
import { storeError } from './store-error.js';

/** A step of changing the store, in the order in which they are done. Tests stop in between. */
export type StoreStep = 'locked' | 'body-written' | 'body-placed' | 'meta-placed' | 'meta-removed';

export interface DirectoryImageManagerOptions {
  /** Called after each step, for tests that end the process there. */
  readonly afterStep?: (step: StoreStep) => void;
  /** Change nothing, also no leftovers, for who only wants to look; default false. */
  readonly readOnly?: boolean;
  /** Milliseconds for which queries may not know of what other processes have changed; default 1000. */
  readonly staleness?: number;
}

/**
 * Keeps images in a directory: `<identifier>.meta` (JSON) and `<identifier>.body`.
 *
 * Whatever is written is written under another name first, made safe on the disk, and then renamed, the metadata last; so there is no moment
 * at which a reader, or the next start after a crash, sees half an image. Several processes may share the directory: whoever changes an image
 * holds its lock file, and `saveImage` refuses to undo what another one has saved.
 */
export class DirectoryImageManager implements PersistentImageManager {
  readonly directory: string;
  readonly #index: DirectoryIndex;
  readonly #afterStep: (step: StoreStep) => void;
  readonly #mine = new WeakSet<PersistentImage>();
  /** What was put in order at the opening. */
  readonly leftovers: Leftovers;

  private constructor(directory: string, options: DirectoryImageManagerOptions, leftovers: Leftovers) {
    this.directory = directory;
    this.#index = new DirectoryIndex(directory, options.staleness ?? 1000);
    this.#afterStep = options.afterStep ?? (() => undefined);
    this.leftovers = leftovers;
  }

  /**
   * Opens the directory, which is made when needed, and puts in order what killed processes left in it: what is half written is removed, and
   * an image that somebody was working on becomes FAILED.
   *
   * @throws BuildError `no_space`, `not_permitted` or `internal`
   */
  static async open(
    directory: string,
    options: DirectoryImageManagerOptions = {},
  ): Promise<DirectoryImageManager> {
    const absolute = resolve(directory);
    if (options.readOnly === true) {
      return new DirectoryImageManager(absolute, options, { removed: [], abandoned: [] });
    }
    try {
      await mkdir(absolute, { recursive: true });
      const leftovers = await removeLeftovers(absolute, new Set(await readdir(absolute)));
      const manager = new DirectoryImageManager(absolute, options, leftovers);
      for (const identifier of leftovers.abandoned) await manager.#endAbandoned(identifier);
      return manager;
    } catch (error) {
      throw storeError(error, absolute);
    }
  }

  async addImage(image: PersistentImage, options: AddImageOptions = {}): Promise<void> {
    const any = anyImage(image);
    await this.#changing(any.identifier, async files => {
      if (readMeta(files.meta, any.identifier) !== undefined) {
        throw new ImageError('exists', `there is an image ${any.identifier} in ${this.directory} already`);
      }
      try {
        await this.#placeBody(any, files, options.body ?? { kind: 'empty' });
        for (const [kind, document] of Object.entries(options.attachments ?? {})) {
          // Object.entries forgets which keys there are.
          const path = attachmentPath(this.directory, any.identifier, kind as AttachmentKind);
          await writeAtomically(path, typeof document === 'string' ? document : document());
        }
        await this.#write(any, files);
      } catch (error) {
        await this.#removeFiles(any.identifier, files);
        throw error;
      }
      this.#afterStep('meta-placed');
    });
    this.#mine.add(image);
  }

  async saveImage(image: PersistentImage): Promise<void> {
    const any = this.#managed(image);
    if (any.status === 'COMPLETE' && any.sha256 === undefined) {
      const { size = 0 } =
        (await stat(filesOf(this.directory, any.identifier).body).catch(() => undefined)) ?? {};
      if (size > 0) return this.sealBody(image);
    }
    await this.#save(any);
  }

  async sealBody(image: PersistentImage, options: BodyOptions = {}): Promise<void> {
    const any = this.#managed(image);
    const { body } = filesOf(this.directory, any.identifier);
    try {
      await settle(body);
      await this.#describeBody(any, body, await readBody(body, options));
    } catch (error) {
      throw storeError(error, this.directory);
    }
    await this.#save(any);
  }

  imageWithId(identifier: string): Promise<AnyImage | undefined> {
    // A promise that rejects for what is corrupt, though all is done at once.
    return new Promise(settle => settle(this.#load(identifier)));
  }

  async imagesFromQuery(query: ImageQuery): Promise<readonly AnyImage[]> {
    const { items } = await this.query(query);
    // One that was removed meanwhile is no longer an answer.
    return items.flatMap(({ identifier }) => this.#load(identifier) ?? []);
  }

  async query(query: ImageQuery): Promise<Page<ImageRecord>> {
    await this.#index.refresh();
    const orders = query.sort === undefined ? [] : 'field' in query.sort ? [query.sort] : query.sort;
    const fields = [...conditionsOf(query.where), ...orders].map(({ field }) => normalisedField(field));
    const records = fields.some(field => DirectoryIndex.isLong(field))
      ? this.#wholeRecords()
      : this.#index.records;
    return pageOf(records, query);
  }

  /** The `.meta` files that cannot be used; the images that they were about are not found by anything else. */
  async problems(): Promise<readonly MetaProblem[]> {
    await this.#index.refresh();
    return this.#index.problems;
  }

  /** What the file of an image says, or would say. */
  recordOf(image: AnyImage): ImageRecord {
    return recordOf(
      image,
      filesOf(this.directory, image.identifier).body,
      revisionNumber(image),
      image.modified,
    );
  }

  async attachment(identifier: string, kind: AttachmentKind): Promise<string | undefined> {
    if (!isImageIdentifier(identifier)) return undefined;
    try {
      return await readFile(attachmentPath(this.directory, identifier, kind), 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async deleteImageWithId(identifier: string, options: DeleteOptions = {}): Promise<readonly string[]> {
    const image = this.#load(identifier);
    if (image === undefined) {
      throw new ImageError('not_found', `there is no image ${identifier} in ${this.directory}`);
    }
    const children = await childrenOf(this, image);
    if (children.length > 0 && options.withChildren !== true) {
      const names = children.map(child => child.identifier).join(', ');
      throw new ImageError(
        'has_children',
        `image ${identifier} is what ${names} ${children.length === 1 ? 'was' : 'were'} made from; delete those first, or with it`,
      );
    }
    const removed: string[] = [];
    for (const child of children) removed.push(...(await this.deleteImageWithId(child.identifier, options)));
    await this.#changing(identifier, files => this.#removeFiles(identifier, files));
    return [...removed, identifier];
  }

  #load(identifier: string): AnyImage | undefined {
    if (!isImageIdentifier(identifier)) return undefined;
    const files = filesOf(this.directory, identifier);
    const found = readMeta(files.meta, identifier);
    if (found === undefined) return undefined;
    if (found.record === undefined) {
      const { problem, remedy } = problemOf(identifier, files.meta, found);
      throw new ImageError('corrupt', `${files.meta} cannot be used: ${problem}; ${remedy}`);
    }
    const image = imageOf(found.record, files.body);
    this.#mine.add(image);
    return image;
  }

  *#wholeRecords(): Generator<ImageRecord> {
    for (const { identifier } of this.#index.records) {
      const found = readMeta(filesOf(this.directory, identifier).meta, identifier);
      if (found?.record !== undefined) yield found.record;
    }
  }

  #managed(image: PersistentImage): AnyImage {
    if (this.#mine.has(image)) return anyImage(image);
    throw new ImageError(
      'not_managed',
      `image ${image.identifier} is not managed here; use addImage() first`,
    );
  }

  async #save(image: AnyImage): Promise<void> {
    await this.#changing(image.identifier, async files => {
      const found = readMeta(files.meta, image.identifier);
      if (found === undefined) {
        throw new ImageError('not_found', `image ${image.identifier} was deleted meanwhile`);
      }
      if (found.record !== undefined && found.record.revision !== revisionNumber(image)) {
        throw new ImageError(
          'conflict',
          `image ${image.identifier} was saved by somebody else meanwhile; read it again and repeat the change`,
        );
      }
      await this.#write(image, files);
    });
  }

  async #write(image: AnyImage, files: ImageFiles): Promise<void> {
    const revision = revisionNumber(image) + 1;
    const modified = new Date().toISOString();
    const record = recordOf(image, files.body, revision, modified);
    // First the sign that somebody is at work, and last its removal: a crash in between leaves one too many, never one too few.
    if (isBusy(image.status)) await writeAtomically(files.busy, JSON.stringify(await ownMark()));
    await writeAtomically(files.meta, `${JSON.stringify(record, undefined, 2)}\n`);
    if (!isBusy(image.status)) await rm(files.busy, { force: true });
    takeOver(image, files.body, revision, modified);
  }

  async #placeBody(image: AnyImage, files: ImageFiles, source: BodySource): Promise<void> {
    const part = `${files.body}.part`;
    switch (source.kind) {
      case 'none':
        return;
      case 'empty':
        await writeAtomically(files.body, '');
        return;
      case 'move':
      case 'copy':
        await rm(part, { force: true });
        await this.#describeBody(
          image,
          part,
          await (source.kind === 'move' ? moveBody : copyBody)(source.path, part, source),
        );
    }
    this.#afterStep('body-written');
    await rename(part, files.body);
    await syncDirectory(this.directory);
    this.#afterStep('body-placed');
  }

  async #describeBody(image: AnyImage, path: string, { size, sha256 }: BodyFacts): Promise<void> {
    image.size = size;
    image.sha256 = sha256;
    // What has no signature is whatever its maker says: `raw`, or the mock's text.
    const detected = await detectFormat(path);
    if (detected !== 'raw' || image.format === undefined) image.format = detected;
  }

  /** The metadata first: without it there is no image, and the rest is a leftover. */
  async #removeFiles(identifier: string, files: ImageFiles): Promise<void> {
    await rm(files.meta, { force: true });
    await syncDirectory(this.directory);
    this.#afterStep('meta-removed');
    const documents = attachmentSuffixes.map(suffix => files.meta.replace(/meta$/, suffix));
    for (const path of [files.body, `${files.body}.part`, files.busy, ...documents])
      await rm(path, { force: true });
    this.#index.update(identifier);
  }

  async #endAbandoned(identifier: string): Promise<void> {
    let image: AnyImage | undefined;
    try {
      image = this.#load(identifier);
    } catch (error) {
      if (error instanceof ImageError) return;
      throw error;
    }
    if (image === undefined || !isBusy(image.status)) return this.#forgetBusy(identifier);
    const { activity } = image.statusDetail;
    if (image.status === 'DELETING') image.status = 'DELETEFAILED';
    else image.status = 'FAILED';
    image.statusDetail = {
      activity,
      error: `Failure encountered while: ${activity}: the process that worked on it has ended`,
    };
    await this.#save(image);
  }

  async #forgetBusy(identifier: string): Promise<void> {
    await this.#changing(identifier, files => rm(files.busy, { force: true }));
  }

  async #changing(identifier: string, work: (files: ImageFiles) => Promise<void>): Promise<void> {
    const files = filesOf(this.directory, identifier);
    try {
      await withImageLock(files.lock, async () => {
        this.#afterStep('locked');
        await work(files);
        this.#index.update(identifier);
      });
    } catch (error) {
      throw storeError(error, this.directory);
    }
  }
}

/** The three kinds are all that there are; the base class is only there to be extended by them. */
function anyImage(image: PersistentImage): AnyImage {
  return image as AnyImage;
}
