import { ByteReader } from '../../codec/byte-reader.js';
import { malformed } from '../../codec/limits.js';
import type { ValueMap } from '../../value/value.js';
import { readFieldTable } from './field-table.js';

/** The basic properties of AMQP 0-9-1 that mean something to QMF (wire document §1.7). */
export interface BasicProperties {
  readonly contentType?: string;
  readonly headers?: ValueMap;
  readonly correlationId?: string;
  readonly replyTo?: string;
  /** Time to live, milliseconds as decimal text. */
  readonly expiration?: string;
  readonly messageId?: string;
  readonly type?: string;
  readonly userId?: string;
  readonly appId?: string;
}

type Reading = 'text' | 'octet' | 'table' | 'u64';

/** All properties in their order on the wire; the first has the highest bit of the flags (AMQP 0-9-1 §4.2.6.1). */
const layout: readonly (readonly [string, Reading])[] = [
  ['contentType', 'text'],
  ['contentEncoding', 'text'],
  ['headers', 'table'],
  ['deliveryMode', 'octet'],
  ['priority', 'octet'],
  ['correlationId', 'text'],
  ['replyTo', 'text'],
  ['expiration', 'text'],
  ['messageId', 'text'],
  ['timestamp', 'u64'],
  ['type', 'text'],
  ['userId', 'text'],
  ['appId', 'text'],
  ['clusterId', 'text'],
];

/**
 * Reads property flags and property list of a content header.
 *
 * @throws QmfError `malformed_message`
 */
export function readBasicProperties(bytes: Uint8Array): BasicProperties {
  const reader = new ByteReader(bytes);
  const flags = reader.u16();
  if ((flags & 1) !== 0) throw malformed('property flags that AMQP 0-9-1 does not have', 0);
  const found: Record<string, unknown> = {};
  layout.forEach(([name, reading], index) => {
    if ((flags & (0x8000 >> index)) !== 0) found[name] = read(reader, reading);
  });
  // The table above gives each name the type that the interface says.
  return found;
}

function read(reader: ByteReader, reading: Reading): unknown {
  switch (reading) {
    case 'text':
      return reader.utf8(reader.u8());
    case 'octet':
      return reader.u8();
    case 'u64':
      return reader.u64();
    case 'table':
      return readFieldTable(reader);
  }
}
