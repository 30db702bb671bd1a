import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BuildError } from '@imagefactory/plugin-api';
import { syncDirectory } from '../files/atomic-write.js';
import { errorCode } from '../files/error-code.js';
import type { AddOptions, ImageFacts, ImageStore, StoredImage } from './image-store.js';

/** Names of images become names of files, so nothing else is taken. */
const identifierForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Milliseconds after which what a killed agent left behind is removed; a slow copy is never that old. */
const leftoverAge = 24 * 3600 * 1000;

/** A step of storing an image, in the order in which they are done. Tests stop in between. */
export type StoreStep = 'body-written' | 'meta-written' | 'body-placed';

export interface DirectoryStoreOptions {
  /** Called after each step, for tests that end the process there. */
  readonly afterStep?: (step: StoreStep) => void;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
}

/**
 * A store that is a directory: `<identifier>.body` and, as the sign that the image is complete, `<identifier>.meta` (JSON).
 *
 * Both are written under other names first, made safe on the disk, and then renamed, the metadata last; so there is no moment at
 * which a reader, or the next start after a crash, sees half an image. Several agents may share the directory.
 */
export class DirectoryStore implements ImageStore {
  readonly #directory: string;
  readonly #afterStep: (step: StoreStep) => void;

  private constructor(directory: string, options: DirectoryStoreOptions) {
    this.#directory = directory;
    this.#afterStep = options.afterStep ?? (() => undefined);
  }

  /** Makes the directory when needed and removes what crashed agents left in it long ago. */
  static async open(directory: string, options: DirectoryStoreOptions = {}): Promise<DirectoryStore> {
    const absolute = resolve(directory);
    await mkdir(absolute, { recursive: true });
    await removeLeftovers(absolute, options.now ?? Date.now);
    return new DirectoryStore(absolute, options);
  }

  async add(source: string, facts: ImageFacts, options: AddOptions): Promise<StoredImage> {
    if (!identifierForm.test(facts.identifier)) {
      throw new BuildError('internal', 'the name of an image must be a uuid in lower case');
    }
    const body = this.#path(facts.identifier, 'body');
    const meta = this.#path(facts.identifier, 'meta');
    const part = { body: `${body}.part`, meta: `${meta}.part` };
    try {
      const { size, sha256 } = await this.#takeBody(source, part.body, options);
      this.#afterStep('body-written');
      const record = { ...facts, size, sha256, created: new Date().toISOString() };
      await writeSynced(part.meta, `${JSON.stringify(record, undefined, 2)}\n`);
      this.#afterStep('meta-written');
      await rename(part.body, body);
      this.#afterStep('body-placed');
      await rename(part.meta, meta);
      await syncDirectory(this.#directory);
      return { ...record, path: body };
    } catch (error) {
      await Promise.all([part.body, part.meta, body, meta].map(path => rm(path, { force: true })));
      throw storeError(error, this.#directory);
    }
  }

  async get(identifier: string): Promise<StoredImage | undefined> {
    if (!identifierForm.test(identifier)) return undefined;
    let text: string;
    try {
      text = await readFile(this.#path(identifier, 'meta'), 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    // Written by `add` alone, and whole or not at all.
    const record = JSON.parse(text) as Omit<StoredImage, 'path'>;
    return { ...record, path: this.#path(identifier, 'body') };
  }

  #path(identifier: string, kind: 'body' | 'meta'): string {
    return join(this.#directory, `${identifier}.${kind}`);
  }

  /** By rename where the disk is the same, else by a copy; either way the digest is of what ends up in the store. */
  async #takeBody(
    source: string,
    destination: string,
    options: AddOptions,
  ): Promise<{ size: number; sha256: string }> {
    const kind = await lstat(source);
    // A symbolic link would put something into the store that others can still change.
    if (!kind.isFile()) throw new BuildError('internal', `the plugin's image ${source} is no regular file`);
    try {
      await rename(source, destination);
    } catch (error) {
      if (errorCode(error) !== 'EXDEV') throw error;
      return await readThrough(source, options, destination);
    }
    const result = await readThrough(destination, options);
    const file = await open(destination, 'r+');
    try {
      await file.chmod(0o644);
      await file.sync();
    } finally {
      await file.close();
    }
    return result;
  }
}

/** Reads a file once: for its digest, and into a synced copy if there is to be one. */
async function readThrough(
  source: string,
  { signal, onProgress }: AddOptions,
  copy?: string,
): Promise<{ size: number; sha256: string }> {
  const total = (await stat(source)).size;
  const hash = createHash('sha256');
  let size = 0;
  const file = copy === undefined ? undefined : await open(copy, 'wx', 0o644);
  try {
    const chunks: AsyncIterable<Buffer> = createReadStream(source, { highWaterMark: 1 << 20, signal });
    for await (const chunk of chunks) {
      hash.update(chunk);
      size += chunk.length;
      await file?.writeFile(chunk);
      onProgress?.(total === 0 ? 1 : Math.min(1, size / total));
    }
    await file?.sync();
  } finally {
    await file?.close();
  }
  signal.throwIfAborted();
  return { size, sha256: hash.digest('hex') };
}

async function writeSynced(path: string, content: string): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Removes partial files and bodies without metadata that nobody can still be working on. */
async function removeLeftovers(directory: string, now: () => number): Promise<void> {
  const names = new Set(await readdir(directory));
  for (const name of names) {
    const [, identifier = '', kind] = /^([0-9a-f-]{36})\.(body|body\.part|meta\.part)$/.exec(name) ?? [];
    if (kind === undefined || (kind === 'body' && names.has(`${identifier}.meta`))) continue;
    const path = join(directory, name);
    try {
      if (now() - (await stat(path)).ctimeMs > leftoverAge) await rm(path, { force: true });
    } catch (error) {
      // Another agent on the same directory was quicker.
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }
}

function storeError(error: unknown, directory: string): BuildError {
  if (error instanceof BuildError) return error;
  if (error instanceof Error && error.name === 'AbortError') {
    return new BuildError('aborted', 'the build was aborted while its image was being stored', {
      cause: error,
    });
  }
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new BuildError('no_space', `no space left in ${directory}; free some or set --imgdir`, {
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new BuildError('not_permitted', `the agent may not write to ${directory}; set --imgdir`, {
        cause: error,
      });
    default:
      return BuildError.from(error);
  }
}

/** A name for a new image. */
export function newImageIdentifier(): string {
  return randomUUID();
}
