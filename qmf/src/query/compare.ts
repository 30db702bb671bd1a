import { bufferView, textOf } from '../value/text.js';
import { Float, Int, isValueList, isValueMap, Uuid, type Value } from '../value/value.js';
import { doubleOf, int64Of } from './words.js';

/** Less than 0, 0, or more, like a sort; `undefined` where two values have no order (wire document §5.2). */
export function orderOf(left: Value, right: Value): number | undefined {
  if (isNumber(left))
    return isNumber(right) ? numericOrder(left.value, right.value) : orderToText(left, right);
  if (!isText(left)) return undefined;
  if (isNumber(right)) return reversed(orderToText(right, left));
  return isText(right) ? textOrder(bytesOf(left), bytesOf(right)) : undefined;
}

/** Whether two values have the same text, which is what equality means in QMF predicates. */
export function sameText(left: Value, right: Value): boolean {
  if (typeof left === 'string' && typeof right === 'string') return left === right;
  return isText(left) || isText(right) ? bytesOf(left) === bytesOf(right) : wordsOf(left) === wordsOf(right);
}

/** A value as C++ peers turn it into text. */
export function wordsOf(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value instanceof Int || value instanceof Float || value instanceof Uuid) return value.toString();
  if (isValueMap(value)) {
    const entries = [...value].map(([key, item]) => `${key}:${wordsOf(item)}`);
    return `{${entries.sort().join(', ')}}`;
  }
  if (isValueList(value)) return `[${value.map(wordsOf).join(', ')}]`;
  return textOf(value) ?? bufferView(value).toString('latin1');
}

function isNumber(value: Value): value is Int | Float {
  return value instanceof Int || value instanceof Float;
}

function isText(value: Value): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array;
}

/** A character per byte, so that comparing strings compares bytes, and text equals its UTF-8 in binary. */
function bytesOf(value: Value): string {
  if (value instanceof Uint8Array) return bufferView(value).toString('latin1');
  const words = wordsOf(value);
  return /[^\0-\x7F]/.test(words) ? Buffer.from(words, 'utf8').toString('latin1') : words;
}

function orderToText(number: Int | Float, other: Value): number | undefined {
  if (!isText(other)) return undefined;
  const text = bytesOf(other);
  const converted = number instanceof Int ? int64Of(text) : doubleOf(text);
  return converted === undefined ? undefined : numericOrder(number.value, converted);
}

/** JavaScript compares a number with a bigint by what they are worth, to the last digit. */
function numericOrder(left: number | bigint, right: number | bigint): number | undefined {
  if (left < right) return -1;
  if (left > right) return 1;
  return left == right ? 0 : undefined; // loose, for 1n and 1; NaN has no order
}

function textOrder(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function reversed(order: number | undefined): number | undefined {
  return order === undefined ? undefined : -order;
}
