import { encodeMap } from '../codec/amqp010.js';
import { Int, int32, uint64, Uuid, type Value, type ValueMap } from '../value/value.js';
import { bufferView } from '../value/text.js';
import { ByteReader } from '../codec/byte-reader.js';
import { readMap } from '../codec/amqp010.js';
import { malformed } from '../codec/limits.js';
import { integerOf, textOf } from '../value/text.js';
import { type Schema, type SchemaId, type SchemaMethod, type SchemaProperty } from './schema.js';
import {
  type Access,
  accessCodes,
  type DataType,
  type Direction,
  type SchemaKind,
  schemaKindCodes,
  Severity,
} from './types.js';

/** A QMFv1 schema request, which the Python console sends for every class it meets (wire document, appendix A). */
export interface SchemaRequestV1 {
  readonly sequence: number;
  readonly packageName: string;
  readonly className: string;
  readonly hash: Uuid;
}

const MAGIC = 'AM2';

/** Whether a body without a QMFv2 opcode is a QMFv1 frame. */
export function isV1Frame(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && bufferView(bytes).toString('latin1', 0, 3) === MAGIC;
}

/** The opcode letter of a QMFv1 frame: `S` schema request, `s` schema response. */
export function v1Opcode(bytes: Uint8Array): string {
  return String.fromCharCode(bytes[3] ?? 0);
}

/** The number that an answer has in common with its request. */
export function v1Sequence(bytes: Uint8Array): number {
  return bufferView(bytes).readUInt32BE(4);
}

export function encodeSchemaRequestV1(request: SchemaRequestV1): Buffer {
  return Buffer.concat([
    header('S', request.sequence),
    str8(request.packageName),
    str8(request.className),
    request.hash.bytes,
  ]);
}

/** @throws QmfError `malformed_message` */
export function decodeSchemaRequestV1(bytes: Uint8Array): SchemaRequestV1 {
  const reader = new ByteReader(bytes);
  reader.take(4);
  const sequence = reader.u32();
  return {
    sequence,
    packageName: reader.utf8(reader.u8()),
    className: reader.utf8(reader.u8()),
    hash: new Uuid(reader.copy(16)),
  };
}

/** The answer to a schema request: counts, then one map per property, method and argument. */
export function encodeSchemaResponseV1(sequence: number, schema: Schema): Buffer {
  const { id } = schema;
  const parts: Uint8Array[] = [
    header('s', sequence),
    Buffer.from([schemaKindCodes[id.kind]]),
    str8(id.packageName),
    str8(id.className),
    id.hash.bytes,
  ];
  if (id.kind === '_event') {
    parts.push(
      u16(schema.properties.length),
      ...schema.properties.map(argument => encodeMap(argumentMap(argument, false))),
    );
  } else {
    parts.push(u16(schema.properties.length), u16(0), u16(schema.methods.length));
    parts.push(...schema.properties.map(property => encodeMap(propertyMap(property))));
    for (const method of schema.methods) {
      parts.push(encodeMap(methodMap(method)));
      parts.push(...method.arguments.map(argument => encodeMap(argumentMap(argument, true))));
    }
  }
  return Buffer.concat(parts);
}

function header(opcode: string, sequence: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.write(MAGIC + opcode, 0, 'latin1');
  bytes.writeUInt32BE(sequence, 4);
  return bytes;
}

