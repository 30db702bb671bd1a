import { Float, Int, isValueList, isValueMap, Uuid, type Value, type ValueMap } from '@imagefactory/qmf';
import { type Body, decodeList, decodeMap } from '@imagefactory/qmf/wire';
import { isTime, type Names, TIME } from './names.js';

/** JSON whose maps keep the order of their entries, also where keys are numbers. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | ReadonlyMap<string, Json>;

export type JsonMap = ReadonlyMap<string, Json>;

export function isJsonMap(json: Json): json is JsonMap {
  return json instanceof Map;
}

export function isJsonList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

export function entry(key: string, value: Json): JsonMap {
  return new Map([[key, value]]);
}

/**
 * A value as JSON in which its type can be seen: `{"$int32": 5}`. Texts, booleans, null, lists and maps are their own notation. Binary that
 * is printable ASCII is `{"$binary": "text"}`, other `{"$hex": "00ff"}`.
 */
export function valueJson(value: Value, names: Names): Json {
  if (typeof value === 'string') return names.text(value);
  if (value instanceof Int) return entry(`$${value.type}`, isTime(value.value) ? TIME : value.value);
  if (value instanceof Float) return entry(`$${value.type}`, floatJson(value.value));
  if (value instanceof Uuid) return entry('$uuid', value.toString()); // hashes of classes, the same in every run
  if (value instanceof Uint8Array) return binaryJson(value, names);
  if (isValueMap(value)) return mapJson(value, names);
  if (isValueList(value)) return value.map(item => valueJson(item, names));
  return value;
}

export function mapJson(map: ValueMap, names: Names): JsonMap {
  return new Map([...map].map(([key, value]) => [names.text(key), valueJson(value, names)]));
}

/** JSON has no NaN, no infinities and no negative zero. */
function floatJson(value: number): Json {
  return Number.isFinite(value) && !Object.is(value, -0)
    ? value
    : String(Object.is(value, -0) ? '-0' : value);
}

function binaryJson(bytes: Uint8Array, names: Names): Json {
  const text = Buffer.from(bytes).toString('latin1');
  return /^[\x20-\x7e]+$/.test(text)
    ? entry('$binary', names.text(text))
    : entry('$hex', Buffer.from(bytes).toString('hex'));
}

/** The values of a body: data sections with maps and lists of AMQP 0-10 are decoded. */
export function bodyValue(body: Body, contentType: Value | undefined): Value | undefined {
  switch (body.form) {
    case 'value':
      return body.value;
    case 'sequence':
      return body.list;
    case 'data':
      if (contentType === 'amqp/map') return decodeMap(body.bytes);
      return contentType === 'amqp/list' ? decodeList(body.bytes) : body.bytes;
    case 'none':
      return undefined;
  }
}

/** Columns of a line at most, where a value can be broken. */
const width = 140;

/** JSON text with one line for each value that fits into one. */
export function print(json: Json, indent = '', before = 0): string {
  const line = printLine(json);
  if (indent.length + before + line.length <= width) return line;
  const deeper = `${indent}  `;
  if (isJsonList(json)) {
    const items = json.map(item => deeper + print(item, deeper));
    return `[\n${items.join(',\n')}\n${indent}]`;
  }
  if (!isJsonMap(json)) return line;
  const items = [...json].map(([key, value]) => {
    const label = `${JSON.stringify(key)}: `;
    return deeper + label + print(value, deeper, label.length);
  });
  return `{\n${items.join(',\n')}\n${indent}}`;
}

function printLine(json: Json): string {
  if (isJsonList(json)) return `[${json.map(printLine).join(', ')}]`;
  if (!isJsonMap(json)) return typeof json === 'bigint' ? json.toString() : JSON.stringify(json);
  const items = [...json].map(([key, value]) => `${JSON.stringify(key)}: ${printLine(value)}`);
  return items.length === 0 ? '{}' : `{ ${items.join(', ')} }`;
}
