import { QmfError } from '../errors.js';

/** Bounds that keep a hostile message from costing more than its own size. */
export const limits = {
  /** Levels of maps and lists inside each other. QMF itself needs about eight. */
  depth: 64,
  /** Items beyond one per byte: arrays of zero-width elements may hold this many in all. */
  zeroWidthItems: 65_536,
} as const;

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
  /** Names of agents, objects, methods, packages, classes; content types; keys of maps. */
  name: 255,
} as const;

export function malformed(what: string, position: number): QmfError {
  return new QmfError('malformed_message', `${what} at byte ${position}`);
}
