import { Uuid } from '@imagefactory/qmf';
import { escapeJsonControls } from './escape.js';

/**
 * One line of JSON. Integers that a JSON number would not hold exactly (beyond 2^53) become text, so do infinities and NaN; a
 * uuid is its usual text; binary that is no UTF-8 becomes `{"base64": …}`.
 */
export function toJsonLine(value: unknown): string {
  return escapeJsonControls(JSON.stringify(jsonable(value)));
}

function jsonable(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uuid) return value.toString();
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(jsonable);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), jsonable(item)]));
  if (typeof value !== 'object' || value === null) return value;
  // fromEntries makes even `__proto__` an ordinary property.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonable(item)]));
}
