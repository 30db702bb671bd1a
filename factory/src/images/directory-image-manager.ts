import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { errorCode } from '../platform/files/error-code.js';
import { isSameProcess, ownMark, type ProcessMark } from '../platform/files/process-mark.js';
import { type BodyOptions, readBody, settle } from './body.js';
import { isHeld, readBusyMark } from './busy-mark.js';
import { childrenOf } from './children.js';
import { DirectoryIndex, type MetaProblem, problemOf } from './directory-index.js';
import { ImageError } from './image-error.js';
import {
  type AttachmentKind,
  attachmentPath,
  buildLogPath,
  filesOf,
  type ImageFiles,
} from './image-files.js';
import { withImageLock } from './image-lock.js';
import type { AddImageOptions, DeleteOptions, PersistentImageManager } from './image-manager.js';
import { type ImageRecord, imageOf, recordOf } from './image-record.js';
import { ImageWriter, type StoreStep } from './image-writer.js';
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

export interface DirectoryImageManagerOptions {
  /** Called after each step, for tests that end the process there. */
  readonly afterStep?: (step: StoreStep) => void;
  /**
   * Whether an image whose process has ended stays as it is, because whoever opens the directory goes on with it; by default it becomes
   * FAILED.
   */
  readonly adopts?: (identifier: string) => boolean;
  /** Change nothing, also no leftovers, for who only wants to look; default false. */
  readonly readOnly?: boolean;
  /** The images that have no `.meta` file yet, for queries; default: none. */
  readonly inWork?: () => Promise<readonly ImageRecord[]>;
  /** Milliseconds for which queries may not know of what other processes have changed; default 1000. */
  readonly staleness?: number;
}

/**
 * Keeps images in a directory: `<identifier>.meta` (JSON) and `<identifier>.body`.
 *
 * Whatever is written is written under another name first, made safe on the disk, and then renamed, the metadata last; so there is no moment
 * at which a reader, or the next start after a crash, sees half an image. Several processes may share the directory: whoever changes an image
 * holds its lock file, or has it marked as what it works on, and `saveImage` refuses to undo what another one has saved.
 */
export class DirectoryImageManager implements PersistentImageManager {
  readonly directory: string;
  readonly #index: DirectoryIndex;
  readonly #afterStep: (step: StoreStep) => void;
  readonly #inWork: () => Promise<readonly ImageRecord[]>;
  readonly #writer: ImageWriter;
  readonly #mine = new WeakSet<PersistentImage>();
  /** What was put in order at the opening. */
  readonly leftovers: Leftovers;

  private constructor(
    directory: string,
    own: ProcessMark,
    options: DirectoryImageManagerOptions,
    leftovers: Leftovers,
  ) {
    this.directory = directory;
    this.#index = new DirectoryIndex(directory, options.staleness ?? 1000);
    this.#afterStep = options.afterStep ?? (() => undefined);
    this.#inWork = options.inWork ?? (() => Promise.resolve([]));
    this.#writer = new ImageWriter(directory, own, this.#afterStep);
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
    const own = await ownMark();
    if (options.readOnly === true) {
      return new DirectoryImageManager(absolute, own, options, { removed: [], abandoned: [] });
    }
    try {
      await makeImageDirectory(absolute);
      const leftovers = await removeLeftovers(absolute, new Set(await readdir(absolute)));
      const manager = new DirectoryImageManager(absolute, own, options, leftovers);
      for (const id of leftovers.abandoned) await manager.#endAbandoned(id, options.adopts?.(id) === true);
      return manager;
    } catch (error) {
      throw storeError(error, absolute);
    }
  }

  /** Whether an image of that uuid is there, and has not failed; also when that cannot be told. At once, without a look at the others. */
  holds(identifier: string): boolean {
    const found = readMeta(filesOf(this.directory, identifier).meta, identifier);
    return found !== undefined && found.record?.status !== 'FAILED';
  }

