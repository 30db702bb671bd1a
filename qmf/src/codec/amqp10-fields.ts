import { textLimits } from '../value/text-limits.js';
import type { Value } from '../value/value.js';
import { readTyped } from './amqp10-types.js';
import type { ByteReader } from './byte-reader.js';
import { malformed } from './limits.js';

/** Types of the fields of header and properties (OASIS AMQP 1.0, part 3 §3.2.1 and §3.2.4). */
type FieldType = 'boolean' | 'ubyte' | 'uint' | 'timestamp' | 'binary' | 'string' | 'symbol' | 'message-id';

/**
 * Constructors of each type. Nothing else is read, not even what could be converted: qpidd passes over fields of another type without
 * counting them, and so finds its user id in another place of the list.
 */
const constructors: Readonly<Record<FieldType, ReadonlySet<number>>> = {
  boolean: new Set([0x41, 0x42, 0x56]),
  ubyte: new Set([0x50]),
  uint: new Set([0x43, 0x52, 0x70]),
  timestamp: new Set([0x83]),
  binary: new Set([0xa0, 0xb0]),
  string: new Set([0xa1, 0xb1]),
  // content-type and content-encoding, which no broker judges by: some clients send them as strings.
  symbol: new Set([0xa1, 0xb1, 0xa3, 0xb3]),
  'message-id': new Set([0x44, 0x53, 0x80, 0x98, 0xa0, 0xb0, 0xa1, 0xb1]),
};

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Characters of text, or bytes of binary, that it may have. */
  readonly limit?: number;
}

export const headerFields: readonly Field[] = [
  { name: 'durable', type: 'boolean' },
  { name: 'priority', type: 'ubyte' },
  { name: 'ttl', type: 'uint' },
  { name: 'first-acquirer', type: 'boolean' },
  { name: 'delivery-count', type: 'uint' },
];

export const propertyFields: readonly Field[] = [
  { name: 'message-id', type: 'message-id', limit: textLimits.id },
  { name: 'user-id', type: 'binary', limit: textLimits.userId },
  { name: 'to', type: 'string', limit: textLimits.encodedAddress },
  { name: 'subject', type: 'string', limit: textLimits.address },
  { name: 'reply-to', type: 'string', limit: textLimits.address },
  { name: 'correlation-id', type: 'message-id', limit: textLimits.id },
  { name: 'content-type', type: 'symbol', limit: textLimits.name },
  { name: 'content-encoding', type: 'symbol', limit: textLimits.name },
  { name: 'absolute-expiry-time', type: 'timestamp' },
  { name: 'creation-time', type: 'timestamp' },
  { name: 'group-id', type: 'string', limit: textLimits.name },
  { name: 'group-sequence', type: 'uint' },
  { name: 'reply-to-group-id', type: 'string', limit: textLimits.name },
];

/**
 * Reads a list of typed fields; null and missing fields are `null`.
 *
 * @param textUserId accept a user id of type string, for a broker that is known to write it so
 * @throws QmfError `malformed_message` for a field of another type, one that is too long, or one more than there are
 */
export function readFields(
  reader: ByteReader,
  what: string,
  fields: readonly Field[],
  textUserId: boolean,
): Value[] {
  const at = reader.position;
  const code = reader.u8();
  if (code === 0x45) return [];
  if (code !== 0xc0 && code !== 0xd0) throw malformed(`a section ${what} that is no list`, at);
  const outerEnd = reader.enterBlock(code === 0xc0 ? reader.u8() : reader.u32());
  const count = code === 0xc0 ? reader.u8() : reader.u32();
  if (count > fields.length) throw malformed(`a section ${what} of ${count} fields`, at);
  const values: Value[] = [];
  for (let index = 0; index < count; index++) {
    const field = fields[index];
    if (field !== undefined) values.push(readField(reader, field, textUserId));
  }
  reader.leaveBlock(outerEnd);
  return values;
}

function readField(reader: ByteReader, field: Field, textUserId: boolean): Value {
  const at = reader.position;
  const code = reader.u8();
  if (code === 0x40) return null;
  const { name, type, limit } = field;
  const isAllowed =
    constructors[type].has(code) || (textUserId && type === 'binary' && constructors.string.has(code));
  if (!isAllowed) throw malformed(`${name} is no ${type}`, at);
  const value = readTyped(reader, code);
  if (limit !== undefined && (typeof value === 'string' || value instanceof Uint8Array)) {
    if (value.length > limit) throw malformed(`${name} is longer than ${limit} characters`, at);
  }
  return value;
}
