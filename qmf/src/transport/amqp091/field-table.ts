import type { ByteReader } from '../../codec/byte-reader.js';
import { malformed } from '../../codec/limits.js';
import { bufferView } from '../../value/text.js';
import { Float, Int, isValueMap, Uuid, type Value, type ValueMap } from '../../value/value.js';

/** A field value as amqplib's encoder takes it; `!` names the type where JavaScript has none of its own for it. */
export type Field =
  | null
  | string
  | boolean
  | Buffer
  | Field[]
  | { readonly '!': string; readonly value: unknown };

export type FieldTable = Readonly<Record<string, Field>>;

/** The largest that a field's signed 64 bits hold; RabbitMQ knows no unsigned ones. */
const MAX_INT64 = 0x7fff_ffff_ffff_ffffn;

/**
 * Headers for amqplib. What a 0-9-1 field cannot hold goes as the text of it: a uuid, and unsigned integers from 2^63 on
 * (RabbitMQ's "AMQP 0-9-1 errata", table field types).
 */
export function toFieldTable(map: ValueMap): FieldTable {
  // Without a prototype, so that a key `__proto__` is a key like any other.
  const table = Object.create(null) as Record<string, Field>; // `Object.create` says `any`
  for (const [key, value] of map) table[key] = toField(value);
  return table;
}

function toField(value: Value): Field {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (value instanceof Int) return intField(value);
  if (value instanceof Float) return { '!': value.type, value: value.value };
  if (value instanceof Uuid) return value.toString();
  if (value instanceof Uint8Array) return bufferView(value);
  // Named as an object, because amqplib would take a table with a key `!` for a typed value.
  if (isValueMap(value)) return { '!': 'object', value: toFieldTable(value) };
  return value.map(toField);
}

function intField({ type, value }: Int): Field {
  if (type !== 'uint64') return { '!': type, value };
  return value > MAX_INT64 ? value.toString() : { '!': 'int64', value };
}

/** Bytes that amqplib's encoding of a table takes, with the count before it. */
export function fieldTableSize(table: FieldTable): number {
  let size = 4;
  for (const [key, field] of Object.entries(table)) size += 1 + Buffer.byteLength(key) + fieldSize(field);
  return size;
}

/** With the byte for its type; numbers count as the longest. */
function fieldSize(field: Field): number {
  if (field === null) return 1;
  if (typeof field === 'string') return 5 + Buffer.byteLength(field);
  if (typeof field === 'boolean') return 2;
  if (Buffer.isBuffer(field)) return 5 + field.length;
  if (Array.isArray(field)) return field.reduce((size: number, item) => size + fieldSize(item), 5);
  return field['!'] === 'object' ? 1 + fieldTableSize(field.value as FieldTable) : 9; // what toField() puts there
}

/**
 * Reads a field table at the reader's position, types kept.
 *
 * @throws QmfError `malformed_message`
 */
export function readFieldTable(reader: ByteReader): ValueMap {
  const outerEnd = reader.enterBlock(reader.u32());
  const map = new Map<string, Value>();
  while (reader.remaining > 0) {
    const key = reader.utf8(reader.u8());
    map.set(key, readField(reader));
  }
  reader.leaveBlock(outerEnd);
  return map;
}

function readFieldArray(reader: ByteReader): Value[] {
  const outerEnd = reader.enterBlock(reader.u32());
  const list: Value[] = [];
  while (reader.remaining > 0) list.push(readField(reader));
  reader.leaveBlock(outerEnd);
  return list;
}

function readField(reader: ByteReader): Value {
  const tag = String.fromCharCode(reader.u8());
  switch (tag) {
    case 't':
      return reader.u8() !== 0;
    case 'b':
      return new Int('int8', reader.i8());
    case 'B':
      return new Int('uint8', reader.u8());
    case 's':
      return new Int('int16', reader.i16());
    case 'u':
      return new Int('uint16', reader.u16());
    case 'I':
      return new Int('int32', reader.i32());
    case 'i':
      return new Int('uint32', reader.u32());
    case 'l':
      return new Int('int64', reader.i64());
    case 'L':
    case 'T':
      return new Int('uint64', reader.u64());
    case 'f':
      return new Float('float', reader.f32());
    case 'd':
      return new Float('double', reader.f64());
    case 'D':
      return readDecimal(reader);
    case 'S':
      // A long string is text by custom and any bytes by the specification.
      return reader.utf8OrBytes(reader.u32());
    case 'x':
      return reader.copy(reader.u32());
    case 'A':
      return readFieldArray(reader);
    case 'F':
      return readFieldTable(reader);
    case 'V':
      return null;
    default:
      throw malformed(`unknown field type '${tag}'`, reader.position - 1);
  }
}

function readDecimal(reader: ByteReader): Value {
  const places = reader.u8();
  return new Float('double', reader.i32() / 10 ** places);
}
