import { QmfError } from '../errors.js';
import {
  Float,
  Int,
  type IntType,
  isValueMap,
  Uuid,
  type Value,
  type ValueList,
  type ValueMap,
} from '../value/value.js';
import { textOf } from '../value/text.js';
import { skipDescriptor } from './amqp10-skip.js';
import type { ByteReader } from './byte-reader.js';
import { type ByteWriter, keyLength, utf8Length } from './byte-writer.js';
import { malformed, setOnce } from './limits.js';

/**
 * The type system of AMQP 1.0 (OASIS, part 1) for message sections. The transport library unwraps values and so loses integer
 * widths and the difference between uuid, binary and 64-bit integers; QMF needs them, so sections are read and written here.
 */
export function readValue(reader: ByteReader): Value {
  return readTyped(reader, reader.u8());
}

/** Reads the value whose constructor `code` was read already. */
export function readTyped(reader: ByteReader, code: number): Value {
  switch (code) {
    case 0x00:
      // A described value inside a body: QMF gives descriptors no meaning, the value itself counts.
      return readDescribed(reader);
    case 0x40:
      return null;
    case 0x41:
      return true;
    case 0x42:
      return false;
    case 0x43:
      return new Int('uint32', 0);
    case 0x44:
      return new Int('uint64', 0);
    case 0x45:
      return [];
    case 0x50:
      return new Int('uint8', reader.u8());
    case 0x51:
      return new Int('int8', reader.i8());
    case 0x52:
      return new Int('uint32', reader.u8());
    case 0x53:
      return new Int('uint64', reader.u8());
    case 0x54:
      return new Int('int32', reader.i8());
    case 0x55:
      return new Int('int64', reader.i8());
    case 0x56:
      return reader.u8() !== 0;
    case 0x60:
      return new Int('uint16', reader.u16());
    case 0x61:
      return new Int('int16', reader.i16());
    case 0x70:
      return new Int('uint32', reader.u32());
    case 0x71:
      return new Int('int32', reader.i32());
    case 0x72:
      return new Float('float', reader.f32());
    case 0x73:
      return reader.character();
    case 0x74:
      return reader.copy(4);
    case 0x80:
      return new Int('uint64', reader.u64());
    case 0x81:
      return new Int('int64', reader.i64());
    case 0x82:
      return new Float('double', reader.f64());
    case 0x83:
      // timestamp: milliseconds; qpidd hands it to 0-10 peers as int64, so everybody sees the same (§4.9).
      return new Int('int64', reader.i64());
    case 0x84:
      return reader.copy(8);
    case 0x94:
      return reader.copy(16);
    case 0x98:
      return new Uuid(reader.copy(16));
    case 0xa0:
      return reader.copy(reader.u8());
    case 0xb0:
      return reader.copy(reader.u32());
    case 0xa1:
      return reader.utf8(reader.u8());
    case 0xb1:
      return reader.utf8(reader.u32());
    case 0xa3:
      return reader.ascii(reader.u8());
    case 0xb3:
      return reader.ascii(reader.u32());
    case 0xc0:
      return readListBody(reader, reader.u8(), 1);
    case 0xd0:
      return readListBody(reader, reader.u32(), 4);
    case 0xc1:
      return readMapBody(reader, reader.u8(), 1);
    case 0xd1:
      return readMapBody(reader, reader.u32(), 4);
    case 0xe0:
      return readArrayBody(reader, reader.u8(), 1);
    case 0xf0:
      return readArrayBody(reader, reader.u32(), 4);
    default:
      throw malformed(`unknown type code 0x${code.toString(16).padStart(2, '0')}`, reader.position - 1);
  }
}

function readDescribed(reader: ByteReader): Value {
  // The value may be described again, which only the count of levels bounds.
  reader.descend();
  skipDescriptor(reader);
  const value = readValue(reader);
  reader.ascend();
  return value;
}

function readCount(reader: ByteReader, width: 1 | 4): number {
  const count = width === 1 ? reader.u8() : reader.u32();
  reader.countItems(count);
  return count;
}

function readListBody(reader: ByteReader, size: number, width: 1 | 4): ValueList {
  const outerEnd = reader.enterBlock(size);
  const count = readCount(reader, width);
  const list: Value[] = [];
  for (let index = 0; index < count; index++) list.push(readTyped(reader, reader.u8()));
  reader.leaveBlock(outerEnd);
  return list;
}

function readMapBody(reader: ByteReader, size: number, width: 1 | 4): ValueMap {
  const outerEnd = reader.enterBlock(size);
  const count = readCount(reader, width);
  if (count % 2 !== 0) throw malformed('a map with an odd number of items', reader.position);
  const map = new Map<string, Value>();
  for (let index = 0; index < count; index += 2) {
    const at = reader.position;
    const key = readKey(reader);
    setOnce(map, key, readTyped(reader, reader.u8()), at);
  }
  reader.leaveBlock(outerEnd);
  return map;
}

/** QMF maps have text keys; peers in loosely typed languages may send them as symbols, binary or numbers. */
function readKey(reader: ByteReader): string {
  const at = reader.position;
  const key = readValue(reader);
  const text = key instanceof Int || key instanceof Uuid ? key.toString() : textOf(key);
  if (text === undefined) throw malformed('a map key that is no text', at);
  return text;
}

