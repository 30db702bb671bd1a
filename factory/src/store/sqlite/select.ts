import { StoreError } from '../errors.js';
import type { Condition, Page, Query, Scalar, Where } from '../query.js';
import type { Records, TableName } from '../records.js';
import type { Connection, SqlRow, SqlValue } from './driver.js';
import { recordOf, snakeCase, tables, type ColumnType } from './tables.js';

const defaultLimit = 100;
const largestLimit = 1000;
/** Conditions and sort keys of one query. */
const mostParts = 50;

/** A part of a statement with the values of its parameters. Its text is made of names of columns alone, whatever the caller has sent. */
interface Sql {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

interface Field extends Sql {
  /** `value` for a value inside of JSON. */
  readonly type: ColumnType | 'value';
}

/** Carries out a query. @throws StoreError `invalid_query` */
export function find<T extends TableName>(connection: Connection, name: T, query: Query): Page<Records[T]> {
  const limit = query.limit ?? defaultLimit;
  if (!Number.isInteger(limit) || limit < 1 || limit > largestLimit)
    throw invalid(`limit: a whole number from 1 to ${largestLimit} is expected`);
  const keys = sortKeys(name, query);
  const where = conditions(name, query.where);
  const cursor = query.after === undefined ? undefined : afterCursor(keys, query.after);
  const chosen = cursor === undefined ? where : joined([where, cursor], ' AND ');
  const columns = keys.map(({ text, values }, index) => ({ text: `${text} AS "cursor ${index}"`, values }));
  const order = joined(
    keys.map(({ text, values, descending }) => ({ text: `${text}${descending ? ' DESC' : ''}`, values })),
    ', ',
  );
  const { name: table } = tables[name];
  const selected = joined([{ text: '*', values: [] }, ...columns], ', ');
  const rows = connection.all(
    `SELECT ${selected.text} FROM ${table} WHERE ${chosen.text} ORDER BY ${order.text} LIMIT ?`,
    [...selected.values, ...chosen.values, ...order.values, limit + 1],
  );
  const items = rows.slice(0, limit).map(row => recordOf(name, row));
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return { items, ...(last === undefined ? {} : { next: cursorOf(keys, last) }) };
}

/** @throws StoreError `invalid_query` */
export function count(connection: Connection, name: TableName, where: Where | undefined): number {
  const { text, values } = conditions(name, where);
  const row = connection.get(`SELECT count(*) AS n FROM ${tables[name].name} WHERE ${text}`, values);
  return Number(row?.['n'] ?? 0);
}

interface Key extends Sql {
  readonly descending: boolean;
}

/** Two keys for each field that may have no value, as such records come last in both directions. */
function sortKeys(name: TableName, { sort }: Query): readonly Key[] {
  const { key, sort: byDefault } = tables[name];
  const wanted = sort ?? byDefault.map(field => ({ field, descending: false }));
  if (wanted.length > mostParts) throw invalid(`sort: at most ${mostParts} fields are allowed`);
  return [
    ...wanted.flatMap(({ field, descending = false }): readonly Key[] => {
      const { text, values } = fieldOf(name, field);
      // The default sort is by fields that have a value always, and by an index.
      const nulls = sort === undefined ? [] : [{ text: `(${text} IS NULL)`, values, descending: false }];
      return [...nulls, { text, values, descending }];
    }),
    { text: key, values: [], descending: false },
  ];
}

/** The position after the last record of a page, opaque for callers: the values of its sort keys, and the keys that they belong to. */
function cursorOf(keys: readonly Key[], row: SqlRow): string {
  const values = keys.map((_key, index) => row[`cursor ${index}`] ?? null);
  return Buffer.from(JSON.stringify([signature(keys), ...values])).toString('base64url');
}

function afterCursor(keys: readonly Key[], cursor: string): Sql {
  const values = readCursor(keys, cursor);
  const alternatives = keys.map((key, index): Sql => {
    const same = keys.slice(0, index).map((before, at): Sql => {
      return { text: `${before.text} IS ?`, values: [...before.values, values[at] ?? null] };
    });
    const beyond = `${key.text} ${key.descending ? '<' : '>'} ?`;
    return joined([...same, { text: beyond, values: [...key.values, values[index] ?? null] }], ' AND ');
  });
  const { text, values: all } = joined(alternatives, ') OR (');
  return { text: `((${text}))`, values: all };
}

function readCursor(keys: readonly Key[], cursor: string): readonly SqlValue[] {
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    read = undefined;
  }
  if (Array.isArray(read) && read[0] === signature(keys) && read.length === keys.length + 1) {
    const values: readonly unknown[] = read.slice(1);
    if (values.every(isSqlValue)) return values;
  }
  throw invalid('after: give the `next` of a page with the same sort, unchanged');
}

