import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, StoreError } from '../errors.js';
import type { Store, StoreOptions, StoreReader } from '../store.js';
import { databaseFile, Engine } from './engine.js';
import { InlineHost, WorkerHost } from './host.js';
import { SecretFiles, SecretsInMemory, syncDirectory } from './secrets.js';
import { SqliteStore } from './sqlite-store.js';

/**
 * Opens the store of a directory: `store.db`, and `secrets/` beside it, readable by this user alone.
 *
 * @param directory made if it does not exist; its mode becomes 0700
 * @throws StoreError `in_use` with the process that has it open, `newer_version`, `damaged`, or `write_failed`
 */
export async function openStore(directory: string, options: StoreOptions = {}): Promise<Store> {
  const secrets = await prepare(directory);
  const host = await WorkerHost.open(directory);
  const copyTo = (path: string): Promise<void> => copy(directory, path);
  return await SqliteStore.open({ host, secrets, copyTo, ...options });
}

/**
 * Opens the store of a directory for queries, in this thread; another process may have it open for writing meanwhile. Changes nothing.
 *
 * @throws StoreError `not_found` if there is no store, `invalid` for one of an older version, `newer_version`, or `damaged`
 */
export function openStoreForReading(directory: string): StoreReader {
  const host = new InlineHost(Engine.openToRead(directory));
  const secrets = new SecretFiles(join(directory, 'secrets'));
  return SqliteStore.forReading({ host, secrets, copyTo: path => copy(directory, path) });
}

/** A store that ends with the process, for tests: the same database, in memory and in this thread. It has no backup. */
export async function openMemoryStore(options: StoreOptions = {}): Promise<Store> {
  const copyTo = (): Promise<void> =>
    Promise.reject(new StoreError('invalid', 'a store in memory has no backup; open a directory'));
  return await SqliteStore.open({
    host: new InlineHost(Engine.open(undefined)),
    secrets: new SecretsInMemory(),
    copyTo,
    ...options,
  });
}

/** Makes the directory, its files and their modes. @throws StoreError `write_failed` */
export async function prepare(directory: string): Promise<SecretFiles> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    // SQLite gives its other files the mode of this one.
    const database = join(directory, databaseFile);
    for (const name of [database, join(directory, 'store.lock')]) {
      await makeEmpty(name);
      await chmod(name, 0o600);
    }
    const secrets = await SecretFiles.open(join(directory, 'secrets'));
    await syncDirectory(directory);
    return secrets;
  } catch (error) {
    throw new StoreError('write_failed', `${directory} cannot be prepared: ${messageOf(error)}`);
  }
}

/** Whole or not at all: the copy gets its name once it is safe on the disk. */
async function copy(directory: string, path: string): Promise<void> {
  const part = `${path}.part`;
  await reserve(path);
  try {
    await reserve(part);
    await WorkerHost.copy(directory, part);
    const file = await open(part, 'r+');
    await file.sync().finally(() => file.close());
    await rename(part, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await Promise.all([rm(part, { force: true }), rm(path, { force: true })]);
    if (error instanceof StoreError) throw error;
    throw new StoreError('write_failed', `${path} cannot be written: ${messageOf(error)}`);
  }
}

/** Makes an empty file, unless there is one. That is not opened: its closing would end the locks that this process has on it. */
async function makeEmpty(path: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** Makes an empty file that this user alone can read. */
async function reserve(path: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.close();
  } catch (error) {
    throw new StoreError(
      'invalid',
      `${path} cannot be made: ${messageOf(error)}; give the path of a new file`,
    );
  }
}