  async addImage(image: PersistentImage, options: AddImageOptions = {}): Promise<void> {
    const any = anyImage(image);
    await this.#changing(any.identifier, files => this.#add(any, files, options));
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
      await this.#writer.describeBody(any, body, await readBody(body, options));
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
    return pageOf(withOthers(records, await this.#inWork()), query);
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
    await this.#changing(identifier, async files => {
      await this.#refuseBusy(identifier, files);
      await this.#writer.removeFiles(files);
      if (options.keepLog !== true) await rm(buildLogPath(this.directory, identifier), { force: true });
    });
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

  async #add(image: AnyImage, files: ImageFiles, options: AddImageOptions): Promise<void> {
    const { identifier } = image;
    const before = readMeta(files.meta, identifier);
    if (before !== undefined) {
      if (options.replaceUnfinished !== true || before.record?.status === 'COMPLETE') {
        throw new ImageError('exists', `there is an image ${identifier} in ${this.directory} already`);
      }
      await this.#refuseBusy(identifier, files);
      if (before.record !== undefined) takeOver(image, files.body, before.record.revision, image.modified);
    }
    try {
      // What a killed process had put there without saying so.
      if (before !== undefined && existsSync(files.body)) await this.#writer.removeContent(files);
      await this.#writer.placeContent(image, files, options);
      await this.#writer.write(image, files, options.body?.kind === 'none');
    } catch (error) {
      if (before === undefined) await this.#writer.removeFiles(files);
      else await this.#writer.removeContent(files);
      throw error;
    }
    this.#afterStep('meta-placed');
  }

  async #save(image: AnyImage): Promise<void> {
    await this.#changing(image.identifier, async files => {
      this.#assertUnchanged(image, files);
      await this.#writer.write(image, files);
    });
  }

  #assertUnchanged(image: AnyImage, files: ImageFiles): void {
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
  }

  /** An image that another process works on is that one's alone. */
  async #refuseBusy(identifier: string, files: ImageFiles): Promise<void> {
    if (!(await isHeld(files.busy))) return;
    const owner = await readBusyMark(files.busy);
    if (owner === undefined || isSameProcess(owner, await ownMark())) return;
    throw new ImageError(
      'busy',
      `process ${owner.pid} on ${owner.host} is working on image ${identifier}; end that first: abort its build, or wait for it`,
    );
  }

  /** @param isAdopted whether somebody goes on with it, so that it stays as it is; one that was done all but its mark loses that */
  async #endAbandoned(identifier: string, isAdopted: boolean): Promise<void> {
    const files = filesOf(this.directory, identifier);
    const mark = await readBusyMark(files.busy);
    let image: AnyImage | undefined;
    try {
      image = this.#load(identifier);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      // Never made safe on the disk, so a power cut has left it empty; of others it is not known what they were.
      if (isAdopted || mark?.bodiless !== true) return;
      await this.#changing(identifier, () => this.#writer.removeFiles(files));
      return;
    }
    if (image === undefined || !isBusy(image.status)) {
      await this.#changing(identifier, () => this.#writer.unmark(files));
      return;
    }
    if (isAdopted) return;
    if (mark?.bodiless === true) await this.#changing(identifier, () => this.#writer.removeContent(files));
    endOf(image, await this.#hasCompleteChild(image));
    await this.#save(image);
  }

  /** Asked of few images, and only after a crash. */
  async #hasCompleteChild(image: AnyImage): Promise<boolean> {
    return (
      image.kind === 'base' && (await childrenOf(this, image)).some(({ status }) => status === 'COMPLETE')
    );
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

/** Makes the directory, if it is not there. @throws BuildError `no_space`, `not_permitted` or `internal` */
export async function makeImageDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw storeError(error, directory);
  }
}

/** The records, and those others of images that have none. */
function* withOthers(records: Iterable<ImageRecord>, others: readonly ImageRecord[]): Generator<ImageRecord> {
  const rest = new Map(others.map(record => [record.identifier, record]));
  for (const record of records) {
    rest.delete(record.identifier);
    yield record;
  }
  yield* rest.values();
}

/** The three kinds are all that there are; the base class is only there to be extended by them. */
function anyImage(image: PersistentImage): AnyImage {
  return image as AnyImage;
}

/** What becomes of an image when the process that worked on it has ended. */
function endOf(image: AnyImage, hasCompleteChild: boolean): void {
  const { activity } = image.statusDetail;
  if (hasCompleteChild) {
    // All that was left to do was to say so.
    image.status = 'COMPLETE';
    image.percentComplete = 100;
    return;
  }
  image.status = image.status === 'DELETING' ? 'DELETEFAILED' : 'FAILED';
  image.statusDetail = {
    activity,
    error: `Failure encountered while: ${activity}: the process that worked on it has ended`,
  };
}
