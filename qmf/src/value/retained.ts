import { isValueMap, type Value, type ValueMap } from './value.js';

/** Bytes that an entry of a map or list costs beside its content, roughly. */
const ENTRY = 48;

/**
 * What a value costs while it is kept, in bytes and roughly. Counting stops beyond `limit`, so that the question costs no more than what is
 * allowed.
 */
export function retainedSize(value: Value, limit = Number.POSITIVE_INFINITY): number {
  let size = 0;
  const rest: Value[] = [value];
  for (let next = rest.pop(); next !== undefined && size <= limit; next = rest.pop()) {
    size += ENTRY;
    if (typeof next === 'string') size += next.length * 2;
    else if (next instanceof Uint8Array) size += next.byteLength;
    else if (Array.isArray(next))
      for (const item of next as readonly Value[]) rest.push(item); // the only array among values
    else if (isValueMap(next)) {
      for (const [key, item] of next) {
        size += key.length * 2;
        rest.push(item);
      }
    }
  }
  return size;
}

/** The same map with its binaries copied: they are views of whole messages as they came, which would be kept along with them. */
export function detachedMap(map: ValueMap): ValueMap {
  return new Map([...map].map(([key, value]) => [key, detached(value)]));
}

function detached(value: Value): Value {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (isValueMap(value)) return detachedMap(value);
  return Array.isArray(value) ? (value as readonly Value[]).map(detached) : value; // the only array among values
}
