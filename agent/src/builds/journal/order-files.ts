import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../../files/atomic-write.js';
import { errorCode } from '../../files/error-code.js';

/**
 * The templates of jobs that hold passwords: a file each, which its owner alone can read, for as long as the job may have to be begun: until it
 * begins, or until its end where it may be begun once more.
 */
export class OrderFiles {
  constructor(private readonly directory: string) {}

  keep(id: string, descriptor: string): Promise<void> {
    return writeAtomically(this.#path(id), descriptor, 0o600);
  }

  /** The template's text; undefined when there is none. */
  async read(id: string): Promise<string | undefined> {
    try {
      return await readFile(this.#path(id), 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  /** Removes those of jobs that are begun no more, and what was never finished. */
  async removeAllBut(ids: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.directory)) {
      const id = /^([0-9a-f-]{36})\.order/.exec(name)?.[1];
      if (id === undefined || (name === `${id}.order` && ids.has(id))) continue;
      await rm(join(this.directory, name), { force: true });
    }
  }

  #path(id: string): string {
    return join(this.directory, `${id}.order`);
  }
}
