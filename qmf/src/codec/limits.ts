import { QmfError } from '../errors.js';

/** Bounds that keep a hostile message from costing more than its own size. */
export const limits = {
  /** Levels of maps and lists inside each other. QMF itself needs about eight. */
  depth: 64,
  /** Items beyond one per byte: arrays of zero-width elements may hold this many in all. */
  zeroWidthItems: 65_536,
} as const;

export function malformed(what: string, position: number): QmfError {
  return new QmfError('malformed_message', `${what} at byte ${position}`);
}
