import type { BareMessage } from '../../codec/amqp10-message.js';
import { addressFromText, addressToText, type Envelope } from '../../message/envelope.js';
import { bufferView } from '../../value/text.js';
import type { ValueMap } from '../../value/value.js';

const noHeaders: ValueMap = new Map();

/** An envelope as the message that qpidd and its like route: node in `to`, routing key in `subject` (wire document §1.5). */
export function toBareMessage(envelope: Envelope): BareMessage {
  const { to, replyTo, messageId, correlationId, contentType, userId, ttl } = envelope;
  return {
    to: to.node,
    applicationProperties: envelope.headers,
    body: envelope.body,
    ...(to.subject === undefined ? {} : { subject: to.subject }),
    ...(replyTo === undefined ? {} : { replyTo: addressToText(replyTo) }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(userId === undefined ? {} : { userId: Buffer.from(userId, 'utf8') }),
    ...(ttl === undefined ? {} : { ttl }),
  };
}

export function fromBareMessage(message: BareMessage, node: string): Envelope {
  const { subject, replyTo, messageId, correlationId, contentType, userId, ttl } = message;
  return {
    to: { node: message.to ?? node, ...(subject === undefined ? {} : { subject }) },
    headers: message.applicationProperties ?? noHeaders,
    body: message.body,
    ...(replyTo === undefined ? {} : { replyTo: addressFromText(replyTo) }),
    ...(typeof messageId === 'string' ? { messageId } : {}),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(userId === undefined || userId.length === 0 ? {} : { userId: bufferView(userId).toString('utf8') }),
    ...(ttl === undefined ? {} : { ttl }),
  };
}
