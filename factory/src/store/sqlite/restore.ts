import { copyFile, link, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { freeName } from '../../platform/files/free-name.js';
import { messageOf, StoreError } from '../errors.js';
import { Connection } from './driver.js';
import { databaseFile, storeError } from './engine.js';
import { takeDirectory } from './lock.js';
import { assertOwnVersion, migrate, migrations } from './migrations.js';
import { prepare } from './open.js';
import { syncDirectory } from './secrets.js';

/**
 * Puts a copy of a backup into the place of a directory's database, at once and whole. The old one is moved aside, to `store.db.old`. Numbers of
 * events that it has given out are not given out again.
 *
 * @returns path of the old database; undefined if there was none
 * @throws StoreError `in_use` with the process that has the store open, `invalid` or `damaged` for a file that is no intact backup,
 *   `newer_version`, or `write_failed`
 */
export async function restoreStore(directory: string, backup: string): Promise<string | undefined> {
  await assertIntact(backup);
  await prepare(directory);
  const letGo = takeDirectory(directory);
  const database = join(directory, databaseFile);
  const fresh = join(directory, 'store.new');
  try {
    await removeDatabase(fresh);
    await copyFile(backup, fresh);
    continueSequence(fresh, newestSequenceOf(database));
    const file = await open(fresh, 'r+');
    await file.chmod(0o600);
    await file.sync().finally(() => file.close());
    const aside = await moveAside(database);
    await rename(fresh, database);
    await syncDirectory(directory);
    return aside;
  } catch (error) {
    throw error instanceof StoreError
      ? error
      : new StoreError(
          'write_failed',
          `${directory} cannot be restored: ${messageOf(error)}; make room, and restore again`,
        );
  } finally {
    letGo();
  }
}

/** Makes sure that no process has the store of a directory open. @throws StoreError `in_use` */
export async function assertNotInUse(directory: string): Promise<void> {
  await prepare(directory);
  takeDirectory(directory)();
}

async function assertIntact(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.isFile() !== true)
    throw new StoreError('invalid', `${path} is no file; give the path of a backup`);
  let connection: Connection | undefined;
  try {
    connection = Connection.toRead(path);
    assertOwnVersion(connection, migrations.length, path);
    if (connection.get('SELECT 1 FROM sqlite_schema LIMIT 1') === undefined)
      throw new StoreError('invalid', `${path} is an empty database; give the path of a backup`);
    const found = connection.get('PRAGMA integrity_check')?.['integrity_check'];
    if (found !== 'ok')
      throw new StoreError('damaged', `${path} is damaged (${String(found)}); give another backup`);
  } catch (error) {
    throw storeError(error, path);
  } finally {
    connection?.close();
  }
}

/** Sequence of the newest event that a database has given out; 0 if that cannot be read. */
function newestSequenceOf(database: string): number {
  let connection: Connection | undefined;
  try {
    connection = new Connection(database);
    const row = connection.get("SELECT seq FROM sqlite_sequence WHERE name = 'events'");
    return Number(row?.['seq'] ?? 0);
  } catch {
    return 0;
  } finally {
    // The last connection leaves no -wal behind.
    connection?.close();
  }
}

function continueSequence(database: string, sequence: number): void {
  const connection = new Connection(database);
  try {
    // One file, without a -wal beside it.
    connection.exec('PRAGMA journal_mode = delete');
    migrate(connection, migrations);
    connection.transaction(() => {
      const known = connection.get("SELECT seq FROM sqlite_sequence WHERE name = 'events'");
      if (known === undefined)
        connection.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", [sequence]);
      else connection.run("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'events'", [sequence]);
    });
  } catch (error) {
    throw storeError(error, database);
  } finally {
    connection.close();
  }
}

/** Gives the database a second name: the first one is its own until another file takes that. */
async function moveAside(database: string): Promise<string | undefined> {
  const { size } = await stat(database);
  if (size === 0) return undefined;
  const aside = freeName(`${database}.old`);
  await link(database, aside).catch(() => copyFile(database, aside));
  // Only a damaged database still has these: its connection could not put them in order. A new one must not find them.
  for (const part of ['-wal', '-shm'])
    await rename(`${database}${part}`, `${aside}${part}`).catch(() => undefined);
  return aside;
}

async function removeDatabase(path: string): Promise<void> {
  for (const part of ['', '-wal', '-shm', '-journal']) await rm(`${path}${part}`, { force: true });
}
