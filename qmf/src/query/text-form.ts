import { QmfError } from '../errors.js';
import { nearest } from '@imagefactory/text';
import { isValueList, type Value } from '../value/value.js';
import type { Predicate, Query } from './predicate.js';
import { offsetAt, type Parsed, parseText } from './text-parser.js';
import { describe, type ListPath, readPredicate } from './wire-form.js';

/**
 * A predicate out of its text form, such as `[and, [eq, _vendor, [quote, 'example.com']], [exists, name]]` (wire document
 * §5.4). Empty text is the predicate that is always true; text after the closing bracket is ignored, as C++ does.
 *
 * @throws QmfError `invalid_query` that names the place by its character, counted from 0.
 */
export function parsePredicate(text: string): Predicate {
  if (text.trim() === '') return { op: 'true' };
  return fromParsed(parseText(text, '['));
}

/**
 * A query out of its text form, such as `{class:Widget, package:'com.example', where:[eq, name, [quote, left]]}`. Other keys
 * are ignored, as C++ does, unless they look like a misspelling of one of these.
 *
 * @throws QmfError `invalid_query` that names the place by its character, counted from 0.
 */
export function parseQuery(text: string): Query {
  const parsed = parseText(text, '{');
  refuseMisspelt(parsed);
  const className = textEntry(parsed, 'class');
  if (className === '') {
    throw new QmfError(
      'invalid_query',
      "A query must name a class, such as {class:Widget, package:'com.example'}",
    );
  }
  const query: Query = { package: textEntry(parsed, 'package'), class: className };
  const where = parsed.entries.get('where');
  return where === undefined || isEmptyList(where.value) ? query : { ...query, where: fromParsed(where) };
}

const keys: readonly string[] = ['class', 'package', 'where'];

/** A condition under a misspelt key would be no condition at all. */
function refuseMisspelt({ entries }: Parsed): void {
  for (const [key, { at }] of entries) {
    const near = keys.includes(key) ? undefined : nearest(key, keys);
    if (near === undefined) continue;
    throw new QmfError(
      'invalid_query',
      `A query has no key '${key.slice(0, 40)}', found before character ${at}; did you mean ${near}?`,
    );
  }
}

function isEmptyList(value: Value): boolean {
  return isValueList(value) && value.length === 0;
}

function textEntry(parsed: Parsed, key: string): string {
  const entry = parsed.entries.get(key);
  if (entry === undefined) return '';
  if (typeof entry.value === 'string') return entry.value;
  throw new QmfError(
    'invalid_query',
    `The ${key} must be text, found ${describe(entry.value)} at character ${entry.at}; put it in quotes`,
  );
}

function fromParsed(parsed: Parsed): Predicate {
  return readPredicate(parsed.value, path => locate(parsed, path));
}

function locate(parsed: Parsed, path: ListPath): string {
  return `at character ${offsetAt(parsed, path)}`;
}
