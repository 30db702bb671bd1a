import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, passed, type PassedError, StoreError } from '../errors.js';
import type { Page, Query, Where } from '../query.js';
import type { Records, TableName } from '../records.js';
import type { Disagreement } from '../store.js';
import { type Applied, applyStep, getRecord, type Step } from './apply.js';
import { checkTables } from './check.js';
import { Connection, SqlError } from './driver.js';
import { takeDirectory } from './lock.js';
import { assertOwnVersion, assertVersion, migrate, migrations } from './migrations.js';
import { count, find } from './select.js';

/** Name of the database file. */
export const databaseFile = 'store.db';

/** What came of a step. */
export type Outcome =
  | { readonly kind: 'recorded'; readonly applied: Applied }
  | { readonly kind: 'refused'; readonly error: PassedError };

/** The synchronous half of the store: one connection, in the thread that calls it. Every method throws StoreError. */
export class Engine {
  readonly #connection: Connection;
  readonly #letGo: () => void;

  private constructor(connection: Connection, letGo: () => void) {
    this.#connection = connection;
    this.#letGo = letGo;
  }

  /**
   * @param directory of this process alone while the engine is open; undefined for a database in memory
   * @param steps migrations
   * @throws StoreError `in_use`, `newer_version` or `damaged`
   */
  static open(directory: string | undefined, steps: readonly string[] = migrations): Engine {
    const letGo = directory === undefined ? () => undefined : takeDirectory(directory);
    let connection: Connection | undefined;
    try {
      const path = directory === undefined ? ':memory:' : join(directory, databaseFile);
      connection = new Connection(path);
      // Before anything is changed.
      assertOwnVersion(connection, steps.length, path);
      connection.exec('PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA foreign_keys = on');
      connection.exec('PRAGMA busy_timeout = 5000');
      migrate(connection, steps);
      return new Engine(connection, letGo);
    } catch (error) {
      connection?.close();
      letGo();
      throw storeError(error, directory);
    }
  }

  /**
   * Reads the database of a directory, which another process may have open.
   *
   * @throws StoreError `not_found`, `newer_version` or `damaged`
   */
  static openToRead(directory: string): Engine {
    const path = join(directory, databaseFile);
    if (!existsSync(path))
      throw new StoreError(
        'not_found',
        `there is no ${path}; start an agent with this directory, which makes it`,
      );
    let connection: Connection | undefined;
    try {
      connection = Connection.toRead(path);
      connection.exec('PRAGMA busy_timeout = 5000');
      assertVersion(connection, migrations.length, path);
      return new Engine(connection, () => undefined);
    } catch (error) {
      connection?.close();
      throw storeError(error, directory);
    }
  }

  /**
   * Records steps in one transaction. One that is refused leaves no trace and does not harm the others.
   *
   * @throws StoreError `write_failed` when none is recorded
   */
  commit(steps: readonly Step[]): readonly Outcome[] {
    try {
      return this.#connection.transaction(() => steps.map(step => this.#apply(step)));
    } catch (error) {
      throw storeError(error);
    }
  }

  #apply(step: Step): Outcome {
    this.#connection.exec('SAVEPOINT step');
    try {
      const applied = applyStep(this.#connection, step);
      this.#connection.exec('RELEASE step');
      return { kind: 'recorded', applied: { events: applied.events, forgotten: applied.forgotten } };
    } catch (error) {
      const refusal = storeError(error);
      // A full disk is every step's failure.
      if (refusal.code === 'write_failed') throw refusal;
      this.#connection.exec('ROLLBACK TO step; RELEASE step');
      return { kind: 'refused', error: passed(refusal) };
    }
  }

  get<T extends TableName>(table: T, key: string | number): Records[T] | undefined {
    return this.#read(connection => getRecord(connection, table, key));
  }

  find<T extends TableName>(table: T, query: Query): Page<Records[T]> {
    return this.#read(connection => find(connection, table, query));
  }

  imageIds(): readonly string[] {
    const ids = (connection: Connection): readonly string[] =>
      connection.all('SELECT id FROM images').map(({ id }) => String(id));
    return this.#read(ids);
  }

  count(table: TableName, where: Where | undefined): number {
    return this.#read(connection => count(connection, table, where));
  }

  /** Ids of the jobs that have a secret. */
  jobsWithSecret(): readonly string[] {
    const sql = 'SELECT id FROM jobs WHERE secret = 1';
    return this.#read(connection => connection.all(sql).map(row => String(row['id'])));
  }

  check(): readonly Disagreement[] {
    return this.#read(checkTables);
  }

  /** Bounds the size of the database, in pages of 4 KiB; a step beyond it fails as on a full disk. */
  limitPages(pages: number): void {
    this.#connection.exec(`PRAGMA max_page_count = ${pages}`);
  }

  close(): void {
    this.#connection.close();
    this.#letGo();
  }

  #read<T>(work: (connection: Connection) => T): T {
    try {
      return work(this.#connection);
    } catch (error) {
      throw storeError(error);
    }
  }
}

/** Writes a copy of a directory's database to an empty file, with a connection of its own. @throws StoreError */
export function copyDatabase(directory: string, path: string): void {
  const connection = new Connection(join(directory, databaseFile));
  try {
    connection.run('VACUUM INTO ?', [path]);
  } catch (error) {
    throw storeError(error);
  } finally {
    connection.close();
  }
}

const damage = ['SQLITE_CORRUPT', 'SQLITE_NOTADB'];
const ofTheDisk = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_BUSY'];

export function storeError(error: unknown, directory = 'its directory'): StoreError {
  if (error instanceof StoreError) return error;
  const text = messageOf(error);
  const has = (codes: readonly string[]): boolean =>
    error instanceof SqlError && codes.some(code => error.code.startsWith(code));
  if (has(damage)) {
    return new StoreError(
      'damaged',
      `the database is damaged (${text}): restore a backup, or move ${directory} aside, which loses jobs and no image`,
    );
  }
  if (has(ofTheDisk)) {
    return new StoreError(
      'write_failed',
      `the database cannot be written or read (${text}): look at the free space and the rights of its directory`,
    );
  }
  return new StoreError('invalid', `the record does not fit the tables: ${text}`);
}
