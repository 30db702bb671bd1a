import { QmfError } from '../errors.js';
import type { Value } from '../value/value.js';
import { queryLimits } from './predicate.js';
import { valueOfWord, wordPattern } from './words.js';

/** A value together with where its text, and that of what is inside it, begins. */
export interface Parsed {
  readonly value: Value;
  readonly at: number;
  /** Of a list; empty for everything else. */
  readonly items: readonly Parsed[];
  /** Of a map; empty for everything else. */
  readonly entries: ReadonlyMap<string, Parsed>;
}

/**
 * Reads the notation that QMF shares with Qpid addresses (wire document §5.4): maps `{k:v, ...}`, lists `[v, ...]`, words, and
 * strings in either kind of quotes without any escape. Text after the closing bracket is ignored.
 *
 * @param open the bracket that the text must begin with
 * @throws QmfError `invalid_query` that names the character at which the text stops making sense, counted from 0
 */
export function parseText(text: string, open: '[' | '{'): Parsed {
  const parser = new TextParser(bounded(text), valueOfWord);
  parser.skipSpace();
  if (!parser.sees(open)) throw parser.expected(open === '[' ? "a predicate, '['" : "a query, '{'");
  return parser.value(1);
}

/**
 * Reads one value in that notation, and nothing else.
 *
 * @param valueOf what a word without quotes stands for
 * @throws QmfError `invalid_query` that names the character at which the text stops making sense, counted from 0
 */
export function parseValue(text: string, valueOf: (word: string) => Value = valueOfWord): Value {
  const parser = new TextParser(bounded(text), valueOf);
  const { value } = parser.value(1);
  parser.end();
  return value;
}

function bounded(text: string): string {
  if (text.length <= queryLimits.textLength) return text;
  throw new QmfError('invalid_query', `The text is longer than ${queryLimits.textLength} characters`);
}

/** The character at which the item that the indices lead to begins; of a missing one, its list. */
export function offsetAt(parsed: Parsed, path: readonly number[]): number {
  let place = parsed;
  for (const index of path) {
    const item = place.items[index];
    if (item === undefined) break;
    place = item;
  }
  return place.at;
}

const nothing: ReadonlyMap<string, Parsed> = new Map();

class TextParser {
  readonly #text: string;
  #position = 0;
  #nodes = 0;

  constructor(
    text: string,
    private readonly valueOf: (word: string) => Value,
  ) {
    this.#text = text;
  }

  end(): void {
    this.skipSpace();
    if (this.#position < this.#text.length) throw this.expected('the end of the text');
  }

  value(depth: number): Parsed {
    if (++this.#nodes > queryLimits.nodes) throw this.#error(`more than ${queryLimits.nodes} values`);
    if (depth > queryLimits.textDepth)
      throw this.#error(`more than ${queryLimits.textDepth} levels of nesting`);
    this.skipSpace();
    const at = this.#position;
    if (this.#take('[')) return this.#list(at, depth);
    if (this.#take('{')) return this.#map(at, depth);
    const value = this.#quoted() ?? this.#word();
    if (value === undefined) throw this.expected('a value');
    return { value, at, items: [], entries: nothing };
  }

  sees(character: string): boolean {
    return this.#text[this.#position] === character;
  }

  skipSpace(): void {
    while (/\s/.test(this.#text[this.#position] ?? '')) this.#position++;
  }

  expected(what: string): QmfError {
    const found = this.#text[this.#position];
    return this.#error(
      `expected ${what}, found ${found === undefined ? 'the end of the text' : `'${found}'`}`,
    );
  }

  #list(at: number, depth: number): Parsed {
    const items: Parsed[] = [];
    while (!this.#closes(']', items.length > 0)) items.push(this.value(depth + 1));
    return { value: items.map(item => item.value), at, items, entries: nothing };
  }

  #map(at: number, depth: number): Parsed {
    const entries = new Map<string, Parsed>();
    let first = true;
    while (!this.#closes('}', !first)) {
      first = false;
      const key = this.#key();
      this.skipSpace();
      if (!this.#take(':')) throw this.expected(`':' after the key '${key.slice(0, 40)}'`);
      if (entries.has(key)) throw this.#error(`the key '${key.slice(0, 40)}' comes twice`);
      entries.set(key, this.value(depth + 1));
    }
    const value = new Map([...entries].map(([key, entry]) => [key, entry.value]));
    return { value, at, items: [], entries };
  }

  /** Takes what stands between items, or the closing bracket; a comma may stand before that one too. */
  #closes(bracket: ']' | '}', afterItem: boolean): boolean {
    this.skipSpace();
    if (this.#take(bracket)) return true;
    if (!afterItem) return false;
    if (!this.#take(',')) throw this.expected(`',' or '${bracket}'`);
    this.skipSpace();
    return this.#take(bracket);
  }

  #key(): string {
    const key = this.#quoted() ?? this.#rawWord();
    if (key === undefined) throw this.expected('a key');
    return key;
  }

  #quoted(): string | undefined {
    const quote = this.#text[this.#position];
    if (quote !== "'" && quote !== '"') return undefined;
    const end = this.#text.indexOf(quote, this.#position + 1);
    if (end < 0) throw this.#error(`the string that begins here has no closing ${quote}`);
    const content = this.#text.slice(this.#position + 1, end);
    this.#position = end + 1;
    return content;
  }

  #word(): Value | undefined {
    const word = this.#rawWord();
    return word === undefined ? undefined : this.valueOf(word);
  }

  #rawWord(): string | undefined {
    wordPattern.lastIndex = this.#position;
    const word = wordPattern.exec(this.#text)?.[0];
    this.#position += word?.length ?? 0;
    return word;
  }

  #take(character: string): boolean {
    if (!this.sees(character)) return false;
    this.#position++;
    return true;
  }

  #error(what: string): QmfError {
    return new QmfError('invalid_query', `At character ${this.#position}: ${what}`);
  }
}
