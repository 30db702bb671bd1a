import { type Plain, type PlainMap, QmfError } from '@imagefactory/qmf';

/** A field of an agent's answer that has to be text. @throws QmfError `malformed_message` */
export function textIn(map: PlainMap, name: string): string {
  const value = map[name];
  if (typeof value === 'string') return value;
  throw unexpected(name, 'text');
}

/** @throws QmfError `malformed_message` */
export function numberIn(map: PlainMap, name: string): number {
  const value = map[name];
  if (typeof value === 'number') return value;
  throw unexpected(name, 'number');
}

/** A whole number of up to 64 bits. @throws QmfError `malformed_message` */
export function bigintIn(map: PlainMap, name: string): bigint {
  const value = map[name];
  if (typeof value === 'bigint') return value;
  return BigInt(Math.trunc(numberIn(map, name)));
}

/** A field that is text where it is there: an object with it, or an empty one. @throws QmfError `malformed_message` */
export function optionalTextIn<N extends string>(map: PlainMap, name: N): { readonly [K in N]?: string } {
  const value = map[name];
  if (value === undefined || value === null) return {};
  // One name, one text; TypeScript widens the key of a literal to any text.
  return { [name]: textIn(map, name) } as { readonly [K in N]: string };
}

/** @throws QmfError `malformed_message` */
export function mapIn(map: PlainMap, name: string): PlainMap {
  return mapOf(map[name], name);
}

/** @throws QmfError `malformed_message` */
export function mapsIn(map: PlainMap, name: string): readonly PlainMap[] {
  return listIn(map, name).map(item => mapOf(item, name));
}

/** @throws QmfError `malformed_message` */
export function textsIn(map: PlainMap, name: string): readonly string[] {
  return listIn(map, name).map(item => {
    if (typeof item === 'string') return item;
    throw unexpected(name, 'a list of texts');
  });
}

function listIn(map: PlainMap, name: string): readonly Plain[] {
  const value = map[name];
  if (isList(value)) return value;
  throw unexpected(name, 'a list');
}

/** @throws QmfError `malformed_message` */
export function mapOf(value: Plain | undefined, name: string): PlainMap {
  if (typeof value === 'object' && value !== null && !isList(value) && !(value instanceof Uint8Array))
    return value;
  throw unexpected(name, 'a map');
}

function isList(value: Plain | undefined): value is readonly Plain[] {
  return Array.isArray(value);
}

function unexpected(name: string, what: string): QmfError {
  return new QmfError('malformed_message', `the agent's answer has no ${what} as ${name}`);
}
