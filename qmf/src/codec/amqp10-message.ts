import { QmfError } from '../errors.js';
import { bufferView } from '../value/text.js';
import {
  Int,
  isValueList,
  isValueMap,
  Uuid,
  type Value,
  type ValueList,
  type ValueMap,
} from '../value/value.js';
import {
  readDescriptor,
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
  readonly userId?: Uint8Array;
  readonly to?: string;
  readonly subject?: string;
  readonly replyTo?: string;
  readonly correlationId?: MessageId;
  readonly contentType?: string;
  readonly applicationProperties?: ValueMap;
  readonly body: Body;
}

const section = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const;

const symbolicSections: ReadonlyMap<string, number> = new Map([
  ['amqp:header:list', section.header],
  ['amqp:delivery-annotations:map', section.deliveryAnnotations],
  ['amqp:message-annotations:map', section.messageAnnotations],
  ['amqp:properties:list', section.properties],
  ['amqp:application-properties:map', section.applicationProperties],
  ['amqp:data:binary', section.data],
  ['amqp:amqp-sequence:list', section.sequence],
  ['amqp:amqp-sequence:*', section.sequence],
  ['amqp:amqp-value:*', section.value],
  ['amqp:value:*', section.value],
  ['amqp:footer:map', section.footer],
]);

type BodyPart = Exclude<Body, { form: 'none' }>;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What {@link decodeBareMessage} is to read; a broker that only routes needs no body. */
export type DecodeExtent = 'whole' | 'routing';

/**
 * Decodes a message. With extent `routing` it stops after the properties section and gives a body of form `none`.
 *
 * @throws QmfError `malformed_message`
 */
export function decodeBareMessage(bytes: Uint8Array, extent: DecodeExtent = 'whole'): BareMessage {
  const reader = new ByteReader(bytes);
  const message: Writable<BareMessage> = { body: { form: 'none' } };
  const parts: BodyPart[] = [];
  while (reader.remaining > 0) {
    const code = sectionCode(readDescriptor(reader), reader.position);
    if (extent === 'routing' && code > section.properties) return message;
    readSection(message, parts, code, reader);
  }
  message.body = joinParts(parts);
  return message;
}

function sectionCode(descriptor: number | string, position: number): number {
  const code = typeof descriptor === 'string' ? symbolicSections.get(descriptor) : descriptor;
  if (code === undefined || code < section.header || code > section.footer) {
    throw malformed(`unknown message section ${descriptor}`, position);
  }
  return code;
}

function readSection(
  message: Writable<BareMessage>,
  parts: BodyPart[],
  code: number,
  reader: ByteReader,
): void {
  const at = reader.position;
  const content = readValue(reader);
  switch (code) {
    case section.header:
      readHeader(message, listIn(content, 'header', at));
      return;
    case section.properties:
      readProperties(message, listIn(content, 'properties', at));
      return;
    case section.applicationProperties:
      if (!isValueMap(content)) throw malformed('application-properties that are no map', at);
      message.applicationProperties = content;
      return;
    case section.data:
      if (!(content instanceof Uint8Array)) throw malformed('a data section that is no binary', at);
      addPart(parts, { form: 'data', bytes: content }, at);
      return;
    case section.sequence:
      addPart(parts, { form: 'sequence', list: listIn(content, 'amqp-sequence', at) }, at);
      return;
    case section.value:
      addPart(parts, { form: 'value', value: content }, at);
      return;
    default:
      return; // annotations and footer: nothing in QMF uses them
  }
}

function listIn(content: Value, what: string, at: number): ValueList {
  if (isValueList(content)) return content;
  throw malformed(`a section ${what} that is no list`, at);
}

/** Several data or sequence sections make one body; a value stands alone, and kinds don't mix. */
function addPart(parts: BodyPart[], part: BodyPart, at: number): void {
  const first = parts[0];
  if (first !== undefined && (first.form !== part.form || part.form === 'value')) {
    throw malformed('a second body', at);
  }
  parts.push(part);
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

function readHeader(message: Writable<BareMessage>, fields: ValueList): void {
  const [durable, , ttl] = fields;
  if (typeof durable === 'boolean') message.durable = durable;
  if (ttl instanceof Int) message.ttl = Number(ttl.value);
}

function readProperties(message: Writable<BareMessage>, fields: ValueList): void {
  const [messageId, userId, to, subject, replyTo, correlationId, contentType] = fields;
  const id = idOf(messageId);
  if (id !== undefined) message.messageId = id;
  if (userId instanceof Uint8Array) message.userId = userId;
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
  writeValue(writer, message.messageId ?? null);
  if (message.userId === undefined) writer.u8(0x40);
  else writeBinary(writer, message.userId);
  writeValue(writer, message.to ?? null);
  writeValue(writer, message.subject ?? null);
  writeValue(writer, message.replyTo ?? null);
  writeValue(writer, message.correlationId ?? null);
  if (message.contentType === undefined) writer.u8(0x40);
  else writeSymbol(writer, message.contentType);
  endCompound(writer, start);
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
