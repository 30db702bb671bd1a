import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { writeAtomically } from '../platform/files/atomic-write.js';
import { errorCode } from '../platform/files/error-code.js';
import { templateId } from '../templates/index.js';

/** Templates that are looked at in one go, before others get their turn. */
const batch = 200;

/**
 * The templates of an agent's builds, without passwords: a file for each, named by a uuid that follows from the text. So the same template
 * has the same uuid whoever builds from it, and what is stored under one never changes.
 */
export class TemplateShelf {
  readonly #directory: string;
  readonly #writing = new Map<string, Promise<void>>();

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  /** The uuid that a text has, or would have, in here. */
  idOf(text: string): string {
    return templateId(text);
  }

  /** Keeps a text, safe on the disk. @returns its uuid */
  async put(text: string): Promise<string> {
    const id = this.idOf(text);
    // What others are writing just now may not be on the disk yet.
    const writing = this.#writing.get(id);
    if (writing !== undefined) await writing;
    else if (!this.renew(id) || this.get(id) !== text) {
      const mine = writeAtomically(this.#path(id), text).finally(() => this.#writing.delete(id));
      this.#writing.set(id, mine);
      await mine;
    }
    return id;
  }

  /** Notes that a template is used just now, so that it is not old. @returns false when there is none, or it is another user's file */
  renew(id: string): boolean {
    const now = new Date();
    try {
      utimesSync(this.#path(id), now, now);
      return true;
    } catch (error) {
      // A file's times are its owner's: a backup may have come back as root's.
      if (['ENOENT', 'EPERM'].includes(errorCode(error) ?? '')) return false;
      throw error;
    }
  }

  /**
   * Removes templates that nothing is made from.
   *
   * @param before milliseconds since 1970: those that were put here, or used, before that
   * @returns how many
   */
  async removeUnused(isUsed: (id: string) => boolean, before: number): Promise<number> {
    let removed = 0;
    for (const [index, id] of (await this.identifiers()).entries()) {
      if (index % batch === 0) await turn();
      if (!isUsed(id) && this.#removeIfOlder(id, before)) removed++;
    }
    return removed;
  }

  #removeIfOlder(id: string, before: number): boolean {
    const path = this.#path(id);
    if (!isOlder(path, before)) return false;
    // Out of the way first: who wants to use it from now on finds none and writes it, and who did so right before this has made it new.
    const aside = `${path}.${randomUUID()}.part`;
    try {
      renameSync(path, aside);
    } catch (error) {
      // Another agent with this directory was faster.
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
    const isOld = isOlder(aside, before);
    if (isOld) rmSync(aside, { force: true });
    else renameSync(aside, path);
    return isOld;
  }

  /** @param id a uuid in lower case */
  get(id: string): string | undefined {
    try {
      return readFileSync(this.#path(id), 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async identifiers(): Promise<readonly string[]> {
    const names = await readdir(this.#directory);
    return names.flatMap(name => (name.endsWith('.xml') ? [name.slice(0, -'.xml'.length)] : []));
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.xml`);
  }
}

/** Whether a file is there and was changed before that, in milliseconds since 1970. */
function isOlder(path: string, before: number): boolean {
  const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return modified !== undefined && modified < before;
}
