import { Float, Int, isValueMap, Uuid, type Value } from '../value/value.js';

/** Items and bytes (roughly) that one message of a multi-part answer holds. */
const MAX_ITEMS = 100;
const MAX_BYTES = 200_000;

/** Cuts a long answer into messages; there is always at least one, maybe empty (wire document §3.4). */
export function batches(items: readonly Value[]): readonly (readonly Value[])[] {
  const result: Value[][] = [];
  let batch: Value[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = approximateSize(item);
    if (batch.length > 0 && (batch.length >= MAX_ITEMS || bytes + size > MAX_BYTES)) {
      result.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += size;
  }
  result.push(batch);
  return result;
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
