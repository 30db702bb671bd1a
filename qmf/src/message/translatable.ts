import { QmfError } from '../errors.js';
import { isValueList, isValueMap, type Value, type ValueMap } from '../value/value.js';

/** What AMQP 0-10 can hold in one text, and in one map key, in bytes of UTF-8 (wire document §4.8). */
const LONGEST_TEXT = 65_535;
const LONGEST_KEY = 255;
/** A character is at most three bytes for each of its UTF-16 units, so shorter texts need no counting. */
const BYTES_PER_UNIT = 3;

/**
 * The value in a form that a broker can turn into AMQP 0-10: longer text goes as binary, which every reader takes for text.
 * As text it would make qpidd disconnect every 0-10 consumer that the message reaches (§9.7).
 *
 * @throws QmfError `not_encodable` for a map key that is too long
 */
export function translatable(value: Value): Value {
  if (typeof value === 'string') return isTooLong(value, LONGEST_TEXT) ? Buffer.from(value, 'utf8') : value;
  if (value === null || typeof value !== 'object') return value;
  if (isValueMap(value)) return translatableMap(value);
  if (!isValueList(value)) return value;
  const list = value.map(translatable);
  return list.some((item, index) => item !== value[index]) ? list : value;
}

function translatableMap(map: ValueMap): ValueMap {
  let changed: Map<string, Value> | undefined;
  for (const [key, item] of map) {
    if (isTooLong(key, LONGEST_KEY)) {
      throw new QmfError(
        'not_encodable',
        `the map key '${key.slice(0, 40)}…' is too long: ${LONGEST_KEY} bytes are allowed`,
      );
    }
    const converted = translatable(item);
    if (converted === item) continue;
    changed ??= new Map(map);
    changed.set(key, converted);
  }
  return changed ?? map;
}

function isTooLong(text: string, limit: number): boolean {
  return text.length * BYTES_PER_UNIT > limit && Buffer.byteLength(text, 'utf8') > limit;
}
