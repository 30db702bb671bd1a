import { QmfError } from '../errors.js';
import { textOf } from './text.js';
import { Float, Int, isValueMap, Uuid, type Value } from './value.js';

export { narrow } from './value.js';

/** What callers may hand in where a value of unknown type is wanted. */
export type PlainInput =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Int
  | Float
  | Uuid
  | readonly PlainInput[]
  | ReadonlyMap<string, PlainInput>
  | { readonly [key: string]: PlainInput };

/** What {@link toPlain} gives: values without wrappers, as a program or `JSON.stringify` wants them. */
export type Plain = null | boolean | number | bigint | string | Uint8Array | PlainList | PlainMap;
export type PlainList = readonly Plain[];
export interface PlainMap {
  readonly [key: string]: Plain;
}

/** As many levels as the codecs write and read. */
const DEEPEST = 64;
const MAX_INT32 = 0x7fffffff;
const MIN_INT32 = -0x80000000;
const MAX_INT64 = 0x7fffffffffffffffn;
const MIN_INT64 = -0x8000000000000000n;
const MAX_UINT64 = 0xffffffffffffffffn;

/**
 * Plain JavaScript as a QMF value. Integral numbers become int32 where they fit, else int64 (never int8, which qpidd
 * corrupts on its way to AMQP 1.0, wire document §4.9); other numbers become double. A caller who means another type
 * hands in an {@link Int}, {@link Float} or {@link Uuid}. Object entries that are `undefined` are left out.
 *
 * @throws QmfError `not_encodable` naming the path of what can't be expressed.
 */
export function toValue(input: PlainInput, path = 'value'): Value {
  return convert(input, path, 0);
}

function convert(input: PlainInput, path: string, depth: number): Value {
  if (input === null || input === undefined) return null;
  if (typeof input === 'boolean' || typeof input === 'string') return input;
  if (typeof input === 'number') return numberToValue(input);
  if (typeof input === 'bigint') return bigintToValue(input, path);
  if (
    input instanceof Uint8Array ||
    input instanceof Int ||
    input instanceof Float ||
    input instanceof Uuid
  ) {
    return input;
  }
  if (depth >= DEEPEST) {
    throw new QmfError('not_encodable', `${path.slice(0, 80)}…: more than ${DEEPEST} levels of nesting`);
  }
  if (isInputList(input)) {
    return listToValue(input, path, depth);
  }
  if (isInputMap(input)) return entriesToMap(input, path, depth);
  if (isRecord(input)) return entriesToMap(Object.entries(input), path, depth);
  throw new QmfError('not_encodable', `${path}: ${describe(input)} cannot be sent over QMF`);
}

/** @throws QmfError `not_encodable` for a sparse array, at its first hole, as its length says nothing of its size */
function listToValue(input: readonly PlainInput[], path: string, depth: number): Value[] {
  const list: Value[] = [];
  for (let index = 0; index < input.length; index++) {
    if (!(index in input))
      throw new QmfError(
        'not_encodable',
        `${path}[${index}]: the array has no such item; give null for none`,
      );
    list.push(convert(input[index], `${path}[${index}]`, depth + 1));
  }
  return list;
}

function isInputList(input: object): input is readonly PlainInput[] {
  return Array.isArray(input);
}

function isInputMap(input: object): input is ReadonlyMap<string, PlainInput> {
  return input instanceof Map;
}

/** An object without a class; those of another realm, such as a REPL's, have another `Object.prototype`. */
function isRecord(input: unknown): input is { readonly [key: string]: PlainInput } {
  if (typeof input !== 'object' || input === null) return false;
  const prototype: unknown = Object.getPrototypeOf(input);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Callers without TypeScript hand in what the types rule out. */
function describe(input: unknown): string {
  if (typeof input !== 'object' || input === null) return `a ${typeof input}`;
  return `an object of class ${input.constructor.name}`;
}

function entriesToMap(
  entries: Iterable<readonly [unknown, PlainInput]>,
  path: string,
  depth: number,
): Map<string, Value> {
  const map = new Map<string, Value>();
  for (const [key, item] of entries) {
    if (typeof key !== 'string') {
      throw new QmfError('not_encodable', `${path}: a map key is ${describe(key)}, where text is wanted`);
    }
    if (item !== undefined) map.set(key, convert(item, `${path}.${key}`, depth + 1));
  }
  return map;
}

function numberToValue(input: number): Value {
  if (!Number.isSafeInteger(input) || Object.is(input, -0)) return new Float('double', input);
  return new Int(input >= MIN_INT32 && input <= MAX_INT32 ? 'int32' : 'int64', input);
}

function bigintToValue(input: bigint, path: string): Value {
  if (input >= MIN_INT64 && input <= MAX_INT64) return new Int('int64', input);
  if (input > 0n && input <= MAX_UINT64) return new Int('uint64', input);
  throw new QmfError('not_encodable', `${path}: ${input} does not fit into 64 bits`);
}

/**
 * A QMF value as plain JavaScript: numbers for integers up to 2^53 and floats, `bigint` beyond, uuid as text. Binary that is
 * valid UTF-8 becomes text, because C++ peers send every string as binary; other binary stays bytes.
 */
export function toPlain(value: Value): Plain {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (value instanceof Int || value instanceof Float) return value.value;
  if (value instanceof Uuid) return value.toString();
  if (value instanceof Uint8Array) return textOf(value) ?? value;
  if (isValueMap(value)) return mapToPlain(value);
  return value.map(toPlain);
}

/** A map as a plain object; a key `__proto__` becomes an ordinary own property. */
export function mapToPlain(map: ReadonlyMap<string, Value>): PlainMap {
  const plain: Record<string, Plain> = {};
  for (const [key, item] of map) {
    if (key === '__proto__') {
      // An assignment would set the prototype.
      Object.defineProperty(plain, key, {
        value: toPlain(item),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    } else {
      plain[key] = toPlain(item);
    }
  }
  return plain;
}
