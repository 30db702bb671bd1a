import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { syncDirectory, writeAtomically, writeAtOnce } from '../platform/files/atomic-write.js';
import { errorCode } from '../platform/files/error-code.js';
import type { ProcessMark } from '../platform/files/process-mark.js';
import { type BodyFacts, copyBody, moveBody } from './body.js';
import type { BusyMark } from './busy-mark.js';
import { detectFormat } from './format.js';
import { type AttachmentKind, attachmentPath, attachmentSuffixes, type ImageFiles } from './image-files.js';
import type { AddImageOptions, BodySource, SaveImageOptions } from './image-manager.js';
import { recordOf } from './image-record.js';
import { type AnyImage, revisionNumber, takeOver } from './persistent-image.js';
import { isBusy } from './status.js';

/** A step of changing the store, in the order in which they are done. Tests stop in between. */
export type StoreStep = 'locked' | 'body-written' | 'body-placed' | 'meta-placed' | 'meta-removed';

export interface WriteOptions extends SaveImageOptions {
  /** Whether the image has no body so far. */
  readonly bodiless?: boolean;
}

/**
 * Writes the files of images: each one under another name first, and the metadata last, so that there is no moment at which a reader, or
 * the next start after a crash, sees half an image. Whoever calls it holds the image's lock, or has it marked as busy.
 */
export class ImageWriter {
  readonly #directory: string;
  readonly #afterStep: (step: StoreStep) => void;
  readonly #own: ProcessMark;
  /** Images whose `.busy` file is ours. */
  readonly #marked = new Set<string>();

  constructor(directory: string, own: ProcessMark, afterStep: (step: StoreStep) => void) {
    this.#directory = directory;
    this.#own = own;
    this.#afterStep = afterStep;
  }

  /** Whether an image is ours alone, because it is marked as what this process works on. */
  isMarked(identifier: string): boolean {
    return this.#marked.has(identifier);
  }

  /** Metadata that survive a power cut, unless they need not. */
  async write(image: AnyImage, files: ImageFiles, options: WriteOptions = {}): Promise<void> {
    const { identifier, status } = image;
    const revision = revisionNumber(image) + 1;
    const modified = new Date().toISOString();
    const put = async (path: string, text: string): Promise<void> => {
      if (options.durable === false) writeAtOnce(path, text);
      else await writeAtomically(path, text);
    };
    // First the sign that somebody is at work, and last its removal: a crash in between leaves one too many, never one too few.
    if (isBusy(status)) {
      await put(files.busy, this.#mark(options.bodiless === true));
      this.#marked.add(identifier);
    }
    await put(files.meta, metaText(image, files, revision, modified));
    if (!isBusy(status)) await this.unmark(identifier, files);
    takeOver(image, files.body, revision, modified);
  }

  /** Metadata of an image that is marked as ours: at once, and perhaps lost by a power cut. */
  writeAtOnce(image: AnyImage, files: ImageFiles): void {
    const revision = revisionNumber(image) + 1;
    const modified = new Date();
    // Where others can only go by its age, the mark stays fresh.
    utimesSync(files.busy, modified, modified);
    writeAtOnce(files.meta, metaText(image, files, revision, modified.toISOString()));
    takeOver(image, files.body, revision, modified.toISOString());
  }

  /** As {@link writeAtOnce}, for an image that nobody knows yet; false when somebody does. */
  addAtOnce(image: AnyImage, files: ImageFiles): boolean {
    if (existsSync(files.meta)) return false;
    try {
      writeFileSync(files.busy, this.#mark(true), { flag: 'wx' });
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      throw error;
    }
    this.#marked.add(image.identifier);
    this.writeAtOnce(image, files);
    return true;
  }

  /** The image's own files for the time before its metadata: body, then documents. */
  async placeContent(image: AnyImage, files: ImageFiles, options: AddImageOptions): Promise<void> {
    await this.#placeBody(image, files, options.body ?? { kind: 'empty' });
    for (const [kind, document] of Object.entries(options.attachments ?? {})) {
      // Object.entries forgets which keys there are.
      const path = attachmentPath(this.#directory, image.identifier, kind as AttachmentKind);
      await writeAtomically(path, typeof document === 'string' ? document : document());
    }
  }

  /** What a read body is, into the image. */
  async describeBody(image: AnyImage, path: string, { size, sha256 }: BodyFacts): Promise<void> {
    image.size = size;
    image.sha256 = sha256;
    // What has no signature is whatever its maker says: `raw`, or the mock's text.
    const detected = await detectFormat(path);
    if (detected !== 'raw' || image.format === undefined) image.format = detected;
  }

  /** The metadata first: without it there is no image, and the rest is a leftover. */
  async removeFiles(identifier: string, files: ImageFiles): Promise<void> {
    await rm(files.meta, { force: true });
    await syncDirectory(this.#directory);
    this.#afterStep('meta-removed');
    await this.removeContent(files);
    await this.unmark(identifier, files);
  }

  /** Everything but the metadata and the mark. */
  async removeContent(files: ImageFiles): Promise<void> {
    const documents = attachmentSuffixes.map(suffix => files.meta.replace(/meta$/, suffix));
    for (const path of [files.body, `${files.body}.part`, ...documents]) await rm(path, { force: true });
  }

  async unmark(identifier: string, files: ImageFiles): Promise<void> {
    await rm(files.busy, { force: true });
    this.#marked.delete(identifier);
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
        await this.describeBody(
          image,
          part,
          await (source.kind === 'move' ? moveBody : copyBody)(source.path, part, source),
        );
    }
    this.#afterStep('body-written');
    await rename(part, files.body);
    await syncDirectory(this.#directory);
    this.#afterStep('body-placed');
  }

  #mark(bodiless: boolean): string {
    const mark: BusyMark = { ...this.#own, ...(bodiless ? { bodiless } : {}) };
    return JSON.stringify(mark);
  }
}

function metaText(image: AnyImage, files: ImageFiles, revision: number, modified: string): string {
  return `${JSON.stringify(recordOf(image, files.body, revision, modified), undefined, 2)}\n`;
}
