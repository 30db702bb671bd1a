import { type Float, Int, type PlainInput, QmfError, type Value } from '@imagefactory/qmf';
import { parseValue, valueOfWord } from '@imagefactory/qmf/query';
import { isInputError, type Json, parseJson } from '@imagefactory/text';
import { exactNumber } from './exact-number.js';

/**
 * Reads a map or list written in JSON, or in the notation of QMF queries (`{key: value, list: [a, 'b c', 3]}`, wire document
 * §5.4). In both a number is an integer or a double as it is spelled, with all its digits: `1` is an int32, `1.0` a double,
 * `18446744073709551615` a uint64.
 *
 * @param name of what the text is, for errors
 * @throws QmfError `invalid_argument` or `invalid_query`, CliError usage for a text that is neither, a key that comes twice, or a number that
 * would lose digits
 */
export function parseNotation(text: string, name: string): PlainInput {
  let json: Json<Int | Float>;
  try {
    json = parseJson(text, name, numberOf);
  } catch (error) {
    if (!isInputError(error) || !(error.cause instanceof SyntaxError)) throw error;
    return inputOf(parseValue(text, word => exactNumber(word) ?? valueOfWord(word)));
  }
  return inputOf(json);
}

function numberOf(literal: string): Int | Float {
  const number = exactNumber(literal);
  if (number === undefined) throw new QmfError('invalid_argument', `${literal} is no number`);
  return number;
}

type Written = Value | Json<Int | Float>;

/** Objects for maps; integers without their width, as the library chooses one by their size. */
function inputOf(value: Written): PlainInput {
  if (value instanceof Int) return value.value;
  if (isMapping(value)) return Object.fromEntries([...value].map(([key, item]) => [key, inputOf(item)]));
  return isSequence(value) ? value.map(inputOf) : value;
}

function isMapping(value: Written): value is ReadonlyMap<string, Written> {
  return value instanceof Map;
}

function isSequence(value: Written): value is readonly Written[] {
  return Array.isArray(value);
}
