import type { ByteReader } from '../../codec/byte-reader.js';
import type { ValueMap } from '../../value/value.js';
import { readFieldTable } from './field-table.js';

interface KnownTable {
  readonly bytes: Buffer;
  readonly map: ValueMap;
}

/** Bytes of a table that is worth keeping; those of QMF have some three hundred. */
const LONGEST = 1_024;
const SLOTS = 64;

/** By their length; a slot holds the last table that fell on it, so that no peer can make it grow. */
const known = new Array<KnownTable | undefined>(SLOTS);

/**
 * Reads a field table like {@link readFieldTable}, which is a good part of the cost of an event. A peer sends few different ones, each
 * very often; one that came before is recognised by its bytes, and is the same map again.
 *
 * @throws QmfError `malformed_message`
 */
export function readKnownTable(reader: ByteReader): ValueMap {
  const { bytes, position: start, remaining } = reader;
  const size = remaining < 4 ? Infinity : 4 + bytes.readUInt32BE(start);
  if (size > LONGEST || size > remaining) return readFieldTable(reader);
  const slot = size % SLOTS;
  const before = known[slot];
  if (before?.bytes.compare(bytes, start, start + size) === 0) {
    reader.take(size);
    return before.map;
  }
  const map = readFieldTable(reader);
  known[slot] = { bytes: Buffer.from(bytes.subarray(start, start + size)), map };
  return map;
}
