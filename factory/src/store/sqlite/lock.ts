import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf, StoreError } from '../errors.js';
import { Connection, SqlError } from './driver.js';

/** The process that has a store open. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When it opened the store, ISO 8601, UTC. */
  readonly since: string;
}

/**
 * Takes a directory for this process: an exclusive transaction of a database file of its own, which the system ends with the process however that
 * ends. A file beside it names the holder, for messages.
 *
 * @returns lets the directory go
 * @throws StoreError `in_use` with the holder
 */
export function takeDirectory(directory: string): () => void {
  const connection = new Connection(join(directory, 'store.lock'));
  const holderFile = join(directory, 'store.holder');
  try {
    connection.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    connection.close();
    if (!(error instanceof SqlError) || error.code !== 'SQLITE_BUSY') throw error;
    throw new StoreError(
      'in_use',
      `${directory} is in use by ${holderIn(holderFile)}: stop that process, or choose another directory`,
    );
  }
  const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  writeFileSync(`${holderFile}.new`, JSON.stringify(holder), { mode: 0o600 });
  renameSync(`${holderFile}.new`, holderFile);
  return () => {
    connection.exec('ROLLBACK');
    connection.close();
  };
}

function holderIn(path: string): string {
  try {
    // Written by takeDirectory alone.
    const { host, pid, since } = JSON.parse(readFileSync(path, 'utf8')) as Holder;
    return `process ${pid} on ${host}, since ${since}`;
  } catch (error) {
    return `another process (its name cannot be read: ${messageOf(error)})`;
  }
}
