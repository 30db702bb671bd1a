import { QmfError } from '../errors.js';
import { bufferView, textOf } from '../value/text.js';
import {
  Int,
  isValueList,
  isValueMap,
  Uuid,
  type Value,
  type ValueList,
  type ValueMap,
} from '../value/value.js';
import { headerFields, propertyFields, readFields } from './amqp10-fields.js';
import { section, type SectionCode, SectionOrder } from './amqp10-sections.js';
import { skipValue } from './amqp10-skip.js';
import {
  readValue,
  beginCompound,
  endCompound,
  writeBinary,
  writeList,
  writeMap,
  writeSymbol,
  writeValue,
} from './amqp10-types.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { malformed } from './limits.js';

/** Message and correlation ids as AMQP 1.0 allows them; replies echo them with their type (wire document §2.3). */
export type MessageId = string | Uint8Array | Int | Uuid;

/** The body of a message, in the section form that it came in or is to go out in. */
export type Body =
  | { readonly form: 'value'; readonly value: Value }
  | { readonly form: 'sequence'; readonly list: ValueList }
  | { readonly form: 'data'; readonly bytes: Uint8Array }
  | { readonly form: 'none' };

/** The sections of an AMQP 1.0 message that QMF uses (OASIS AMQP 1.0, part 3). */
export interface BareMessage {
  /** Time to live in milliseconds. */
  readonly ttl?: number;
  readonly durable?: boolean;
  readonly messageId?: MessageId;
  /** Binary on the wire. */
  readonly userId?: string;
  readonly to?: string;
  readonly subject?: string;
  readonly replyTo?: string;
  readonly correlationId?: MessageId;
  readonly contentType?: string;
  readonly applicationProperties?: ValueMap;
  readonly body: Body;
}

type BodyPart = Exclude<Body, { form: 'none' }>;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export interface DecodeOptions {
  /**
   * `routing` reads header and properties, and passes over the contents of all other sections: the body is then of form `none`. Order, number
   * and types of the sections are checked as for `whole`, which is the default; so both read the same, or neither reads anything.
   */
  readonly extent?: 'whole' | 'routing';
  /** Accept a user id that is text, as RabbitMQ 3 writes those of AMQP 0-9-1; default false. */
  readonly textUserId?: boolean;
}

/**
 * Decodes a message: the one reader for agents, consoles and the embedded broker. It refuses what readers could take in two ways: sections
 * out of order or repeated (OASIS AMQP 1.0, part 3 §3.2), and properties of other types than the standard gives them.
 * A message without body is of form `none`.
 *
 * @throws QmfError `malformed_message`
 */
export function decodeBareMessage(bytes: Uint8Array, options: DecodeOptions = {}): BareMessage {
  const reader = new ByteReader(bytes);
  const message: Writable<BareMessage> = { body: { form: 'none' } };
  const parts: BodyPart[] = [];
  const order = new SectionOrder();
  const isRouting = options.extent === 'routing';
  while (reader.remaining > 0) {
    const code = order.next(reader);
    if (code === section.header) readHeader(message, reader);
    else if (code === section.properties) readProperties(message, reader, options.textUserId === true);
    else if (isRouting) skipSection(code, reader);
    else readSection(message, parts, code, reader);
  }
  message.body = joinParts(parts);
  return message;
}

/**
 * Decodes one section of application properties, as RabbitMQ puts it into headers of AMQP 0-9-1.
 *
 * @throws QmfError `malformed_message` for anything else
 */
export function decodeApplicationProperties(bytes: Uint8Array): ValueMap {
  const { applicationProperties, ...others } = decodeBareMessage(bytes);
  if (applicationProperties !== undefined && Object.keys(others).length === 1 && others.body.form === 'none')
    return applicationProperties;
  throw malformed('something else than one section of application properties', 0);
}

/**
 * Decodes the body sections of a message that stand alone, as RabbitMQ hands them to AMQP 0-9-1.
 *
 * @throws QmfError `malformed_message` for anything else
 */
export function decodeBody(bytes: Uint8Array): Body {
  const { body, ...others } = decodeBareMessage(bytes);
  if (Object.keys(others).length === 0) return body;
  throw malformed('other sections than a body', 0);
}

/** Constructors of the sections whose type is fixed. */
const contents: ReadonlyMap<SectionCode, { readonly codes: ReadonlySet<number>; readonly what: string }> =
  new Map([
    ...[
      section.deliveryAnnotations,
      section.messageAnnotations,
      section.applicationProperties,
      section.footer,
    ].map(code => [code, { codes: new Set([0xc1, 0xd1]), what: 'map' }] as const),
    [section.data, { codes: new Set([0xa0, 0xb0]), what: 'binary' }],
    [section.sequence, { codes: new Set([0x45, 0xc0, 0xd0]), what: 'list' }],
  ]);

/** Refuses a section of another type than the standard gives it, before anything of it is read. */
function checkContent(code: SectionCode, reader: ByteReader): void {
  const content = contents.get(code);
  if (content === undefined || content.codes.has(reader.peek())) return;
  throw malformed(`the content of section 0x${code.toString(16)} is no ${content.what}`, reader.position);
}

function skipSection(code: SectionCode, reader: ByteReader): void {
  checkContent(code, reader);
  skipValue(reader);
}