function readArrayBody(reader: ByteReader, size: number, width: 1 | 4): ValueList {
  const outerEnd = reader.enterBlock(size);
  const count = readCount(reader, width);
  const list: Value[] = [];
  if (count > 0 || reader.remaining > 0) {
    const code = readItemCode(reader);
    for (let index = 0; index < count; index++) list.push(readTyped(reader, code));
  }
  reader.leaveBlock(outerEnd);
  return list;
}

/** The one constructor of all items of an array; their common descriptor means nothing to QMF. */
function readItemCode(reader: ByteReader): number {
  const code = reader.u8();
  if (code !== 0x00) return code;
  skipDescriptor(reader);
  const described = reader.u8();
  if (described === 0x00) throw malformed('an array of doubly described items', reader.position);
  return described;
}

/** Writes a value in its shortest encoding. */
export function writeValue(writer: ByteWriter, value: Value): void {
  if (typeof value === 'string') {
    writeVariable(writer, 0xa1, value);
  } else if (value === null) {
    writer.u8(0x40);
  } else if (typeof value === 'boolean') {
    writer.u8(value ? 0x41 : 0x42);
  } else if (value instanceof Int) {
    writeInt(writer, value.type, value.value);
  } else if (isValueMap(value)) {
    writeMap(writer, value);
  } else if (value instanceof Float) {
    writer.u8(value.type === 'float' ? 0x72 : 0x82);
    if (value.type === 'float') writer.f32(value.value);
    else writer.f64(value.value);
  } else if (value instanceof Uuid) {
    writer.u8(0x98);
    writer.raw(value.bytes);
  } else if (value instanceof Uint8Array) {
    writeBinary(writer, value);
  } else {
    writeList(writer, value);
  }
}

/** @throws QmfError `not_encodable` for text beyond ASCII, which symbols can't hold. */
export function writeSymbol(writer: ByteWriter, symbol: string): void {
  if (utf8Length(symbol) !== symbol.length) {
    throw new QmfError('not_encodable', `'${symbol}' is not ASCII, so it cannot be a symbol`);
  }
  writeVariable(writer, 0xa3, symbol);
}

export function writeBinary(writer: ByteWriter, bytes: Uint8Array): void {
  if (bytes.length <= 0xff) {
    writer.u8(0xa0);
    writer.u8(bytes.length);
  } else {
    writer.u8(0xb0);
    writer.u32(bytes.length);
  }
  writer.raw(bytes);
}

export function writeList(writer: ByteWriter, list: ValueList): void {
  if (list.length === 0) {
    writer.u8(0x45);
    return;
  }
  const start = beginCompound(writer, 0xd0, list.length);
  for (const item of list) writeValue(writer, item);
  endCompound(writer, start);
}

export function writeMap(writer: ByteWriter, map: ValueMap): void {
  const start = beginCompound(writer, 0xd1, map.size * 2);
  for (const [key, item] of map) {
    writeVariable(writer, 0xa1, key, keyLength(key));
    writeValue(writer, item);
  }
  endCompound(writer, start);
}

/** Opens a list32 or map32 of `count` items; {@link endCompound} sets its size. */
export function beginCompound(writer: ByteWriter, code: 0xd0 | 0xd1, count: number): number {
  writer.descend();
  writer.u8(code);
  const start = writer.reserve(4);
  writer.u32(count);
  return start;
}

export function endCompound(writer: ByteWriter, start: number): void {
  writer.patchU32(start, writer.length - start - 4);
  writer.ascend();
}

/** Strings and symbols: the 32-bit form has the code of the 8-bit form plus 0x10. */
function writeVariable(
  writer: ByteWriter,
  shortCode: 0xa1 | 0xa3,
  text: string,
  length = utf8Length(text),
): void {
  if (length <= 0xff) {
    writer.u8(shortCode);
    writer.u8(length);
  } else {
    writer.u8(shortCode + 0x10);
    writer.u32(length);
  }
  writer.text(text, length);
}

function writeInt(writer: ByteWriter, type: IntType, value: number | bigint): void {
  const small = typeof value === 'number';
  switch (type) {
    case 'int8':
      writer.u8(0x51);
      writer.u8(Number(value) & 0xff);
      return;
    case 'uint8':
      writer.u8(0x50);
      writer.u8(Number(value));
      return;
    case 'int16':
      writer.u8(0x61);
      writer.i16(Number(value));
      return;
    case 'uint16':
      writer.u8(0x60);
      writer.u16(Number(value));
      return;
    case 'uint32':
    case 'uint64':
      writeUnsigned(writer, type, value);
      return;
    case 'int32':
    case 'int64':
      if (small && value >= -128 && value <= 127) {
        writer.u8(type === 'int32' ? 0x54 : 0x55);
        writer.u8(value & 0xff);
      } else if (type === 'int32') {
        writer.u8(0x71);
        writer.i32(Number(value));
      } else {
        writer.u8(0x81);
        writer.i64(value);
      }
      return;
  }
}

function writeUnsigned(writer: ByteWriter, type: 'uint32' | 'uint64', value: number | bigint): void {
  if (value === 0) {
    writer.u8(type === 'uint32' ? 0x43 : 0x44);
  } else if (typeof value === 'number' && value <= 0xff) {
    writer.u8(type === 'uint32' ? 0x52 : 0x53);
    writer.u8(value);
  } else if (type === 'uint32') {
    writer.u8(0x70);
    writer.u32(Number(value));
  } else {
    writer.u8(0x80);
    writer.u64(value);
  }
}
