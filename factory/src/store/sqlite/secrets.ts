import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, StoreError } from '../errors.js';

/** The secrets of jobs that wait, by the id of the job. */
export interface Secrets {
  /** @throws StoreError `conflict` if the job has one, or `write_failed` */
  keep(job: string, secret: string): Promise<void>;
  /** Resolves when the secrets that are kept by now survive a power cut. @throws StoreError `write_failed` */
  sync(): Promise<void>;
  read(job: string): Promise<string | undefined>;
  /** Without effect if there is none. */
  remove(job: string): Promise<void>;
  jobs(): Promise<readonly string[]>;
}

/** For stores in memory. */
export class SecretsInMemory implements Secrets {
  readonly #secrets = new Map<string, string>();

  keep(job: string, secret: string): Promise<void> {
    if (this.#secrets.has(job)) return Promise.reject(new StoreError('conflict', `job ${job} has a secret`));
    this.#secrets.set(job, secret);
    return Promise.resolve();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  read(job: string): Promise<string | undefined> {
    return Promise.resolve(this.#secrets.get(job));
  }

  remove(job: string): Promise<void> {
    this.#secrets.delete(job);
    return Promise.resolve();
  }

  jobs(): Promise<readonly string[]> {
    return Promise.resolve([...this.#secrets.keys()]);
  }
}

/** A file with the mode 0600 for each, in a directory with the mode 0700. */
export class SecretFiles implements Secrets {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<SecretFiles> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new SecretFiles(directory);
  }

  async keep(job: string, secret: string): Promise<void> {
    try {
      const file = await open(this.#path(job), 'wx', 0o600);
      try {
        await file.writeFile(secret);
        await file.sync();
      } catch (error) {
        await this.remove(job);
        throw error;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (error instanceof StoreError) throw error;
      if (codeOf(error) === 'EEXIST') throw new StoreError('conflict', `job ${job} exists already`);
      throw new StoreError('write_failed', `the secret of job ${job} cannot be written: ${messageOf(error)}`);
    }
  }

  async sync(): Promise<void> {
    try {
      await syncDirectory(this.#directory);
    } catch (error) {
      throw new StoreError('write_failed', `${this.#directory} cannot be written: ${messageOf(error)}`);
    }
  }

  async read(job: string): Promise<string | undefined> {
    try {
      return await readFile(this.#path(job), 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw new StoreError('write_failed', `the secret of job ${job} cannot be read: ${messageOf(error)}`);
    }
  }

  async remove(job: string): Promise<void> {
    await rm(this.#path(job), { force: true });
  }

  async jobs(): Promise<readonly string[]> {
    const names = await readdir(this.#directory).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    return names.filter(name => isId(name));
  }

  #path(job: string): string {
    if (!isId(job)) throw new StoreError('invalid', `job: ${JSON.stringify(job.slice(0, 60))} is no uuid`);
    return join(this.#directory, job);
  }
}

/** Makes the entries of a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isId(name: string): boolean {
  return /^[\da-f-]{36}$/.test(name);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
