import {
  type Body,
  decodeApplicationProperties,
  decodeBody as decodeSections,
  encodeApplicationProperties,
  type MessageId,
} from '../../codec/amqp10-message.js';
import { encodeList, encodeMap } from '../../codec/amqp010.js';
import { QmfError } from '../../errors.js';
import { LIST, MAP } from '../../message/content.js';
import { addressToText, type Envelope } from '../../message/envelope.js';
import { areConstant, header } from '../../message/headers.js';
import { bufferView, textOf } from '../../value/text.js';
import { isValueList, isValueMap, type Value, type ValueMap } from '../../value/value.js';
import { type OutgoingProperties, readBasicProperties } from './basic-properties.js';
import { translatedFrom10 } from '../user-ids.js';
import { encodeFieldTable } from './field-table.js';
import type { Manners } from './manners.js';
import { replyAddress } from './reply-address.js';

/** What goes out with `basic.publish`. */
export interface Publication {
  /** Empty for the default exchange, which routes to the queue that the key names. */
  readonly exchange: string;
  readonly routingKey: string;
  /** Whether it is an error when no queue takes it. */
  readonly mandatory: boolean;
  readonly properties: OutgoingProperties;
  readonly content: Buffer;
}

/** How RabbitMQ marks a body that came as an AMQP 1.0 value: it passes that section on as it is (§1.6). */
const AMQP10_BODY = 'amqp-1.0';

/** Where the AMQP 1.0 plugin of RabbitMQ 3 puts application properties: as the section that they came in. */
const AMQP10_HEADERS = 'x-amqp-1.0-app-properties';

/** A cluster id, see {@link Manners.marksOrigin}. */
const ORIGIN = 'qmf';

const noHeaders: ValueMap = new Map();

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * An envelope as a 0-9-1 message (wire document §1.7). RabbitMQ refuses any sender's name but the login.
 *
 * @throws QmfError `not_encodable`
 */
export function toPublication(
  envelope: Envelope,
  { expiration, headerSection, marksOrigin }: Pick<Manners, 'expiration' | 'headerSection' | 'marksOrigin'>,
): Publication {
  const { to, replyTo, messageId, correlationId, userId, ttl, headers } = envelope;
  const { content, contentType } = encodeBody(envelope);
  const appId = textOf(headers.get(header.appId));
  const exchange = to.subject === undefined ? '' : shortString('the exchange', to.node);
  const routingKey = shortString('the routing key', to.subject ?? to.node);
  const properties: Writable<OutgoingProperties> = {
    headers: headerTable(headers, routingKey, headerSection),
  };
  // Field by field, here and below: with spreads this takes twice as long.
  if (contentType !== undefined) properties.contentType = shortString('the content type', contentType);
  if (appId !== undefined) properties.appId = shortString('the app id', appId);
  if (correlationId !== undefined) properties.correlationId = idText('the correlation id', correlationId);
  if (messageId !== undefined) properties.messageId = shortString('the message id', messageId);
  if (userId !== undefined) properties.userId = shortString('the user id', userId);
  if (userId !== undefined && marksOrigin) properties.clusterId = ORIGIN;
  if (replyTo !== undefined) properties.replyTo = shortString('the reply address', addressToText(replyTo));
  if (ttl !== undefined && expiration !== 'time')
    properties.expiration = String(Math.max(0, Math.round(ttl)));
  // A queue that isn't there is an error; a key that nobody listens to is none (§1.7).
  return { exchange, routingKey, mandatory: to.subject === undefined, properties, content };
}

/** The last table made of some headers: QMF has few different ones, and sends each very often under the same key. */
interface MadeTable {
  readonly routingKey: string;
  readonly withSection: boolean;
  readonly table: Buffer;
}
const madeTables = new WeakMap<ValueMap, MadeTable>();

