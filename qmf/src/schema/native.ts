import { QmfError } from '../errors.js';
import { type Plain, type PlainInput, toPlain, toValue } from '../value/convert.js';
import { textOf } from '../value/text.js';
import {
  double,
  Float,
  Int,
  isValueList,
  isValueMap,
  Uuid,
  type Value,
  type ValueMap,
} from '../value/value.js';
import type { SchemaProperty } from './schema.js';
import type { DataType } from './types.js';

/** A schema's value as programs see it; a uuid stays one. */
export type Native = Plain | Uuid;

/**
 * Encodes a program's value by its schema type, so that peers which check types take it: an integral FLOAT becomes a double,
 * an INT never does, a UUID given as text becomes a uuid (wire document §4.5).
 *
 * @param what names the value in errors, e.g. `argument target`
 * @throws QmfError `invalid_argument` that names what is expected
 */
export function encodeNative(type: DataType, input: unknown, what: string): Value {
  if (input === null || input === undefined) return null;
  switch (type) {
    case 'void':
      return null;
    case 'bool':
      if (typeof input === 'boolean') return input;
      break;
    case 'int':
      if (input instanceof Int) return input;
      if (typeof input === 'bigint' || (typeof input === 'number' && Number.isSafeInteger(input))) {
        return toValue(Object.is(input, -0) ? 0 : input, what);
      }
      break;
    case 'float':
      if (input instanceof Float) return input;
      if (typeof input === 'number') return double(input);
      break;
    case 'string':
      if (typeof input === 'string' || input instanceof Uint8Array) return input;
      break;
    case 'uuid':
      if (input instanceof Uuid) return input;
      if (typeof input === 'string') return Uuid.parse(input);
      break;
    case 'map':
      if (isPlainMap(input)) return toValue(input, what);
      break;
    case 'list':
      if (Array.isArray(input)) return toValue(input as readonly PlainInput[], what); // toValue checks each item
      break;
  }
  throw new QmfError(
    'invalid_argument',
    `${what}: ${describe(input)} was given, ${type.toUpperCase()} is expected`,
  );
}

function isPlainMap(input: unknown): input is { readonly [key: string]: PlainInput } {
  return (
    typeof input === 'object' &&
    input !== null &&
    !Array.isArray(input) &&
    !(input instanceof Uint8Array || input instanceof Int || input instanceof Float || input instanceof Uuid)
  );
}

function describe(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  return typeof input === 'object' ? 'an object' : `a ${typeof input}`;
}

/** Whether a received value may stand for a schema type, by the rules of C++ agents (§4.5). */
export function isCompatible(type: DataType, value: Value): boolean {
  switch (type) {
    case 'void':
      return value === null;
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return value instanceof Int;
    case 'float':
      return value instanceof Float;
    case 'string':
      return textOf(value) !== undefined;
    case 'uuid':
      return value instanceof Uuid;
    case 'map':
      return isValueMap(value);
    case 'list':
      return value !== null && typeof value === 'object' && !isValueMap(value) && isValueList(value);
  }
}

/**
 * A received value as its schema's type. What does not fit the type is given as it is: the sender's schema and its data may
 * disagree, and a reader would rather see the data. An INT beyond 2^53 comes as a `bigint`, with all its digits.
 */
export function decodeNative(type: DataType, value: Value): Native {
  return type === 'uuid' && value instanceof Uuid ? value : toPlain(value);
}

/** All values of an item by their schema; names that the schema doesn't know come through as they are. */
export function decodeValues(
  properties: readonly SchemaProperty[],
  values: ValueMap,
): Record<string, Native> {
  const result: Record<string, Native> = {};
  for (const [name, value] of values) {
    // Only a uuid looks different with its schema, so only for one the schema is searched: this runs for every event.
    const native = value instanceof Uuid ? decodeNative(typeOf(properties, name), value) : toPlain(value);
    if (name === '__proto__') {
      Object.defineProperty(result, name, {
        value: native,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    } else {
      result[name] = native;
    }
  }
  return result;
}

function typeOf(properties: readonly SchemaProperty[], name: string): DataType {
  return properties.find(property => property.name === name)?.type ?? 'void';
}
