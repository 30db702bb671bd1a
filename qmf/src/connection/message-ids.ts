import { randomUUID } from 'node:crypto';
import type { Envelope } from '../message/envelope.js';

/** Digits of a UUID's text that count; those before them are random. */
const COUNTING = 12;

/**
 * Gives messages ids, as the text of a UUID: qpidd drops any other on the way to AMQP 0-10 (wire document §1.5). Only the first
 * of a connection is drawn; making one for each event would be a good part of the cost of sending it.
 */
export class MessageIds {
  readonly #start = randomUUID().slice(0, -COUNTING);
  #count = 0;

  /** The message with an id; one that has an id keeps it. */
  withId(envelope: Envelope): Envelope {
    if (envelope.messageId !== undefined) return envelope;
    const { to, replyTo, correlationId, contentType, userId, headers, ttl, body } = envelope;
    const messageId = this.#start + (++this.#count).toString(16).padStart(COUNTING, '0');
    // Field by field: a spread costs more than all the rest of keeping a message.
    const result: { -readonly [K in keyof Envelope]: Envelope[K] } = { to, headers, body, messageId };
    if (replyTo !== undefined) result.replyTo = replyTo;
    if (correlationId !== undefined) result.correlationId = correlationId;
    if (contentType !== undefined) result.contentType = contentType;
    if (userId !== undefined) result.userId = userId;
    if (ttl !== undefined) result.ttl = ttl;
    return result;
  }
}