function headerTable(headers: ValueMap, routingKey: string, withSection: boolean): Buffer {
  const made = madeTables.get(headers);
  if (made?.routingKey === routingKey && made.withSection === withSection) return made.table;
  const all = new Map(headers);
  // Broker-J takes the subject from there on its way to AMQP 1.0.
  all.set('qpid.subject', routingKey);
  if (withSection) all.set(AMQP10_HEADERS, encodeApplicationProperties(headers));
  const table = encodeFieldTable(all);
  if (areConstant(headers)) madeTables.set(headers, { routingKey, withSection, table });
  return table;
}

function idText(what: string, id: MessageId): string {
  const text = id instanceof Uint8Array ? textOf(id) : id.toString();
  if (text === undefined) throw new QmfError('not_encodable', `${what} holds bytes that are not UTF-8`);
  return shortString(what, text);
}

function shortString(what: string, text: string): string {
  if (Buffer.byteLength(text, 'utf8') > 255) {
    throw new QmfError('not_encodable', `${what} '${text.slice(0, 40)}…' is longer than 255 bytes`);
  }
  return text;
}

/** AMQP 0-9-1 has bytes only: maps and lists go in the codec of 0-10, whatever the caller hands in. */
function encodeBody({ body, contentType }: Envelope): { content: Buffer; contentType: string | undefined } {
  switch (body.form) {
    case 'none':
      return { content: Buffer.alloc(0), contentType };
    case 'data':
      return { content: bufferView(body.bytes), contentType };
    case 'sequence':
      return { content: encodeList(body.list), contentType: LIST };
    case 'value':
      return encodeValue(body.value, contentType);
  }
}

function encodeValue(
  value: Value,
  contentType: string | undefined,
): { content: Buffer; contentType: string | undefined } {
  if (value === null) return { content: Buffer.alloc(0), contentType };
  if (typeof value === 'string') return { content: Buffer.from(value, 'utf8'), contentType };
  if (value instanceof Uint8Array) return { content: bufferView(value), contentType };
  if (isValueMap(value)) return { content: encodeMap(value), contentType: MAP };
  // As qpidd does it, a single value is a list of one (§1.5).
  return { content: encodeList(isValueList(value) ? value : [value]), contentType: LIST };
}

/** A delivered message, undecoded. */
export interface Delivery {
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: Uint8Array;
  readonly content: Buffer;
}

/** @throws QmfError `malformed_message` */
export function toEnvelope(
  delivery: Delivery,
  manners: Pick<Manners, 'expiration' | 'userIds' | 'marksOrigin'>,
): Envelope {
  const properties = readBasicProperties(delivery.properties);
  const { contentType, correlationId, replyTo, messageId, userId, expiration, clusterId } = properties;
  const hasTtl = manners.expiration === 'duration' && /^\d{1,15}$/.test(expiration ?? '');
  const ttl = hasTtl ? Number(expiration) : undefined;
  const envelope: Writable<Envelope> = {
    to: { node: delivery.exchange, subject: delivery.routingKey },
    headers: headersOf(properties.headers ?? noHeaders),
    body: decodeBody(delivery.content, properties.type),
    userIds: manners.marksOrigin && clusterId === undefined ? translatedFrom10 : manners.userIds,
  };
  if (replyTo !== undefined) envelope.replyTo = replyAddress(replyTo);
  if (messageId !== undefined) envelope.messageId = messageId;
  if (correlationId !== undefined) envelope.correlationId = correlationId;
  if (contentType !== undefined) envelope.contentType = contentType;
  if (userId !== undefined && userId !== '') envelope.userId = userId;
  if (ttl !== undefined) envelope.ttl = ttl;
  return envelope;
}

function headersOf(headers: ValueMap): ValueMap {
  const section = headers.get(AMQP10_HEADERS);
  // With the opcode beside it, it comes from a 0-9-1 peer of ours, and says the same again.
  if (!(section instanceof Uint8Array) || headers.has(header.opcode)) return headers;
  return new Map([...decodeApplicationProperties(section), ...headers]);
}

function decodeBody(content: Buffer, type: string | undefined): Body {
  if (type === AMQP10_BODY) return decodeSections(content);
  return content.length === 0 ? { form: 'none' } : { form: 'data', bytes: content };
}
