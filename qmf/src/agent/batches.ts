import { setImmediate as nextTurn } from 'node:timers/promises';
import { Float, Int, isValueMap, Uuid, type Value } from '../value/value.js';

/** Items and bytes (roughly) that one message of a multi-part answer holds. */
const MAX_ITEMS = 100;
const MAX_BYTES = 200_000;

/** Items that are measured in one turn of the event loop. */
const ITEMS_PER_TURN = 1_000;

/** The messages of an answer. */
export interface Batches {
  readonly parts: readonly (readonly Value[])[];
  /** Of all of them, about. */
  readonly bytes: number;
}

/** Cuts a long answer into messages; there is always at least one, maybe empty (wire document §3.4). */
export async function batches(items: readonly Value[]): Promise<Batches> {
  const parts: Value[][] = [];
  let batch: Value[] = [];
  let bytes = 0;
  let total = 0;
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % ITEMS_PER_TURN === 0) await nextTurn();
    const size = approximateSize(item);
    if (batch.length > 0 && (batch.length >= MAX_ITEMS || bytes + size > MAX_BYTES)) {
      parts.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += size;
    total += size;
  }
  parts.push(batch);
  return { parts, bytes: total };
}

function approximateSize(value: Value): number {
  if (typeof value === 'string') return value.length + 2;
  if (value === null || typeof value === 'boolean') return 1;
  if (value instanceof Uint8Array) return value.length + 2;
  if (value instanceof Int || value instanceof Float) return 8;
  if (value instanceof Uuid) return 16;
  let size = 8;
  if (isValueMap(value)) {
    for (const [key, item] of value) size += key.length + 1 + approximateSize(item);
  } else {
    for (const item of value) size += approximateSize(item);
  }
  return size;
}
