import { rename, rm } from 'node:fs/promises';
import { syncDirectory, writeAtomically } from '../platform/files/atomic-write.js';
import type { ProcessMark } from '../platform/files/process-mark.js';
import { type BodyFacts, copyBody, moveBody } from './body.js';
import type { BusyMark } from './busy-mark.js';
import { detectFormat } from './format.js';
import { type AttachmentKind, attachmentPath, attachmentSuffixes, type ImageFiles } from './image-files.js';
import type { AddImageOptions, BodySource } from './image-manager.js';
import { recordOf } from './image-record.js';
import { type AnyImage, revisionNumber, takeOver } from './persistent-image.js';
import { isBusy } from './status.js';

/** A step of changing the store, in the order in which they are done. Tests stop in between. */
export type StoreStep = 'locked' | 'body-written' | 'body-placed' | 'meta-placed' | 'meta-removed';

/**
 * Writes the files of images: each one under another name first, and the metadata last, so that there is no moment at which a reader, or
 * the next start after a crash, sees half an image. Whoever calls it holds the image's lock, or has it marked as busy.
 */
export class ImageWriter {
  readonly #directory: string;
  readonly #afterStep: (step: StoreStep) => void;
  readonly #own: ProcessMark;

  constructor(directory: string, own: ProcessMark, afterStep: (step: StoreStep) => void) {
    this.#directory = directory;
    this.#own = own;
    this.#afterStep = afterStep;
  }

  /** Writes metadata that survive a power cut. @param bodiless whether the image has had no body so far */
  async write(image: AnyImage, files: ImageFiles, bodiless = false): Promise<void> {
    const { status } = image;
    const revision = revisionNumber(image) + 1;
    const modified = new Date().toISOString();
    // First the sign that somebody is at work, and last its removal: a crash in between leaves one too many, never one too few.
    if (isBusy(status)) {
      await writeAtomically(files.busy, this.#mark(bodiless));
    }
    await writeAtomically(files.meta, metaText(image, files, revision, modified));
    if (!isBusy(status)) await this.unmark(files);
    takeOver(image, files.body, revision, modified);
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
  async removeFiles(files: ImageFiles): Promise<void> {
    await rm(files.meta, { force: true });
    await syncDirectory(this.#directory);
    this.#afterStep('meta-removed');
    await this.removeContent(files);
    await this.unmark(files);
  }

  /** Everything but the metadata and the mark. */
  async removeContent(files: ImageFiles): Promise<void> {
    const documents = attachmentSuffixes.map(suffix => files.meta.replace(/meta$/, suffix));
    for (const path of [files.body, `${files.body}.part`, ...documents]) await rm(path, { force: true });
  }

  async unmark(files: ImageFiles): Promise<void> {
    await rm(files.busy, { force: true });
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