function str8(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8').subarray(0, 255);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** Type numbers of QMFv1; C++ tells subtypes apart, so that consoles print times as times. */
function typeCodeV1(property: SchemaProperty): number {
  switch (property.type) {
    case 'void':
      return 1;
    case 'bool':
      return 11;
    case 'int':
      return property.subtype === 'timestamp' ? 8 : property.subtype === 'duration' ? 9 : 19;
    case 'float':
      return 13;
    case 'string':
      return 7;
    case 'list':
      return 21;
    case 'uuid':
      return 14;
    case 'map':
      return property.subtype === 'reference' ? 10 : property.subtype === 'data' ? 20 : 15;
  }
}

function commonEntries(property: SchemaProperty): [string, Value][] {
  const entries: [string, Value][] = [
    ['name', property.name],
    ['type', new Int('uint8', typeCodeV1(property))],
  ];
  if (property.unit !== '') entries.push(['unit', property.unit]);
  if (property.desc !== '') entries.push(['desc', property.desc]);
  return entries;
}

function propertyMap(property: SchemaProperty): ValueMap {
  return new Map<string, Value>([
    ...commonEntries(property),
    ['access', int32(accessCodes[property.access])],
    ['index', int32(property.index ? 1 : 0)],
    ['optional', int32(property.optional ? 1 : 0)],
  ]);
}

function argumentMap(argument: SchemaProperty, directed: boolean): ValueMap {
  return new Map<string, Value>([
    ...commonEntries(argument),
    ...(directed ? ([['dir', argument.direction]] as const) : []),
  ]);
}

function methodMap(method: SchemaMethod): ValueMap {
  return new Map<string, Value>([
    ['name', method.name],
    ['argCount', uint64(method.arguments.length)],
    ...(method.desc === '' ? [] : ([['desc', method.desc]] as const)),
  ]);
}

/** A schema as a QMFv1 answer tells it; the broker's own agent offers no other way (appendix B). */
export interface SchemaResponseV1 {
  readonly sequence: number;
  readonly schema: Schema;
}

/** @throws QmfError `malformed_message` */
export function decodeSchemaResponseV1(bytes: Uint8Array): SchemaResponseV1 {
  const reader = new ByteReader(bytes);
  reader.take(4);
  const sequence = reader.u32();
  const kind = kindFromCode(reader);
  const id: SchemaId & { hash: Uuid } = {
    packageName: reader.utf8(reader.u8()),
    className: reader.utf8(reader.u8()),
    kind,
    hash: new Uuid(reader.copy(16)),
  };
  const body = kind === '_event' ? readEventBody(reader) : readDataBody(reader);
  return { sequence, schema: { id, desc: '', defaultSeverity: Severity.NOTICE, ...body } };
}

function kindFromCode(reader: ByteReader): SchemaKind {
  const code = reader.u8();
  if (code === schemaKindCodes._data) return '_data';
  if (code === schemaKindCodes._event) return '_event';
  throw malformed(`the unknown class kind ${code}`, reader.position - 1);
}

type SchemaBody = Pick<Schema, 'properties' | 'methods'>;

function readEventBody(reader: ByteReader): SchemaBody {
  return { properties: readMany(reader, reader.u16(), propertyFromMap), methods: [] };
}

function readDataBody(reader: ByteReader): SchemaBody {
  const [propertyCount, statisticCount, methodCount] = [reader.u16(), reader.u16(), reader.u16()];
  const properties = readMany(reader, propertyCount, propertyFromMap);
  // Statistics are properties that change often; QMFv2 makes no difference between the two.
  const statistics = readMany(reader, statisticCount, propertyFromMap);
  const methods = readMany(reader, methodCount, map => ({
    name: textOf(map.get('name')) ?? '',
    desc: textOf(map.get('desc')) ?? '',
    arguments: readMany(reader, integerOf(map.get('argCount')) ?? 0, propertyFromMap),
  }));
  return { properties: [...properties, ...statistics], methods };
}

function readMany<T>(reader: ByteReader, count: number, convert: (map: ValueMap) => T): T[] {
  if (count < 0) throw malformed(`a count of ${count}`, reader.position);
  reader.countItems(count);
  return Array.from({ length: count }, () => convert(readMap(reader)));
}

function propertyFromMap(map: ValueMap): SchemaProperty {
  const type = typeFromCodeV1(integerOf(map.get('type')) ?? 0);
  const access = integerOf(map.get('access'));
  return {
    name: textOf(map.get('name')) ?? '',
    type: type.type,
    subtype: type.subtype,
    access: (Object.keys(accessCodes) as Access[]).find(word => accessCodes[word] === access) ?? 'RO',
    direction: directionFromV1(textOf(map.get('dir'))),
    index: integerOf(map.get('index')) === 1,
    optional: integerOf(map.get('optional')) === 1,
    unit: textOf(map.get('unit')) ?? '',
    desc: textOf(map.get('desc')) ?? '',
  };
}

function directionFromV1(word: string | undefined): Direction {
  const upper = word?.toUpperCase();
  return upper === 'O' || upper === 'IO' ? upper : 'I';
}

const subtypes: Readonly<Record<number, string>> = {
  8: 'timestamp',
  9: 'duration',
  10: 'reference',
  20: 'data',
};

function typeFromCodeV1(code: number): { type: DataType; subtype: string } {
  return { type: plainTypeFromCodeV1(code), subtype: subtypes[code] ?? '' };
}

function plainTypeFromCodeV1(code: number): DataType {
  if ((code >= 1 && code <= 4) || (code >= 16 && code <= 19) || code === 8 || code === 9) return 'int';
  if (code === 6 || code === 7) return 'string';
  if (code === 10 || code === 15 || code === 20) return 'map';
  if (code === 11) return 'bool';
  if (code === 12 || code === 13) return 'float';
  if (code === 14) return 'uuid';
  if (code === 21 || code === 22) return 'list';
  return 'void';
}
