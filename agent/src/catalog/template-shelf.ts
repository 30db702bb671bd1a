import { mkdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { v5 as uuidv5 } from 'uuid';
import { writeAtomically } from '../files/atomic-write.js';
import { errorCode } from '../files/error-code.js';

/** Namespace of the names (RFC 9562, version 5) of templates that came without one. */
const namespace = '4d6f2d0c-5a43-4b0e-9b0c-6a1f4c1d8e21';

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
    return uuidv5(text, namespace);
  }

  /** Keeps a text, safe on the disk. @returns its uuid */
  async put(text: string): Promise<string> {
    const id = this.idOf(text);
    // What others are writing just now may not be on the disk yet.
    const writing = this.#writing.get(id);
    if (writing !== undefined) await writing;
    else if (this.get(id) !== text) {
      const mine = writeAtomically(this.#path(id), text).finally(() => this.#writing.delete(id));
      this.#writing.set(id, mine);
      await mine;
    }
    return id;
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
