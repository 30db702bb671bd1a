import { QmfError } from '../errors.js';
import { textOf } from '../value/text.js';
import { Float, Int, isValueList, isValueMap, Uuid, type Value } from '../value/value.js';
import { type Predicate, type Query, queryLimits } from './predicate.js';
import { predicateToValue } from './wire-form.js';
import { isPlainWord, wordOfDouble } from './words.js';

/**
 * The text form of a predicate, which `parsePredicate` and C++ and Python consoles read. Integers lose their width and binary
 * becomes text, which comparisons don't notice.
 *
 * @throws QmfError `invalid_query` for what the text form can't hold: text with both kinds of quotes (there are no escapes),
 *   binary that is no text, a uuid, a void inside a list or map.
 */
export function printPredicate(predicate: Predicate): string {
  return print(predicateToValue(predicate), 0);
}

/** The text form of a query; see {@link printPredicate}. */
export function printQuery(query: Query): string {
  const entries = [`class:${printText(query.class)}`];
  if (query.package !== '') entries.push(`package:${printText(query.package)}`);
  if (query.where !== undefined) entries.push(`where:${printPredicate(query.where)}`);
  return `{${entries.join(', ')}}`;
}

function print(value: Value, depth: number): string {
  if (depth >= queryLimits.textDepth)
    throw unprintable(`more than ${queryLimits.textDepth} levels of nesting`);
  if (value instanceof Int) return value.toString();
  if (value instanceof Float) return wordOfDouble(value.value);
  if (typeof value === 'boolean') return String(value);
  if (value instanceof Uuid) throw unprintable('a uuid');
  if (value === null) throw unprintable('a void inside another value');
  if (isValueMap(value)) {
    const entries = [...value].map(([key, item]) => `${printText(key)}:${print(item, depth + 1)}`);
    return `{${entries.join(', ')}}`;
  }
  if (isValueList(value))
    return `[${printable(value)
      .map(item => print(item, depth + 1))
      .join(', ')}]`;
  const text = textOf(value);
  if (text === undefined) throw unprintable('binary that is not UTF-8');
  return printText(text);
}

/** The literal void has no word; `[quote]` alone stands for it. */
function printable(list: readonly Value[]): readonly Value[] {
  return list.length === 2 && list[0] === 'quote' && list[1] === null ? ['quote'] : list;
}

function printText(text: string): string {
  if (isPlainWord(text)) return text;
  if (!text.includes("'")) return `'${text}'`;
  if (!text.includes('"')) return `"${text}"`;
  throw unprintable(`text with both kinds of quotes ('${text.slice(0, 40)}')`);
}

function unprintable(what: string): QmfError {
  return new QmfError('invalid_query', `The text form of a predicate cannot hold ${what}`);
}