function readSection(
  message: Writable<BareMessage>,
  parts: BodyPart[],
  code: SectionCode,
  reader: ByteReader,
): void {
  checkContent(code, reader);
  const content = readValue(reader);
  switch (code) {
    case section.applicationProperties:
      if (isValueMap(content)) message.applicationProperties = content;
      return;
    case section.data:
      if (content instanceof Uint8Array) parts.push({ form: 'data', bytes: content });
      return;
    case section.sequence:
      if (isValueList(content)) parts.push({ form: 'sequence', list: content });
      return;
    case section.value:
      parts.push({ form: 'value', value: content });
      return;
    default:
      return; // annotations and footer: nothing in QMF uses them
  }
}

function joinParts(parts: readonly BodyPart[]): Body {
  const first = parts[0];
  if (first === undefined) return { form: 'none' };
  if (parts.length === 1) return first;
  return first.form === 'data'
    ? {
        form: 'data',
        bytes: Buffer.concat(parts.flatMap(part => (part.form === 'data' ? [part.bytes] : []))),
      }
    : { form: 'sequence', list: parts.flatMap(part => (part.form === 'sequence' ? part.list : [])) };
}

function readHeader(message: Writable<BareMessage>, reader: ByteReader): void {
  const [durable, , ttl] = readFields(reader, 'header', headerFields, false);
  if (typeof durable === 'boolean') message.durable = durable;
  if (ttl instanceof Int) message.ttl = Number(ttl.value);
}

function readProperties(message: Writable<BareMessage>, reader: ByteReader, textUserId: boolean): void {
  const at = reader.position;
  const fields = readFields(reader, 'properties', propertyFields, textUserId);
  const [messageId, userId, to, subject, replyTo, correlationId, contentType] = fields;
  const id = idOf(messageId);
  if (id !== undefined) message.messageId = id;
  const user = textOf(userId);
  if (user !== undefined) message.userId = user;
  else if (userId instanceof Uint8Array) throw malformed('user-id is no UTF-8', at);
  if (typeof to === 'string') message.to = to;
  if (typeof subject === 'string') message.subject = subject;
  if (typeof replyTo === 'string') message.replyTo = replyTo;
  const correlation = idOf(correlationId);
  if (correlation !== undefined) message.correlationId = correlation;
  if (typeof contentType === 'string') message.contentType = contentType;
}

function idOf(value: Value | undefined): MessageId | undefined {
  return typeof value === 'string' ||
    value instanceof Uint8Array ||
    value instanceof Int ||
    value instanceof Uuid
    ? value
    : undefined;
}

const writer = new ByteWriter();

/**
 * Encodes a message.
 *
 * @throws QmfError `not_encodable`
 */
export function encodeBareMessage(message: BareMessage): Buffer {
  try {
    writeHeader(message);
    writeProperties(message);
    if (message.applicationProperties !== undefined && message.applicationProperties.size > 0) {
      beginSection(section.applicationProperties);
      writeMap(writer, message.applicationProperties);
    }
    writeBody(message.body);
    return writer.finish();
  } catch (error) {
    writer.reset();
    throw QmfError.from(error, 'not_encodable');
  }
}

/**
 * Encodes the section of application properties alone.
 *
 * @throws QmfError `not_encodable`
 */
export function encodeApplicationProperties(map: ValueMap): Buffer {
  try {
    beginSection(section.applicationProperties);
    writeMap(writer, map);
    return writer.finish();
  } catch (error) {
    writer.reset();
    throw QmfError.from(error, 'not_encodable');
  }
}

function beginSection(code: number): void {
  writer.u8(0x00);
  writer.u8(0x53);
  writer.u8(code);
}

function writeHeader(message: BareMessage): void {
  if (message.ttl === undefined && message.durable !== true) return;
  beginSection(section.header);
  const start = beginCompound(writer, 0xd0, message.ttl === undefined ? 1 : 3);
  writer.u8(message.durable === true ? 0x41 : 0x42);
  if (message.ttl !== undefined) {
    writer.u8(0x40);
    writeValue(writer, new Int('uint32', message.ttl));
  }
  endCompound(writer, start);
}

function writeProperties(message: BareMessage): void {
  beginSection(section.properties);
  const start = beginCompound(writer, 0xd0, 7);
  writeId(message.messageId);
  if (message.userId === undefined) writer.u8(0x40);
  else writeBinary(writer, Buffer.from(message.userId, 'utf8'));
  writeValue(writer, message.to ?? null);
  writeValue(writer, message.subject ?? null);
  writeValue(writer, message.replyTo ?? null);
  writeId(message.correlationId);
  if (message.contentType === undefined) writer.u8(0x40);
  else writeSymbol(writer, message.contentType);
  endCompound(writer, start);
}

/** @throws QmfError `not_encodable` for an integer of another type than ulong, which no reader may take for an id */
function writeId(id: MessageId | undefined): void {
  if (id instanceof Int && id.type !== 'uint64')
    throw new QmfError(
      'not_encodable',
      `a message id of type ${id.type}; uint64 is the only integer that it may be`,
    );
  writeValue(writer, id ?? null);
}

function writeBody(body: Body): void {
  switch (body.form) {
    case 'value':
      beginSection(section.value);
      writeValue(writer, body.value);
      return;
    case 'sequence':
      beginSection(section.sequence);
      writeList(writer, body.list);
      return;
    case 'data':
      beginSection(section.data);
      writeBinary(writer, bufferView(body.bytes));
      return;
    case 'none':
      // The standard wants a body section; null is what other clients send for "no body".
      beginSection(section.value);
      writer.u8(0x40);
      return;
  }
}
