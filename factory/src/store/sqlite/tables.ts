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
  readonly columns: ReadonlyMap<string, ColumnType>;
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
  marks: table('marks', 'rowid', []),
  images: table('images', 'id', ['created']),
  imageSets: table('imageSets', 'id', ['created']),
  batches: table('batches', 'id', ['created']),
  templates: table('templates', 'id', ['created']),
  events: table('events', 'sequence', []),
  followers: table('followers', 'name', []),
};

function table(name: TableName, key: string, sort: readonly string[]): Table {
  const columns = Object.entries<ColumnType>(fields[name]).map(([field, type]): [string, ColumnType] => [
    snakeCase(field),
    type,
  ]);
  return { name: snakeCase(name), key, sort, columns: new Map(columns) };
}

/** `orderKey` as `order_key`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
}

/** The record of a row; fields without a value are left out. */
export function recordOf<T extends TableName>(name: T, row: SqlRow): Records[T] {
  const record: Record<string, unknown> = {};
  for (const [column, type] of tables[name].columns) {
    const value = row[column] ?? null;
    if (value === null) continue;
    if (type === 'json') record[camelCase(column)] = JSON.parse(String(value));
    else record[camelCase(column)] = type === 'boolean' ? value === 1 : value;
  }
  // The constraints of the tables, and what writes to them, keep rows to the type.
  return record as unknown as Records[T];
}

/** The columns of a record, or of some fields of it, with the values that SQL has for them; `undefined` becomes NULL. */
export function columnsOf(name: TableName, record: object): ReadonlyMap<string, SqlValue> {
  const values = new Map<string, SqlValue>();
  for (const [field, value] of Object.entries(record)) {
    const column = snakeCase(field);
    const type = tables[name].columns.get(column);
    if (type !== undefined) values.set(column, sqlValue(type, value as Json | undefined));
  }
  return values;
}

function sqlValue(type: ColumnType, value: Json | undefined): SqlValue {
  if (value === undefined || value === null) return null;
  if (type === 'json') return JSON.stringify(value);
  if (type === 'boolean') return value === true ? 1 : 0;
  // Other types are refused by the driver or by the table.
  return value as SqlValue;
}
