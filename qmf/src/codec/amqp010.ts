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
import { ByteReader } from './byte-reader.js';
import { ByteWriter, keyLength, utf8Length } from './byte-writer.js';
import { malformed, setOnce } from './limits.js';

/**
 * The `amqp/map` and `amqp/list` codec of AMQP 0-10: body of every QMFv2 message on AMQP 0-10, and inside data sections and
 * 0-9-1 payloads elsewhere (wire document §4.8). Maps are written in the byte order of their keys, which makes our bytes equal
 * to those of the C++ library.
 */
export function encodeMap(map: ValueMap): Buffer {
  return encodeWith(() => writeMap(map));
}

/** See {@link encodeMap}. */
export function encodeList(list: ValueList): Buffer {
  return encodeWith(() => writeList(list));
}

/**
 * @throws QmfError `malformed_message` for anything that is not exactly one map.
 */
export function decodeMap(bytes: Uint8Array): ValueMap {
  return decodeWhole(bytes, readMap);
}

/**
 * @throws QmfError `malformed_message` for anything that is not exactly one list.
 */
export function decodeList(bytes: Uint8Array): ValueList {
  return decodeWhole(bytes, readList);
}

/** Reads one map at the reader's position; QMFv1 answers hold several in a row. */
export function readMap(reader: ByteReader): ValueMap {
  const outerEnd = reader.enterBlock(reader.u32());
  const map = new Map<string, Value>();
  const count = readCount(reader);
  for (let index = 0; index < count; index++) {
    const at = reader.position;
    const key = reader.utf8(reader.u8());
    setOnce(map, key, readValue(reader, reader.u8()), at);
  }
  reader.leaveBlock(outerEnd);
  return map;
}

/** A collection of size 0 has no count either, and is empty. */
function readCount(reader: ByteReader): number {
  if (reader.remaining === 0) return 0;
  const count = reader.u32();
  reader.countItems(count);
  return count;
}

function decodeWhole<T>(bytes: Uint8Array, read: (reader: ByteReader) => T): T {
  const reader = new ByteReader(bytes);
  const result = read(reader);
  if (reader.remaining > 0)
    throw malformed(`${reader.remaining} bytes after the end of the body`, reader.position);
  return result;
}

function readList(reader: ByteReader): ValueList {
  const outerEnd = reader.enterBlock(reader.u32());
  const count = readCount(reader);
  const list: Value[] = [];
  for (let index = 0; index < count; index++) list.push(readValue(reader, reader.u8()));
  reader.leaveBlock(outerEnd);
  return list;
}

function readArray(reader: ByteReader): ValueList {
  const outerEnd = reader.enterBlock(reader.u32());
  const list: Value[] = [];
  if (reader.remaining > 0) {
    const code = reader.u8();
    const count = readCount(reader);
    for (let index = 0; index < count; index++) list.push(readValue(reader, code));
  }
  reader.leaveBlock(outerEnd);
  return list;
}

function readValue(reader: ByteReader, code: number): Value {
  switch (code) {
    case 0x01:
      return new Int('int8', reader.i8());
    case 0x02:
      return new Int('uint8', reader.u8());
    case 0x04:
      return reader.latin9(1);
    case 0x08:
      return reader.u8() !== 0;
    case 0x11:
      return new Int('int16', reader.i16());
    case 0x12:
      return new Int('uint16', reader.u16());
    case 0x21:
      return new Int('int32', reader.i32());
    case 0x22:
      return new Int('uint32', reader.u32());
    case 0x23:
      return new Float('float', reader.f32());
    case 0x27:
      return reader.character();
    case 0x31:
      return new Int('int64', reader.i64());
    case 0x32:
    case 0x38:
      return new Int('uint64', reader.u64());
    case 0x33:
      return new Float('double', reader.f64());
    case 0x48:
      return new Uuid(reader.copy(16));
    case 0x85:
      return reader.utf8(reader.u8());
    case 0x95:
      return reader.utf8(reader.u16());
    case 0x84:
      return reader.latin9(reader.u8());
    case 0x94:
      return reader.latin9(reader.u16());
    case 0x86:
      return reader.utf16be(reader.u8());
    case 0x96:
      return reader.utf16be(reader.u16());
    case 0xa8:
      return readMap(reader);
    case 0xa9:
      return readList(reader);
    case 0xaa:
      return readArray(reader);
    case 0xf0:
    case 0xf1:
      return null;
    default:
      return readUntyped(reader, code);
  }
}

