import type { ImageRecord } from './image-record.js';
import type { Json } from './persistent-image.js';

export const operators = ['=', '!=', '<', '<=', '>', '>=', '~'] as const;
export type Operator = (typeof operators)[number];

/** A condition on one field. `~` finds a text within a text, letter case aside. */
export interface Condition {
  /**
   * Name of a field in the `.meta` file, in its own spelling or in that of TypeScript (`base_image_id` or `baseImageId`), with points to
   * what is inside: `os.name`, `statusDetail.error`. `kind` is base, target or provider.
   */
  readonly field: string;
  readonly operator: Operator;
  /** `null` stands for a field that has no value. */
  readonly value: string | number | boolean | null;
}

/** Fields and the values that they must have, or conditions; all must hold. */
export type Where = Readonly<Record<string, Condition['value']>> | readonly Condition[];

export interface Order {
  readonly field: string;
  readonly descending?: boolean;
}

export interface ImageQuery {
  readonly where?: Where;
  /** Default: the oldest first. Images without a value come last; equal ones in the order of their making. */
  readonly sort?: Order | readonly Order[];
  /** Images to leave out at the beginning; default 0. */
  readonly offset?: number;
  /** Images in the answer; default: all. */
  readonly limit?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** How many there are without `offset` and `limit`. */
  readonly total: number;
}

export function conditionsOf(where: Where = []): readonly Condition[] {
  if (isConditions(where)) return where;
  return Object.entries(where).map(([field, value]) => ({ field, operator: '=', value }));
}

function isConditions(where: Where): where is readonly Condition[] {
  return Array.isArray(where);
}

/** Whether all conditions hold for a record. */
export function matches(record: ImageRecord, conditions: readonly Condition[]): boolean {
  return conditions.every(({ field, operator, value }) => holds(fieldOf(record, field), operator, value));
}

/** One page of records, in order. */
export function pageOf<T extends ImageRecord>(records: Iterable<T>, query: ImageQuery): Page<T> {
  const conditions = conditionsOf(query.where);
  const found = [...records].filter(record => matches(record, conditions));
  const orders = query.sort === undefined ? [] : 'field' in query.sort ? [query.sort] : query.sort;
  found.sort((a, b) => {
    for (const { field, descending } of orders) {
      const order = compareInOrder(fieldOf(a, field), fieldOf(b, field), descending === true);
      if (order !== 0) return order;
    }
    return compareTexts(a.created, b.created) || compareTexts(a.identifier, b.identifier);
  });
  const offset = query.offset ?? 0;
  return { items: found.slice(offset, offset + (query.limit ?? found.length)), total: found.length };
}

/** The value of a field; null where there is none. */
export function fieldOf(record: ImageRecord, field: string): Json {
  const path = normalisedField(field);
  if (path === 'kind') return kinds[record.type];
  let value: Json | undefined = record;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, step))
      return null;
    // Arrays are out already; Array.isArray doesn't narrow readonly ones.
    value = (value as Readonly<Record<string, Json>>)[step];
  }
  return value ?? null;
}

const kinds = { BaseImage: 'base', TargetImage: 'target', ProviderImage: 'provider' } as const;

/** The spelling of the `.meta` files. Names inside of `parameters` and `properties` are their owners'. */
export function normalisedField(field: string): string {
  const [first = '', ...rest] = field.split('.');
  return [first.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`), ...rest].join('.');
}

function holds(actual: Json, operator: Operator, wanted: Condition['value']): boolean {
  if (operator === '=') return isSame(actual, wanted);
  if (operator === '!=') return !isSame(actual, wanted);
  if (actual === null || wanted === null || typeof actual === 'object') return false;
  if (operator === '~') return String(actual).toLowerCase().includes(String(wanted).toLowerCase());
  const order = compareScalars(actual, wanted);
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** A number and its text are the same: a command line has texts only. */
function isSame(actual: Json, wanted: Condition['value']): boolean {
  if (actual === null || wanted === null) return actual === wanted;
  return typeof actual !== 'object' && compareScalars(actual, wanted) === 0;
}

type Scalar = string | number | boolean;

/** By number when one side is a number and the other one can be read as one, else by text. NaN never compares. */
function compareScalars(a: Scalar, b: Scalar): number {
  if (typeof a === 'number' || typeof b === 'number') {
    const difference = numberIn(a) - numberIn(b);
    if (!Number.isNaN(difference)) return difference;
  }
  return compareTexts(String(a), String(b));
}

function numberIn(value: Scalar): number {
  return typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
}

function compareInOrder(a: Json, b: Json, descending: boolean): number {
  const [left, right] = [scalarOf(a), scalarOf(b)];
  if (left === undefined || right === undefined)
    return Number(left === undefined) - Number(right === undefined);
  // Numbers before texts: an order that mixed the two would be none.
  const order =
    typeof left === typeof right ? compareScalars(left, right) : compareTexts(typeof left, typeof right);
  return descending ? -order : order;
}

function scalarOf(value: Json): Scalar | undefined {
  if (value === null) return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : value;
}

/** By code units, so that the order is the same everywhere. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