function isSqlValue(value: unknown): value is SqlValue {
  return value === null || typeof value === 'string' || typeof value === 'number';
}

function signature(keys: readonly Key[]): string {
  return keys.map(({ text, values, descending }) => `${text}${descending ? '-' : ''}${values.join()}`).join();
}

function conditions(name: TableName, where: Where = []): Sql {
  const list: readonly Condition[] = isList(where)
    ? where
    : Object.entries(where).map(([field, value]) => ({ field, operator: '=', value }));
  if (list.length > mostParts) throw invalid(`where: at most ${mostParts} conditions are allowed`);
  return joined([{ text: '1', values: [] }, ...list.map(one => condition(name, one))], ' AND ');
}

function isList(where: Where): where is readonly Condition[] {
  return Array.isArray(where);
}

const orders = ['<', '<=', '>', '>='];

function condition(name: TableName, { field: path, operator, value }: Condition): Sql {
  const field = fieldOf(name, path);
  const { text, values } = field;
  if (operator === 'in') {
    if (!Array.isArray(value)) throw invalid(`${path} in: a list is expected`);
    if (value.length > largestLimit) throw invalid(`${path} in: at most ${largestLimit} values are allowed`);
    // Array.isArray does not narrow readonly arrays.
    const wanted = (value as readonly Scalar[]).map(one => compared(field, one));
    const list = wanted.filter(one => one !== undefined && one !== null);
    return {
      text: `${text} IN (SELECT value FROM json_each(?))`,
      values: [...values, JSON.stringify(list)],
    };
  }
  if (typeof value === 'object' && value !== null)
    throw invalid(`${path} ${operator}: one value is expected`);
  if (operator === '~') {
    const searched = `instr(lower(CAST(${text} AS TEXT)), lower(?)) > 0`;
    return { text: searched, values: [...values, String(value ?? '')] };
  }
  const wanted = compared(field, value);
  if (operator === '=' || operator === '!=') {
    if (wanted === undefined) return { text: operator === '=' ? '0' : '1', values: [] };
    const left = sided(field, wanted);
    return { text: `${left.text} IS ${operator === '=' ? '' : 'NOT '}?`, values: [...left.values, wanted] };
  }
  if (!orders.includes(operator)) throw invalid(`${path}: there is no operator ${JSON.stringify(operator)}`);
  if (wanted === undefined || wanted === null) return { text: '0', values: [] };
  const left = sided(field, wanted);
  return { text: `${left.text} ${operator} ?`, values: [...left.values, wanted] };
}

/** The value that a field of that type is compared with; undefined if no record can have it. */
function compared({ type }: Field, value: Scalar | undefined): SqlValue | undefined {
  if (value === null || value === undefined) return null;
  if (type === 'text' || type === 'json') return String(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (type === 'value') return value;
  const words: Readonly<Record<string, number>> = type === 'boolean' ? { true: 1, false: 0 } : {};
  const number = words[value] ?? (value === '' ? Number.NaN : Number(value));
  return Number.isFinite(number) ? number : undefined;
}

/** Inside of JSON, texts are compared with texts, and numbers with numbers. */
function sided({ type, text, values }: Field, wanted: SqlValue): Sql {
  if (type !== 'value' || wanted === null) return { text, values };
  if (typeof wanted === 'string') return { text: `CAST(${text} AS TEXT)`, values };
  const isNumber = `typeof(${text}) IN ('integer', 'real')`;
  return { text: `CASE WHEN ${isNumber} THEN ${text} END`, values: [...values, ...values] };
}

/** @throws StoreError `invalid_query` if the table has no such field */
function fieldOf(name: TableName, path: string): Field {
  const { columns } = tables[name];
  const [first = '', ...inside] = path.split('.');
  const column = snakeCase(first);
  const type = columns.get(column)?.type;
  if (type === undefined) {
    const known = [...columns.keys()].join(', ');
    throw invalid(`${JSON.stringify(path.slice(0, 100))}: there is no such field; there are ${known}`);
  }
  if (inside.length === 0) return { text: column, values: [], type };
  if (type !== 'json') throw invalid(`${path.slice(0, 100)}: nothing is inside of ${first}`);
  if (inside.length > 20 || inside.some(step => step === '' || /["\\]/.test(step)))
    throw invalid(`${path.slice(0, 100)}: at most 20 names without quotes and backslashes are expected`);
  const steps = inside.map(step => `."${step}"`).join('');
  return { text: `json_extract(${column}, ?)`, values: [`$${steps}`], type: 'value' };
}

function joined(parts: readonly Sql[], separator: string): Sql {
  return {
    text: parts.map(({ text }) => text).join(separator),
    values: parts.flatMap(({ values }) => values),
  };
}

function invalid(message: string): StoreError {
  return new StoreError('invalid_query', message);
}