/** Codes without a meaning in QMF: their high nibble still gives the layout, and their bytes are kept. */
function readUntyped(reader: ByteReader, code: number): Value {
  const high = code >> 4;
  if (high <= 7) return reader.copy(2 ** high);
  if (high === 0x8) return reader.copy(reader.u8());
  if (high === 0x9) return reader.copy(reader.u16());
  if (high === 0xa) return reader.copy(reader.u32());
  if (high === 0xc) return reader.copy(5);
  if (high === 0xd) return reader.copy(9);
  if (high === 0xf) return null;
  throw malformed(`unknown type code 0x${code.toString(16).padStart(2, '0')}`, reader.position - 1);
}

const writer = new ByteWriter();

/** Encoding is synchronous, so that one writer serves all; a failure leaves it empty for the next. */
function encodeWith(write: () => void): Buffer {
  try {
    write();
    return writer.finish();
  } catch (error) {
    writer.reset();
    throw error;
  }
}

function beginSized(): number {
  writer.descend();
  return writer.reserve(4);
}

/** Sizes count what follows the size field itself. */
function endSized(at: number): void {
  writer.patchU32(at, writer.length - at - 4);
  writer.ascend();
}

function writeMap(map: ValueMap): void {
  const size = beginSized();
  writer.u32(map.size);
  for (const key of sortedKeys(map)) {
    const length = keyLength(key);
    if (length > 255) {
      throw new QmfError('not_encodable', `the map key '${key.slice(0, 40)}…' is longer than 255 bytes`);
    }
    writer.u8(length);
    writer.text(key, length);
    writeValue(map.get(key) ?? null);
  }
  endSized(size);
}

function sortedKeys(map: ValueMap): readonly string[] {
  const keys: string[] = [];
  let sorted = true;
  let last = '';
  for (const key of map.keys()) {
    // Code unit order is byte order for everything below the surrogates, which is all that keys hold in practice.
    sorted &&= last <= key;
    last = key;
    keys.push(key);
  }
  return sorted ? keys : keys.sort();
}

function writeList(list: ValueList): void {
  const size = beginSized();
  writer.u32(list.length);
  for (const item of list) writeValue(item);
  endSized(size);
}

function writeValue(value: Value): void {
  if (value === null) {
    writer.u8(0xf0);
  } else if (typeof value === 'string') {
    writeText(value);
  } else if (typeof value === 'boolean') {
    writer.u8(0x08);
    writer.u8(value ? 1 : 0);
  } else if (value instanceof Int) {
    writeInt(value.type, value.value);
  } else if (value instanceof Float) {
    writer.u8(value.type === 'float' ? 0x23 : 0x33);
    if (value.type === 'float') writer.f32(value.value);
    else writer.f64(value.value);
  } else if (value instanceof Uuid) {
    writer.u8(0x48);
    writer.raw(value.bytes);
  } else if (value instanceof Uint8Array) {
    writeBinary(value);
  } else if (isValueMap(value)) {
    writer.u8(0xa8);
    writeMap(value);
  } else {
    writer.u8(0xa9);
    writeList(value);
  }
}

/** str16 holds 65535 bytes; longer text travels as vbin32, which every reader takes for text (§4.8). */
function writeText(text: string): void {
  const length = utf8Length(text);
  if (length <= 0xffff) {
    writer.u8(0x95);
    writer.u16(length);
  } else {
    writer.u8(0xa0);
    writer.u32(length);
  }
  writer.text(text, length);
}

function writeBinary(bytes: Uint8Array): void {
  if (bytes.length <= 0xffff) {
    writer.u8(0x90);
    writer.u16(bytes.length);
  } else {
    writer.u8(0xa0);
    writer.u32(bytes.length);
  }
  writer.raw(bytes);
}

function writeInt(type: IntType, value: number | bigint): void {
  switch (type) {
    case 'int8':
      writer.u8(0x01);
      writer.u8(Number(value) & 0xff);
      return;
    case 'uint8':
      writer.u8(0x02);
      writer.u8(Number(value));
      return;
    case 'int16':
      writer.u8(0x11);
      writer.i16(Number(value));
      return;
    case 'uint16':
      writer.u8(0x12);
      writer.u16(Number(value));
      return;
    case 'int32':
      writer.u8(0x21);
      writer.i32(Number(value));
      return;
    case 'uint32':
      writer.u8(0x22);
      writer.u32(Number(value));
      return;
    case 'int64':
      writer.u8(0x31);
      writer.i64(value);
      return;
    case 'uint64':
      writer.u8(0x32);
      writer.u64(value);
      return;
  }
}
