import type { Json, Records, TableName } from '../records.js';
import type { SqlRow, SqlValue } from './driver.js';

export type ColumnType = 'text' | 'integer' | 'boolean' | 'json';

/** A table of the database. Its fields are the columns, in the spelling of TypeScript. */
export interface Table {
  /** Name in SQL. */
  readonly name: string;
  /** The column that names a record, last in each sort. */
  readonly key: string;
  /** Default sort. */
  readonly sort: readonly string[];
  /** By the names in SQL. */
  readonly columns: ReadonlyMap<string, Column>;
  /** Adds a record; the parameters are its {@link valuesOf}. */
  readonly insert: string;
  /** As `insert`; takes the place of the record with the same key. */
  readonly upsert: string;
}

export interface Column {
  /** Name of the field of the record. */
  readonly field: string;
  readonly type: ColumnType;
}

/** The columns of each table that are not texts; those of the union of a job's states included. */
const fields: { readonly [T in TableName]: Readonly<Record<FieldOf<Records[T]>, ColumnType>> } = {
  orders: { ...texts('id', 'caller', 'orderKey', 'door', 'action', 'created') },
  jobs: {
    ...texts('id', 'kind', 'status', 'orderId', 'parent', 'image', 'template', 'target', 'provider'),
    ...{ parameters: 'json', door: 'json', percent: 'integer', activity: 'text', result: 'json' },
    ...{ error: 'json', resumable: 'boolean', interruptions: 'integer', postponed: 'boolean' },
    ...{ secret: 'boolean', created: 'text', modified: 'text', ended: 'text' },
  },
  marks: { ...texts('job', 'kind', 'name'), detail: 'json' },
  images: {
    ...texts('id', 'kind', 'status', 'parent', 'batch', 'template', 'target', 'provider'),
    ...texts('identifierOnProvider', 'account', 'activity', 'error', 'format', 'sha256'),
    ...{ percent: 'integer', size: 'integer', os: 'json', callerImageUuid: 'text' },
    ...{ parameters: 'json', properties: 'json', revision: 'integer', created: 'text', modified: 'text' },
  },
  imageSets: texts('id', 'description', 'latestBatch', 'latestUnpushed', 'created'),
  batches: texts('id', 'imageSet', 'parent', 'created'),
  templates: texts('id', 'text', 'created', 'used'),
  events: { sequence: 'integer', at: 'text', type: 'text', job: 'text', image: 'text', data: 'json' },
  followers: { name: 'text', position: 'integer', modified: 'text' },
};

/** The fields of all members of a union. */
type FieldOf<R> = R extends unknown ? keyof R & string : never;

function texts<Name extends string>(...names: readonly Name[]): Readonly<Record<Name, 'text'>> {
  // Object.fromEntries forgets the names.
  return Object.fromEntries(names.map(name => [name, 'text'])) as Record<Name, 'text'>;
}

export const tables: { readonly [T in TableName]: Table } = {
  orders: table('orders', 'id', ['created']),
  jobs: table('jobs', 'id', ['created']),
  marks: table('marks', 'rowid', [], 'job, kind, name'),
  images: table('images', 'id', ['created']),
  imageSets: table('imageSets', 'id', ['created']),
  batches: table('batches', 'id', ['created']),
  templates: table('templates', 'id', ['created']),
  events: table('events', 'sequence', []),
  followers: table('followers', 'name', []),
};

function table(record: TableName, key: string, sort: readonly string[], unique = key): Table {
  const name = snakeCase(record);
  const columns = new Map(
    Object.entries<ColumnType>(fields[record]).map(([field, type]) => [snakeCase(field), { field, type }]),
  );
  const names = [...columns.keys()];
  const insert = `INSERT INTO ${name} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  const set = names.map(column => `${column} = excluded.${column}`).join(', ');
  return {
    name,
    key,
    sort,
    columns,
    insert,
    upsert: `${insert} ON CONFLICT (${unique}) DO UPDATE SET ${set}`,
  };
}

/** The fields of a table's records, spelled with underscores. */
export function fieldNames(name: TableName): readonly string[] {
  return [...tables[name].columns.keys()];
}

/** `orderKey` as `order_key`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}

/** The record of a row; fields without a value are left out. */
export function recordOf<T extends TableName>(name: T, row: SqlRow): Records[T] {
  const record: Record<string, unknown> = {};
  for (const [column, { field, type }] of tables[name].columns) {
    const value = row[column] ?? null;
    if (value === null) continue;
    if (type === 'json') record[field] = JSON.parse(String(value));
    else record[field] = type === 'boolean' ? value === 1 : value;
  }
  // The constraints of the tables, and what writes to them, keep rows to the type.
  return record as unknown as Records[T];
}

/** The values of all columns for a record. */
export function valuesOf(name: TableName, record: object): SqlValue[] {
  // Only fields of the table are read.
  const values = record as Readonly<Record<string, Json | undefined>>;
  return [...tables[name].columns.values()].map(({ field, type }) => sqlValue(type, values[field]));
}

/** The columns and values of those fields of a record that are given. */
export function givenColumns(name: TableName, given: object): ReadonlyMap<string, SqlValue> {
  // As above.
  const values = given as Readonly<Record<string, Json | undefined>>;
  const columns = [...tables[name].columns].filter(([, { field }]) => values[field] !== undefined);
  return new Map(columns.map(([column, { field, type }]) => [column, sqlValue(type, values[field])]));
}

function sqlValue(type: ColumnType, value: Json | undefined): SqlValue {
  if (value === undefined || value === null) return null;
  if (type === 'json') return JSON.stringify(value);
  if (type === 'boolean') return value === true ? 1 : 0;
  // Other types are refused by the driver or by the table.
  return value as SqlValue;
}
