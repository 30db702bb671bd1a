import type { ByteReader } from '../../codec/byte-reader.js';
import { ByteWriter, keyLength, utf8Length } from '../../codec/byte-writer.js';
import { malformed, setOnce } from '../../codec/limits.js';
import { QmfError } from '../../errors.js';
import { Float, Int, type IntType, isValueMap, Uuid, type Value, type ValueMap } from '../../value/value.js';

/** The largest that a field's signed 64 bits hold; RabbitMQ knows no unsigned ones. */
const MAX_INT64 = 0x7fff_ffff_ffff_ffffn;

/**
 * A field table with its size before it. What a field cannot hold goes as the text of it: a uuid, and unsigned integers from 2^63
 * on (RabbitMQ's "AMQP 0-9-1 errata", table field types).
 *
 * @throws QmfError `not_encodable` for a name of more than 255 bytes
 */
export function encodeFieldTable(map: ValueMap): Buffer {
  const writer = new ByteWriter(1024);
  writeTable(writer, map);
  return writer.finish();
}

function writeTable(writer: ByteWriter, map: ValueMap): void {
  writeBlock(writer, () => {
    for (const [name, value] of map) {
      const length = keyLength(name);
      if (length > 255) {
        throw new QmfError(
          'not_encodable',
          `the header name '${name.slice(0, 40)}…' is longer than 255 bytes`,
        );
      }
      writer.u8(length);
      writer.text(name, length);
      writeField(writer, value);
    }
  });
}

/** What `write` writes, with its size before it. */
function writeBlock(writer: ByteWriter, write: () => void): void {
  writer.descend();
  const at = writer.reserve(4);
  write();
  writer.patchU32(at, writer.length - at - 4);
  writer.ascend();
}

function writeField(writer: ByteWriter, value: Value): void {
  if (value === null) {
    writeTag(writer, 'V');
  } else if (typeof value === 'string') {
    writeLongString(writer, value);
  } else if (typeof value === 'boolean') {
    writeTag(writer, 't');
    writer.u8(value ? 1 : 0);
  } else if (value instanceof Int) {
    writeInt(writer, value.type, value.value);
  } else if (value instanceof Float) {
    writeTag(writer, value.type === 'float' ? 'f' : 'd');
    if (value.type === 'float') writer.f32(value.value);
    else writer.f64(value.value);
  } else if (value instanceof Uuid) {
    writeLongString(writer, value.toString());
  } else if (value instanceof Uint8Array) {
    writeTag(writer, 'x');
    writer.u32(value.length);
    writer.raw(value);
  } else if (isValueMap(value)) {
    writeTag(writer, 'F');
    writeTable(writer, value);
  } else {
    writeTag(writer, 'A');
    writeBlock(writer, () => value.forEach(item => writeField(writer, item)));
  }
}

function writeTag(writer: ByteWriter, tag: string): void {
  writer.u8(tag.charCodeAt(0));
}

function writeLongString(writer: ByteWriter, text: string): void {
  const length = utf8Length(text);
  writeTag(writer, 'S');
  writer.u32(length);
  writer.text(text, length);
}

function writeInt(writer: ByteWriter, type: IntType, value: number | bigint): void {
  switch (type) {
    case 'int8':
      writeTag(writer, 'b');
      writer.u8(Number(value) & 0xff);
      return;
    case 'uint8':
      writeTag(writer, 'B');
      writer.u8(Number(value));
      return;
    case 'int16':
      writeTag(writer, 's');
      writer.i16(Number(value));
      return;
    case 'uint16':
      writeTag(writer, 'u');
      writer.u16(Number(value));
      return;
    case 'int32':
      writeTag(writer, 'I');
      writer.i32(Number(value));
      return;
    case 'uint32':
      writeTag(writer, 'i');
      writer.u32(Number(value));
      return;
    case 'int64':
      writeTag(writer, 'l');
      writer.i64(value);
      return;
    case 'uint64':
      if (value > MAX_INT64) {
        writeLongString(writer, value.toString());
        return;
      }
      writeTag(writer, 'l');
      writer.i64(value);
      return;
  }
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
    const at = reader.position;
    const key = reader.utf8(reader.u8());
    setOnce(map, key, readField(reader), at);
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
