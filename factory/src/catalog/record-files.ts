import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, writePart } from '../platform/files/atomic-write.js';
import { errorCode } from '../platform/files/error-code.js';
import { type Lock, waitForLock } from '../platform/files/lock.js';
import { type ImageDocument, idsIn } from './documents.js';

/** What led to an image in earlier versions; now a symbolic link does, which costs no sync of its own. */
interface Pointer {
  readonly image: string;
}

/** Milliseconds for which to wait for another process that changes records. */
const lockPatience = 10_000;

/** Milliseconds after which what was being written is taken for left behind. */
const partAge = 600_000;

export const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * A JSON file for each image, and for each of its builds, target and provider images a symbolic link to it. The image's own file counts: what
 * leads to an image that doesn't know it leads nowhere.
 */
export class RecordFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  /** The image of that uuid. */
  image(id: string): ImageDocument | undefined {
    const found = this.#read(id);
    return found !== undefined && 'builds' in found && found.id === id ? found : undefined;
  }

  /** The image of that uuid, or the one that the build, target image or provider image of that uuid belongs to. */
  imageOf(id: string): ImageDocument | undefined {
    const found = this.#read(id);
    if (found === undefined) return undefined;
    const isImage = 'builds' in found;
    if (isImage && found.id === id) return found;
    // By way of its own name, since a backup may have come back with copies in the place of links.
    const image = this.image(isImage ? found.id : found.image);
    return image !== undefined && idsIn(image).has(id) ? image : undefined;
  }

  /** The uuids of all images, and perhaps of some other things, and of what has links that lead to them. */
  async names(): Promise<Names> {
    const entries = (await readdir(this.directory, { withFileTypes: true })).filter(({ name }) =>
      name.endsWith('.json'),
    );
    const idOf = ({ name }: { readonly name: string }): string => name.slice(0, -'.json'.length);
    return {
      images: entries.filter(entry => entry.isFile()).map(idOf),
      links: entries.filter(entry => entry.isSymbolicLink()).map(idOf),
    };
  }

  /** Removes links of those uuids that lead nowhere, as they are left by a process that was killed. */
  async removeDangling(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const lock = await this.lock();
    try {
      this.#unlink(ids);
    } finally {
      lock.release();
    }
  }

  /**
   * Keeps other processes from changing records until it is released.
   *
   * @throws Error when one of them doesn't let go
   */
  async lock(): Promise<Lock> {
    const result = await waitForLock(join(this.directory, 'lock'), lockPatience);
    if (result.kind === 'held') return result.lock;
    throw new Error(`${this.directory} is held by ${result.by}; try again when that one is done`);
  }

  /**
   * Writes an image: safe on the disk, and ready to be put in place at once, with what leads to it from those that are new in it, and without
   * what leads to it from those that are gone. One that has no builds is removed then.
   *
   * @throws what the file system says; nothing is left then
   */
  async prepare(image: ImageDocument, { fresh, gone }: LinkChanges): Promise<PreparedFiles> {
    const path = this.#path(image.id);
    if (image.builds.length === 0) {
      const place = (): void => {
        rmSync(path, { force: true });
        this.#unlinkOrLeave(gone);
      };
      return { place, discard: () => undefined };
    }
    const part = await writePart(path, `${JSON.stringify(image)}\n`);
    const discard = (): void => rmSync(part, { force: true });
    return {
      place: () => {
        try {
          for (const id of fresh) this.#link(id, image.id);
          // Last: before it, nothing leads anywhere.
          renameSync(part, path);
        } catch (error) {
          discard();
          throw error;
        }
        this.#unlinkOrLeave(gone);
      },
      discard,
    };
  }

  /** Makes what was put in place last through a power cut. */
  sync(): Promise<void> {
    return syncDirectory(this.directory);
  }

  /** Removes what processes were writing in some folders when they were killed. */
  removeParts(folders: readonly string[]): void {
    for (const folder of folders) {
      for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        if ((name.endsWith('.part') || name.startsWith('lock.')) && isOld(path))
          rmSync(path, { force: true });
      }
    }
  }

  #link(id: string, image: string): void {
    const path = this.#path(id);
    const part = `${path}.${randomUUID()}.part`;
    try {
      symlinkSync(`${image}.json`, part);
      // One that leads nowhere may be there.
      renameSync(part, path);
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    }
  }

  /** What goes with a change that is in place by now: what stays leads nowhere, and {@link removeDangling} finds it. */
  #unlinkOrLeave(ids: readonly string[]): void {
    try {
      this.#unlink(ids);
    } catch {
      // As said.
    }
  }

  /** Those that lead somewhere stay. */
  #unlink(ids: readonly string[]): void {
    for (const id of ids) if (this.imageOf(id) === undefined) rmSync(this.#path(id), { force: true });
  }

  #read(id: string): ImageDocument | Pointer | undefined {
    if (!uuidForm.test(id)) return undefined;
    const path = this.#path(id);
    try {
      const text = readFileSync(path, 'utf8');
      // Earlier versions did not sync: one that was new when the power failed may have its name and nothing else.
      if (text === '') return undefined;
      // Written by this class alone, and whole or not at all.
      return JSON.parse(text) as ImageDocument | Pointer;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      if (!(error instanceof SyntaxError)) throw error;
      throw new Error(`${path} is damaged (${error.message}); restore it from a backup, or remove it`, {
        cause: error,
      });
    }
  }

  #path(id: string): string {
    return join(this.directory, `${id}.json`);
  }
}

export interface Names {
  readonly images: readonly string[];
  readonly links: readonly string[];
}

/** The uuids of what has come to belong to an image, and of what has left it. */
export interface LinkChanges {
  readonly fresh: readonly string[];
  readonly gone: readonly string[];
}

/** Files that are written, and not in place yet. */
export interface PreparedFiles {
  /** @throws what the file system says; the image is as it was then, and they are discarded */
  place(): void;
  /** Removes what was written; the image stays as it is. */
  discard(): void;
}

function isOld(path: string): boolean {
  try {
    return Date.now() - lstatSync(path).mtimeMs > partAge;
  } catch {
    return false;
  }
}
