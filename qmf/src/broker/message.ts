import { decodeBareMessage } from '../codec/amqp10-message.js';

/** A message on its way through the broker: its bytes as the publisher sent them, and the few fields that routing needs. */
export interface BrokerMessage {
  /** All sections, unchanged. */
  bytes: Buffer;
  /** Properties.subject, which is the routing key; the empty string where the message has none. */
  readonly subject: string;
  /** Properties.to, which only the anonymous relay reads. */
  readonly to: string;
  /** Properties.reply-to, the empty string where there is none. */
  readonly replyTo: string;
  /** Properties.user-id, the empty string where there is none. */
  readonly userId: string;
  /** Milliseconds of the broker's clock after which the message is dropped; Infinity without a ttl. */
  readonly expiresAt: number;
  /** Compared by identity: publishers share a queue. */
  readonly publisher: unknown;
}

/**
 * Reads what routing needs from a message.
 *
 * @throws QmfError `malformed_message` where an agent or console would refuse the message for its sections or its properties
 */
export function readMessage(bytes: Buffer, now: number, publisher: unknown): BrokerMessage {
  const { ttl, subject, to, replyTo, userId } = decodeBareMessage(bytes, { extent: 'routing' });
  return {
    bytes,
    subject: subject ?? '',
    to: to ?? '',
    replyTo: replyTo ?? '',
    userId: userId ?? '',
    // A ttl of 0 means "none" to qpidd, not "expired at once".
    expiresAt: ttl === undefined || ttl === 0 ? Infinity : now + ttl,
    publisher,
  };
}

/**
 * Lets go of the socket buffer that the bytes came in, for a message that has to wait in a queue: one small message would
 * otherwise keep its 64 KiB of neighbours alive, and the byte bound of the queue would not hold.
 */
export function detachFromInput(message: BrokerMessage): void {
  const { bytes } = message;
  message.bytes = ownBytes(bytes);
}

/** The bytes, copied where they are a small part of a larger buffer, which they would keep alive; never to a shared pool. */
export function ownBytes(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= 4 * bytes.length) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
