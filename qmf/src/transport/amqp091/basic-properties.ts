import { ByteReader } from '../../codec/byte-reader.js';
import { type ByteWriter, utf8Length } from '../../codec/byte-writer.js';
import { malformed } from '../../codec/limits.js';
import type { ValueMap } from '../../value/value.js';
import { readKnownTable } from './known-tables.js';

/** The basic properties of AMQP 0-9-1 that mean something to QMF (wire document §1.7). */
export interface BasicProperties {
  readonly contentType: string | undefined;
  readonly headers: ValueMap | undefined;
  readonly correlationId: string | undefined;
  readonly replyTo: string | undefined;
  /** Time to live, milliseconds as decimal text. */
  readonly expiration: string | undefined;
  readonly messageId: string | undefined;
  readonly type: string | undefined;
  readonly userId: string | undefined;
  readonly appId: string | undefined;
  readonly clusterId: string | undefined;
}

/** The bits of the property flags, in the order in which the properties follow (AMQP 0-9-1 §4.2.6.1). */
const flag = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x0800,
  correlationId: 0x0400,
  replyTo: 0x0200,
  expiration: 0x0100,
  messageId: 0x0080,
  timestamp: 0x0040,
  type: 0x0020,
  userId: 0x0010,
  appId: 0x0008,
  clusterId: 0x0004,
  more: 0x0001,
} as const;

/**
 * Reads property flags and property list of a content header.
 *
 * @throws QmfError `malformed_message`
 */
export function readBasicProperties(bytes: Uint8Array): BasicProperties {
  const reader = new ByteReader(bytes);
  const flags = reader.u16();
  if ((flags & flag.more) !== 0) throw malformed('property flags that AMQP 0-9-1 does not have', 0);
  const contentType = text(reader, flags & flag.contentType);
  text(reader, flags & flag.contentEncoding);
  const headers = (flags & flag.headers) === 0 ? undefined : readKnownTable(reader);
  if ((flags & flag.deliveryMode) !== 0) reader.u8();
  if ((flags & flag.priority) !== 0) reader.u8();
  const correlationId = text(reader, flags & flag.correlationId);
  const replyTo = text(reader, flags & flag.replyTo);
  const expiration = text(reader, flags & flag.expiration);
  const messageId = text(reader, flags & flag.messageId);
  if ((flags & flag.timestamp) !== 0) reader.u64();
  const type = text(reader, flags & flag.type);
  const userId = text(reader, flags & flag.userId);
  const appId = text(reader, flags & flag.appId);
  const clusterId = text(reader, flags & flag.clusterId);
  return {
    ...{
      contentType,
      headers,
      correlationId,
      replyTo,
      expiration,
      messageId,
      type,
      userId,
      appId,
      clusterId,
    },
  };
}

function text(reader: ByteReader, isThere: number): string | undefined {
  return isThere === 0 ? undefined : reader.utf8(reader.u8());
}

/** What a message that goes out says of itself. No text has more than 255 bytes. */
export interface OutgoingProperties {
  readonly contentType?: string;
  /** The whole table as `encodeFieldTable` makes it. */
  readonly headers: Buffer;
  readonly correlationId?: string;
  readonly replyTo?: string;
  /** Time to live, milliseconds as decimal text. */
  readonly expiration?: string;
  readonly messageId?: string;
  readonly userId?: string;
  readonly appId?: string;
  readonly clusterId?: string;
}

/** Transient, as all of QMF is (wire document §2.1). */
const TRANSIENT = 1;

/** Writes property flags and property list of a content header. */
export function writeBasicProperties(writer: ByteWriter, properties: OutgoingProperties): void {
  const { contentType, headers, correlationId, replyTo, expiration, messageId, userId, appId, clusterId } =
    properties;
  let flags = flag.headers | flag.deliveryMode;
  if (contentType !== undefined) flags |= flag.contentType;
  if (correlationId !== undefined) flags |= flag.correlationId;
  if (replyTo !== undefined) flags |= flag.replyTo;
  if (expiration !== undefined) flags |= flag.expiration;
  if (messageId !== undefined) flags |= flag.messageId;
  if (userId !== undefined) flags |= flag.userId;
  if (appId !== undefined) flags |= flag.appId;
  if (clusterId !== undefined) flags |= flag.clusterId;
  writer.u16(flags);
  if (contentType !== undefined) writeShortString(writer, contentType);
  writer.raw(headers);
  writer.u8(TRANSIENT);
  if (correlationId !== undefined) writeShortString(writer, correlationId);
  if (replyTo !== undefined) writeShortString(writer, replyTo);
  if (expiration !== undefined) writeShortString(writer, expiration);
  if (messageId !== undefined) writeShortString(writer, messageId);
  if (userId !== undefined) writeShortString(writer, userId);
  if (appId !== undefined) writeShortString(writer, appId);
  if (clusterId !== undefined) writeShortString(writer, clusterId);
}

/** Text of at most 255 bytes, with their number before it. */
export function writeShortString(writer: ByteWriter, value: string): void {
  const length = utf8Length(value);
  writer.u8(length);
  writer.text(value, length);
}
