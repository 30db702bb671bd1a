import { QmfError } from '../errors.js';

/**
 * Values as QMF peers exchange them. What JavaScript can't tell apart but C++ and Java peers can (integer widths, text or
 * binary, uuid) is kept; the rest is plain JavaScript.
 *
 * | value | AMQP 0-10 code | AMQP 1.0 type |
 * |---|---|---|
 * | `null` | f0 void | null |
 * | `boolean` | 08 | boolean |
 * | `string` | 95 str16 | string |
 * | `Uint8Array` | 90 vbin16, a0 vbin32 | binary |
 * | {@link Int} | 01..32 | byte .. ulong |
 * | {@link Float} | 23, 33 | float, double |
 * | {@link Uuid} | 48 | uuid |
 * | {@link ValueList} | a9 | list |
 * | {@link ValueMap} | a8 | map |
 */
export type Value = null | boolean | string | Uint8Array | Int | Float | Uuid | ValueList | ValueMap;

export type ValueList = readonly Value[];

/** A `Map` and not an object: keys come from the network, and `__proto__` is a legal one. */
export type ValueMap = ReadonlyMap<string, Value>;

export type IntType = 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'uint64';

const intRanges: Readonly<Record<IntType, readonly [number | bigint, number | bigint]>> = {
  int8: [-0x80, 0x7f],
  uint8: [0, 0xff],
  int16: [-0x8000, 0x7fff],
  uint16: [0, 0xffff],
  int32: [-0x8000_0000, 0x7fff_ffff],
  uint32: [0, 0xffff_ffff],
  int64: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
  uint64: [0, 0xffff_ffff_ffff_ffffn],
};

/** An integer with its width. */
export class Int {
  /** A `bigint` only where a `number` would lose digits, so that equal integers are `===`. */
  readonly value: number | bigint;

  /** @throws QmfError `not_encodable` for a value that is no integer or does not fit the width. */
  constructor(
    readonly type: IntType,
    value: number | bigint,
  ) {
    const exact = typeof value === 'bigint' ? narrow(value) : value;
    if (!fits(type, exact)) {
      const [lowest, highest] = intRanges[type];
      throw new QmfError('not_encodable', `${value} does not fit into ${type} (${lowest} to ${highest})`);
    }
    // The sum makes 0 of -0, which no integer type has.
    this.value = typeof exact === 'number' ? exact + 0 : exact;
  }

  toString(): string {
    return this.value.toString();
  }
}

function fits(type: IntType, value: number | bigint): boolean {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return false;
  // Comparing a number with a bigint is slow, and every safe integer is an int64.
  if (type === 'int64' && typeof value === 'number') return true;
  if (type === 'uint64' && typeof value === 'number') return value >= 0;
  const [lowest, highest] = intRanges[type];
  return value >= lowest && value <= highest;
}

/** A `number` where no digit is lost, else the `bigint` itself. */
export function narrow(input: bigint): number | bigint {
  const number = Number(input);
  return Number.isSafeInteger(number) ? number : input;
}

export type FloatType = 'float' | 'double';

/** A floating point number with its width; 3 as a `double` is not the integer 3 for C++ peers. */
export class Float {
  /** What a peer will see: a `float` has only the digits that 32 bits can hold. */
  readonly value: number;

  constructor(
    readonly type: FloatType,
    value: number,
  ) {
    this.value = type === 'float' ? Math.fround(value) : value;
  }

  toString(): string {
    return this.value.toString();
  }
}

/** A 16-byte universally unique identifier; its text form is another value for C++ peers. */
export class Uuid {
  constructor(readonly bytes: Uint8Array) {
    if (bytes.length !== 16) throw new QmfError('not_encodable', `a uuid has 16 bytes, not ${bytes.length}`);
  }

  /** Reads the text form, with or without hyphens. */
  static parse(text: string): Uuid {
    const hex = text.replaceAll('-', '');
    if (!/^[0-9a-f]{32}$/i.test(hex))
      throw new QmfError('invalid_argument', `'${text}' is not a uuid: 32 hexadecimal digits are expected`);
    return new Uuid(Buffer.from(hex, 'hex'));
  }

  equals(other: Uuid): boolean {
    return Buffer.compare(this.bytes, other.bytes) === 0;
  }

  /** The usual form, 8-4-4-4-12 lower-case hexadecimal digits. */
  toString(): string {
    const hex = Buffer.from(this.bytes).toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }
}

export const int32 = (value: number): Int => new Int('int32', value);
export const uint32 = (value: number): Int => new Int('uint32', value);
export const int64 = (value: number | bigint): Int => new Int('int64', value);
export const uint64 = (value: number | bigint): Int => new Int('uint64', value);
export const double = (value: number): Float => new Float('double', value);

export function isValueList(value: Value): value is ValueList {
  return Array.isArray(value);
}

export function isValueMap(value: Value | undefined): value is ValueMap {
  return value instanceof Map;
}

/** Whether two values are the same, types and widths included; the order of map entries does not matter. */
export function sameValue(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (left instanceof Int)
    return right instanceof Int && left.type === right.type && left.value === right.value;
  if (left instanceof Float) {
    return right instanceof Float && left.type === right.type && Object.is(left.value, right.value);
  }
  if (left instanceof Uuid) return right instanceof Uuid && left.equals(right);
  if (left instanceof Uint8Array) return right instanceof Uint8Array && Buffer.compare(left, right) === 0;
  if (isValueMap(left)) {
    if (!isValueMap(right) || left.size !== right.size) return false;
    for (const [key, item] of left) {
      const other = right.get(key);
      if (other === undefined || !sameValue(item, other)) return false;
    }
    return true;
  }
  return (
    isValueList(left) &&
    isValueList(right) &&
    left.length === right.length &&
    left.every((item, index) => sameValue(item, right[index] ?? null))
  );
}
