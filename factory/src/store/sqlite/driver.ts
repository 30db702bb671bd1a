// The one module that knows the SQLite driver: `node:sqlite`, or another one, takes its place here.
import Database from 'libsql';

export type SqlValue = string | number | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** An error of SQLite. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  /** @param code SQLite's name of its result code, such as `SQLITE_FULL`; `''` when the driver does not know it */
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** One connection to a database file, or to a database in memory (`:memory:`). Synchronous. All methods throw {@link SqlError}. */
export class Connection {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(path: string) {
    this.#database = guarded(() => new Database(path));
  }

  /** A connection that can change nothing, to a file that exists. */
  static toRead(path: string): Connection {
    const uri = `file:${path.replace(/[%?#]/g, encodeURIComponent)}?mode=ro`;
    return new Connection(uri);
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  /** Runs statements without parameters. */
  exec(sql: string): void {
    guarded(() => this.#database.exec(sql));
  }

  /** @returns the rowid of the row that was inserted last */
  run(sql: string, parameters: readonly SqlValue[] = []): number {
    const statement = this.#prepare(sql);
    return Number(guarded(() => statement.run(checked(parameters))).lastInsertRowid);
  }

  all(sql: string, parameters: readonly SqlValue[] = []): readonly SqlRow[] {
    const statement = this.#prepare(sql);
    // The schema has no column of bytes, and integers beyond 2^53 are refused before they come here.
    return guarded(() => statement.all(checked(parameters))) as SqlRow[];
  }

  get(sql: string, parameters: readonly SqlValue[] = []): SqlRow | undefined {
    return this.all(sql, parameters)[0];
  }

  /** Commits the changes of `work`, or rolls them back when it throws. */
  transaction<T>(work: () => T): T {
    this.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk has ended the transaction already.
      if (this.inTransaction) this.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): Database.Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = guarded(() => this.#database.prepare(sql));
    // Queries by other fields are other statements: the number is bounded.
    if (this.#statements.size >= 200) this.#statements.clear();
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** libsql ends the process on a boolean or an object, and cuts a text at its first NUL. */
function checked(parameters: readonly SqlValue[]): SqlValue[] {
  return parameters.map((value: unknown) => {
    if (typeof value === 'string') return value.replaceAll('\0', '\ufffd');
    if (value === null || (typeof value === 'number' && Number.isFinite(value))) return value;
    throw new SqlError('', `a value of the type ${typeof value} cannot be stored`);
  });
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SqlError || !(error instanceof Error)) throw error;
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    throw new SqlError(code.startsWith('SQLITE_') ? code : '', error.message);
  }
}
