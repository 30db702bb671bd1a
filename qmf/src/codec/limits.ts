import { QmfError } from '../errors.js';
import { shownText } from '../value/text-limits.js';

/** Bounds that keep a hostile message from costing more than its own size. */
export const limits = {
  /** Levels of maps and lists inside each other. QMF itself needs about eight. */
  depth: 64,
  /** Items beyond one per byte: arrays of zero-width elements may hold this many in all. */
  zeroWidthItems: 65_536,
} as const;

/**
 * Puts an entry into a map that is being read. A key given twice is refused, in whatever types: one reader would take the first value and
 * another the last (docs/wire.md, "What is refused").
 *
 * @throws QmfError `malformed_message`
 */
export function setOnce<T>(map: Map<string, T>, key: string, value: T, position: number): void {
  const before = map.size;
  map.set(key, value);
  if (map.size === before)
    throw malformed(`the key ${shownText(JSON.stringify(key))} twice in one map`, position);
}

export function malformed(what: string, position: number): QmfError {
  return new QmfError('malformed_message', `${what} at byte ${position}`);
}
