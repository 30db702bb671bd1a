import { InputError } from './input-error.js';

/** A JSON value (RFC 8259) whose numbers are what the reader makes of their text. Objects are maps: `__proto__` is a key as any other. */
export type Json<N> = null | boolean | string | N | readonly Json<N>[] | ReadonlyMap<string, Json<N>>;

/** As many levels as the codecs write. */
const DEEPEST = 64;

/**
 * Reads JSON that a person wrote. Unlike `JSON.parse` it gives numbers by their text, so that none loses digits in silence, refuses a key that
 * comes twice and more than 64 levels, and its errors quote nothing of the text, which may hold passwords.
 *
 * @param name of the source, for errors
 * @param numberOf the value of a number's text
 * @throws InputError with line and column, counted from 1; its cause is a SyntaxError where the text is no JSON at all
 */
export function parseJson<N>(text: string, name: string, numberOf: (literal: string) => N): Json<N> {
  const reader = new JsonReader(text, name, numberOf);
  const value = reader.value(0);
  reader.end();
  return value;
}

/**
 * The same as plain objects, lists and numbers.
 *
 * @throws InputError
 */
export function parsePlainJson(text: string, name: string): unknown {
  return plain(parseJson(text, name, Number));
}

function plain(value: Json<number>): unknown {
  // fromEntries makes even `__proto__` an ordinary property.
  if (isMap(value)) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  return isList(value) ? value.map(plain) : value;
}

function isMap(value: Json<number>): value is ReadonlyMap<string, Json<number>> {
  return value instanceof Map;
}

/** Array.isArray does not narrow readonly arrays. */
function isList(value: Json<number>): value is readonly Json<number>[] {
  return Array.isArray(value);
}

const blank = /[ \t\n\r]*/y;
const word = /true|false|null/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const words: Readonly<Record<string, null | boolean>> = { true: true, false: false, null: null };

class JsonReader<N> {
  #position = 0;

  constructor(
    private readonly text: string,
    private readonly name: string,
    private readonly numberOf: (literal: string) => N,
  ) {}

  value(depth: number): Json<N> {
    if (depth > DEEPEST) throw this.#error(`more than ${DEEPEST} levels of nesting`);
    this.#match(blank);
    if (this.#take('{')) return this.#map(depth);
    if (this.#take('[')) return this.#list(depth);
    if (this.text[this.#position] === '"') return this.#string();
    const known = this.#match(word);
    if (known !== '') return words[known] ?? null;
    const at = this.#position;
    const literal = this.#match(number);
    if (literal === '') throw this.#expected('a value');
    try {
      return this.numberOf(literal);
    } catch (error) {
      this.#position = at;
      throw this.#error(error instanceof Error ? error.message : String(error));
    }
  }

  end(): void {
    this.#match(blank);
    if (this.#position < this.text.length) throw this.#expected('the end of the text');
  }

  #list(depth: number): Json<N>[] {
    const items: Json<N>[] = [];
    if (this.#takes(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.#continues(']'));
    return items;
  }

  #map(depth: number): Map<string, Json<N>> {
    const entries = new Map<string, Json<N>>();
    if (this.#takes('}')) return entries;
    do {
      this.#match(blank);
      const at = this.#position;
      if (this.text[at] !== '"') throw this.#expected('a key in double quotes');
      const key = this.#string();
      if (!this.#takes(':')) throw this.#expected('a colon');
      if (entries.has(key)) {
        this.#position = at;
        throw this.#error(`the key ${JSON.stringify(key.slice(0, 40))} comes twice`);
      }
      entries.set(key, this.value(depth + 1));
    } while (this.#continues('}'));
    return entries;
  }

  /** Takes a comma, and then goes on, or the closing bracket. */
  #continues(bracket: ']' | '}'): boolean {
    if (this.#takes(',')) return true;
    if (this.#takes(bracket)) return false;
    throw this.#expected(`a comma or ${bracket}`);
  }

  #string(): string {
    const start = this.#position;
    let end = start + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === '\\' ? 2 : 1;
    try {
      // Between two quotes JSON.parse knows escapes and what needs one; its error would quote the text.
      const value: unknown = JSON.parse(this.text.slice(start, end + 1));
      this.#position = end + 1;
      return String(value);
    } catch {
      throw this.#expected('a text in double quotes, with control characters and backslashes escaped');
    }
  }

  #takes(character: string): boolean {
    this.#match(blank);
    return this.#take(character);
  }

  #take(character: string): boolean {
    if (this.text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.#position += found.length;
    return found;
  }

  #expected(what: string): InputError {
    return this.#error(`${what} is expected`, new SyntaxError('no JSON'));
  }

  #error(problem: string, cause?: SyntaxError): InputError {
    const lines = this.text.slice(0, this.#position).split('\n');
    const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
    const what = cause === undefined ? `${this.name}:` : `${this.name} is no JSON:`;
    return new InputError(`${what} ${place}: ${problem}`, cause === undefined ? {} : { cause });
  }
}
