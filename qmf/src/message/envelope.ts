import type { Body, MessageId } from '../codec/amqp10-message.js';
import { textOf } from '../value/text.js';
import { Int, type ValueMap } from '../value/value.js';
import type { UserIds } from './user-ids.js';

/** Where a message goes, or where an answer is wanted: an exchange and a routing key, or a queue alone. */
export interface Address {
  /** Name of the exchange, or of the queue. */
  readonly node: string;
  /** Routing key; absent for a queue. */
  readonly subject?: string;
}

/** A message between protocol and transport, in terms that every AMQP version has (wire document §2.1). */
export interface Envelope {
  readonly to: Address;
  readonly replyTo?: Address | undefined;
  readonly messageId?: string | undefined;
  /** Echoed in answers with the type it came with (§2.3). */
  readonly correlationId?: MessageId | undefined;
  /** `amqp/map`, `amqp/list`, or absent. */
  readonly contentType?: string | undefined;
  /** Name that the sender authenticated with, as it claims; never empty. */
  readonly userId?: string | undefined;
  /** Of a message that was received: how far its user id can be relied on. Absent: not at all. */
  readonly userIds?: UserIds | undefined;
  /** Application properties, or headers in AMQP 0-x. */
  readonly headers: ValueMap;
  /** Time to live in milliseconds. */
  readonly ttl?: number | undefined;
  readonly body: Body;
}

/** How bodies are carried: as AMQP 1.0 values, or as bytes of the 0-10 codec in a data section (§2.4). */
export type BodyForm = 'value' | 'data';

/** `exchange/key`, or the queue's name (§1.4). */
export function addressToText(address: Address): string {
  return address.subject === undefined ? address.node : `${address.node}/${address.subject}`;
}

/** Splits at the first slash, as qpidd does (§1.4). */
export function addressFromText(text: string): Address {
  const slash = text.indexOf('/');
  return slash < 0 ? { node: text } : { node: text.slice(0, slash), subject: text.slice(slash + 1) };
}

/** qpidd turns ids of other types into text on the way to 0-10 and back, so text is what is compared (§2.3). */
export function correlationText({ correlationId }: Envelope): string | undefined {
  if (correlationId instanceof Int) return correlationId.toString();
  if (correlationId === undefined || typeof correlationId === 'string') return correlationId;
  return correlationId instanceof Uint8Array ? textOf(correlationId) : correlationId.toString();
}
