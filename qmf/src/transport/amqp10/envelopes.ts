import type { BareMessage } from '../../codec/amqp10-message.js';
import type { Envelope } from '../../message/envelope.js';
import { bufferView } from '../../value/text.js';
import type { ValueMap } from '../../value/value.js';
import type { Dialect, Route } from './dialects/index.js';

const noHeaders: ValueMap = new Map();

/** An envelope as the message that takes this route. */
export function toBareMessage(envelope: Envelope, route: Route, dialect: Dialect): BareMessage {
  const { replyTo, messageId, correlationId, contentType, userId, ttl } = envelope;
  return {
    to: route.to,
    applicationProperties: envelope.headers,
    body: envelope.body,
    ...(route.subject === undefined ? {} : { subject: route.subject }),
    ...(replyTo === undefined ? {} : { replyTo: dialect.replyText(replyTo) }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(userId === undefined ? {} : { userId: Buffer.from(userId, 'utf8') }),
    ...(ttl === undefined ? {} : { ttl }),
  };
}

/** A message as it came from the exchange `node`; what brokers write into `to` is an address of their own kind. */
export function fromBareMessage(message: BareMessage, node: string, dialect: Dialect): Envelope {
  const { subject, replyTo, messageId, correlationId, contentType, userId, ttl } = message;
  return {
    to: { node, ...(subject === undefined ? {} : { subject }) },
    headers: message.applicationProperties ?? noHeaders,
    body: message.body,
    ...(replyTo === undefined ? {} : { replyTo: dialect.replyAddress(replyTo) }),
    ...(typeof messageId === 'string' ? { messageId } : {}),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(userId === undefined || userId.length === 0 ? {} : { userId: bufferView(userId).toString('utf8') }),
    ...(ttl === undefined ? {} : { ttl }),
  };
}
