import { QmfError } from '../errors.js';
import { textOf } from './text.js';
import type { Value } from './value.js';

/**
 * The longest texts that are read where a peer's text becomes an address, a key, a name or a line of a log; in characters, of binary in
 * bytes (docs/wire.md, "Limits").
 */
export const textLimits = {
  /** Subjects, routing keys, reply addresses: what the short strings of AMQP 0-x hold. */
  address: 255,
  /** `to` of AMQP 1.0, where brokers hold a routing key percent-encoded. */
  encodedAddress: 1_023,
  /** Message and correlation ids. */
  id: 255,
  userId: 255,
  /** Names of agents, methods, packages and classes; opcodes, content types, subscription ids. */
  name: 255,
  /** Names of objects: those of a broker's own agent hold names of queues, exchanges and keys. */
  objectName: 1_023,
} as const;

/**
 * The text of a value that names something.
 *
 * @returns `undefined` for anything but text
 * @throws QmfError `malformed_message` for text that is longer than the limit
 */
export function nameOf(
  value: Value | undefined,
  what: string,
  limit: number = textLimits.name,
): string | undefined {
  const text = textOf(value);
  if (text !== undefined && text.length > limit)
    throw new QmfError(
      'malformed_message',
      `${what}: a text of ${text.length} characters, where ${limit} are the most`,
    );
  return text;
}

/** Characters of a peer's text that a line shows of each name in it. */
const SHOWN_NAME = 120;

/**
 * A peer's text as it may stand in a line for people: cut, and with line breaks and other control characters escaped, so that it is neither
 * longer nor another line than it should be.
 */
export function shownText(text: string, limit: number = SHOWN_NAME): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}… (${text.length} characters)` : text;
  return cut.replace(
    /[\p{Cc}\p{Bidi_Control}\u2028\u2029]|\p{Surrogate}/gu,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
