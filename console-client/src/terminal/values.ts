import { addressFromPlain, type Plain, type PlainMap, Uuid } from '@imagefactory/qmf';
import type { Native } from '@imagefactory/qmf/wire';

/** A value for people, on one line: texts bare at the top and quoted inside, addresses by the name of their object. */
export function showValue(value: Native): string {
  return typeof value === 'string' ? value : show(value);
}

function show(value: Native): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null) return 'null';
  if (value instanceof Uuid) return value.toString();
  if (typeof value !== 'object') return String(value);
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (isList(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value['_object_name'] === 'string') return addressFromPlain(value).objectName;
  return `{${Object.entries(value)
    .map(([key, item]) => `${key}: ${show(item)}`)
    .join(', ')}}`;
}

/** Array.isArray does not narrow readonly arrays. */
function isList(value: readonly Plain[] | PlainMap): value is readonly Plain[] {
  return Array.isArray(value);
}
