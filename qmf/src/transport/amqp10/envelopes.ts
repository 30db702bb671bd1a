import type { BareMessage, MessageId } from '../../codec/amqp10-message.js';
import type { Envelope } from '../../message/envelope.js';
import type { UserIds } from '../../message/user-ids.js';
import { Uuid, type ValueMap } from '../../value/value.js';
import type { Dialect, Route } from './dialects/index.js';

const noHeaders: ValueMap = new Map();

// Both field by field: with spreads these two took a tenth of the time of an event.
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** An envelope as the message that takes this route. */
export function toBareMessage(envelope: Envelope, route: Route, dialect: Dialect): BareMessage {
  const { replyTo, messageId, correlationId, contentType, userId, ttl, headers, body } = envelope;
  const message: Writable<BareMessage> = { to: route.to, applicationProperties: headers, body };
  if (route.subject !== undefined) message.subject = route.subject;
  if (replyTo !== undefined) message.replyTo = dialect.replyText(replyTo);
  if (messageId !== undefined) message.messageId = messageId;
  if (correlationId !== undefined) message.correlationId = correlationId;
  if (contentType !== undefined) message.contentType = contentType;
  if (userId !== undefined) message.userId = userId;
  if (ttl !== undefined) message.ttl = ttl;
  return message;
}

/** A message as it came from the exchange `node`; what brokers write into `to` is an address of their own kind. */
export function fromBareMessage(
  message: BareMessage,
  node: string,
  dialect: Dialect,
  userIds: UserIds,
): Envelope {
  const { subject, replyTo, correlationId, contentType, userId, ttl, body } = message;
  const envelope: Writable<Envelope> = {
    to: subject === undefined ? { node } : { node, subject },
    headers: message.applicationProperties ?? noHeaders,
    body,
    userIds,
  };
  const messageId = idText(message.messageId);
  if (replyTo !== undefined) envelope.replyTo = dialect.replyAddress(replyTo);
  if (messageId !== undefined) envelope.messageId = messageId;
  if (correlationId !== undefined) envelope.correlationId = correlationId;
  if (contentType !== undefined) envelope.contentType = contentType;
  if (userId !== undefined && userId !== '') envelope.userId = userId;
  if (ttl !== undefined) envelope.ttl = ttl;
  return envelope;
}

/** Brokers that translate between protocols may make a uuid of its text. */
function idText(id: MessageId | undefined): string | undefined {
  if (typeof id === 'string') return id;
  return id instanceof Uuid ? id.toString() : undefined;
}
