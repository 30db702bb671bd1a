import { QmfError } from '../errors.js';
import { type CodePointRange, CodePointSet, digitSet, dotSet, spaceSet, wordSet } from './code-point-set.js';

export type Assertion = 'start' | 'end' | 'boundary' | 'noBoundary';

/** The parts of a regular expression that can be searched for without ever going back. */
export type PatternNode =
  | { readonly kind: 'character'; readonly set: CodePointSet }
  | { readonly kind: 'assertion'; readonly what: Assertion }
  | { readonly kind: 'sequence'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly node: PatternNode; readonly least: number; readonly most: number };

export const patternLimits = {
  /** UTF-16 units of a pattern. */
  length: 256,
  /** Groups inside each other. */
  depth: 16,
  /** Times that a bounded repetition may ask for. */
  repeat: 256,
} as const;

const codeOf = (character: string): number => character.codePointAt(0) ?? 0;
const isDigit = (character: string | undefined): boolean =>
  character !== undefined && digitSet.has(codeOf(character));

const classes: ReadonlyMap<string, CodePointSet> = new Map([
  ['d', digitSet],
  ['D', digitSet.negated()],
  ['w', wordSet],
  ['W', wordSet.negated()],
  ['s', spaceSet],
  ['S', spaceSet.negated()],
]);

const controls: ReadonlyMap<string, number> = new Map([
  ['t', 0x09],
  ['n', 0x0a],
  ['v', 0x0b],
  ['f', 0x0c],
  ['r', 0x0d],
]);

const assertions: ReadonlyMap<string, Assertion> = new Map([
  ['b', 'boundary'],
  ['B', 'noBoundary'],
]);

/** Groups of JavaScript, Java and others that are more than a group, by their beginning; the longest first. */
const otherGroups: readonly (readonly [string, string])[] = [
  ['<=', 'look-behind (?<=…)'],
  ['<!', 'look-behind (?<!…)'],
  ['=', 'look-ahead (?=…)'],
  ['!', 'look-ahead (?!…)'],
  ['<', 'a named group (?<…>…)'],
  ['P', 'a named group (?P<…>…)'],
  ['>', 'an atomic group (?>…)'],
];

/**
 * Reads a pattern of `re_match`: a regular expression of JavaScript with the flag `u` that needs no memory of what was matched. These
 * are `.`, `[…]`, `\d \w \s` and their opposites, `^`, `$`, `\b`, `\B`, groups, `|` and `* + ? {m,n}`, each lazy or not. A backslash may
 * stand before any other character but letters and digits.
 *
 * @throws QmfError `invalid_query` that says "is not supported" and names the syntax for references to groups, look-around, named
 *   groups, flags, Unicode properties and sets inside sets; or names the error and its place
 */
export function parsePattern(pattern: string): PatternNode {
  if (pattern.length > patternLimits.length) {
    throw new QmfError('invalid_query', `the pattern is longer than ${patternLimits.length} characters`);
  }
  return new PatternParser(pattern).whole();
}

class PatternParser {
  readonly #characters: readonly string[];
  #position = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#characters = Array.from(pattern);
  }

  whole(): PatternNode {
    const node = this.#choice();
    if (this.#peek() !== undefined) throw this.#error("')' without '('");
    return node;
  }

  #choice(): PatternNode {
    const nodes = [this.#sequence()];
    while (this.#take('|')) nodes.push(this.#sequence());
    return { kind: 'choice', nodes };
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      nodes.push(this.#repeated(this.#atom()));
    }
    return { kind: 'sequence', nodes };
  }

  #repeated(node: PatternNode): PatternNode {
    const bounds = this.#bounds();
    if (bounds === undefined) return node;
    if (node.kind === 'assertion') throw this.#error('a position cannot be repeated');
    this.#take('?'); // a lazy repetition is found where a greedy one is
    if (this.#peek() === '+') throw this.#unsupported("a possessive repetition, '+' after a repetition,");
    return { kind: 'repeat', node, ...bounds };
  }

  #bounds(): { least: number; most: number } | undefined {
    if (this.#take('*')) return { least: 0, most: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { least: 1, most: Number.POSITIVE_INFINITY };
    if (this.#take('?')) return { least: 0, most: 1 };
    if (!this.#take('{')) return undefined;
    const least = this.#count();
    let most = least;
    if (this.#take(',')) most = this.#peek() === '}' ? Number.POSITIVE_INFINITY : this.#count();
    if (!this.#take('}')) throw this.#error("'}' is expected; a brace that means itself is written \\{");
    if (most < least) throw this.#error('a repetition with its bounds the wrong way round');
    return { least, most };
  }

  #count(): number {
    let digits = '';
    for (let next = this.#peek(); isDigit(next); next = this.#peek()) digits += this.#next();
    const count = Number(digits);
    if (digits === '' || count > patternLimits.repeat) {
      throw this.#error(`a count of at most ${patternLimits.repeat} is expected`);
    }
    return count;
  }

  #atom(): PatternNode {
    const character = this.#next();
    switch (character) {
      case '.':
        return { kind: 'character', set: dotSet };
      case '^':
        return { kind: 'assertion', what: 'start' };
      case '$':
        return { kind: 'assertion', what: 'end' };
      case '(':
        return this.#group();
      case '[':
        return { kind: 'character', set: this.#characterClass() };
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
      case '{':
        throw this.#error(`nothing to repeat before '${character}'`);
      case '}':
      case ']':
        throw this.#error(`'${character}' that means itself is written \\${character}`);
      default:
        return exactly(codeOf(character));
    }
  }

  #group(): PatternNode {
    if (++this.#depth > patternLimits.depth)
      throw this.#error(`more than ${patternLimits.depth} groups inside each other`);
    if (this.#take('?') && !this.#take(':')) throw this.#otherGroup();
    const node = this.#choice();
    if (!this.#take(')')) throw this.#error("')' is expected");
    this.#depth--;
    return node;
  }

  #otherGroup(): QmfError {
    const ahead = `${this.#peek() ?? ''}${this.#peek(1) ?? ''}`;
    const known = otherGroups.find(([start]) => ahead.startsWith(start));
    return this.#unsupported(known?.[1] ?? '(?… for flags and the like');
  }

  #escape(): PatternNode {
    const what = assertions.get(this.#peek() ?? '');
    if (what !== undefined) {
      this.#position++;
      return { kind: 'assertion', what };
    }
    const escaped = this.#escapedCharacter();
    return typeof escaped === 'number' ? exactly(escaped) : { kind: 'character', set: escaped };
  }

  /** The class or the code point after a backslash. */
  #escapedCharacter(): CodePointSet | number {
    const character = this.#next();
    const known = classes.get(character) ?? controls.get(character);
    if (known !== undefined) return known;
    if (character === 'x') return this.#hexadecimal(2);
    if (character === 'u') return this.#unicode();
    if (character === 'c') return this.#control();
    if (character === '0' && !isDigit(this.#peek())) return 0;
    const code = codeOf(character);
    if (character === 'p' || character === 'P')
      throw this.#unsupported(`a Unicode property, \\${character}{…},`);
    if (isDigit(character) || character === 'k')
      throw this.#unsupported(`a reference to a group, \\${character},`);
    if (wordSet.has(code) && character !== '_') throw this.#unsupported(`\\${character}`);
    return code;
  }

  #unicode(): number {
    if (this.#take('{')) {
      const digits = this.#hexadecimalDigits(Number.POSITIVE_INFINITY);
      const code = Number.parseInt(digits, 16);
      if (!this.#take('}') || !(code <= 0x10ffff))
        throw this.#error('a code point up to 10FFFF and } are expected');
      return code;
    }
    const unit = this.#hexadecimal(4);
    if (unit < 0xd800 || unit > 0xdbff || this.#peek() !== '\\' || this.#peek(1) !== 'u') return unit;
    // Two escaped surrogates are one code point.
    const before = this.#position;
    this.#position += 2;
    const next = this.#peek() === '{' ? 0 : this.#hexadecimal(4);
    if (next >= 0xdc00 && next <= 0xdfff) return 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00);
    this.#position = before;
    return unit;
  }

  #control(): number {
    const letter = this.#peek();
    if (letter === undefined || !/^[a-z]$/i.test(letter)) throw this.#error('\\c wants a letter from a to z');
    this.#position++;
    return codeOf(letter) % 32;
  }

  #hexadecimal(length: number): number {
    const digits = this.#hexadecimalDigits(length);
    if (digits.length !== length) throw this.#error(`${length} hexadecimal digits are expected`);
    return Number.parseInt(digits, 16);
  }

  #hexadecimalDigits(most: number): string {
    let digits = '';
    while (digits.length < most && /^[0-9a-f]$/i.test(this.#peek() ?? '')) digits += this.#next();
    return digits;
  }

  #characterClass(): CodePointSet {
    const isOpposite = this.#take('^');
    const ranges: CodePointRange[] = [];
    while (!this.#take(']')) ranges.push(...this.#classItem());
    const set = new CodePointSet(ranges);
    return isOpposite ? set.negated() : set;
  }

  #classItem(): readonly CodePointRange[] {
    const low = this.#classCharacter();
    const isRange = this.#peek() === '-' && this.#peek(1) !== ']';
    if (!isRange) return typeof low === 'number' ? [[low, low]] : low.ranges;
    this.#position++;
    const high = this.#classCharacter();
    if (typeof low !== 'number' || typeof high !== 'number')
      throw this.#error("a range with a class for an end; a '-' that means itself is written \\-");
    if (high < low) throw this.#error('a range with its ends the wrong way round');
    return [[low, high]];
  }

  #classCharacter(): CodePointSet | number {
    const character = this.#next();
    if (character === '\\') return this.#take('b') ? 0x08 : this.#escapedCharacter();
    // Others take these for sets inside sets, JavaScript with the flag u for themselves.
    if (character === '[') throw this.#unsupported('a set inside a set, [ inside [...],');
    if (character === '&' && this.#peek() === '&') throw this.#unsupported('an intersection of sets, &&,');
    return codeOf(character);
  }

  #peek(ahead = 0): string | undefined {
    return this.#characters[this.#position + ahead];
  }

  #next(): string {
    const character = this.#characters[this.#position];
    if (character === undefined) throw this.#error('the pattern ends too early');
    this.#position++;
    return character;
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#position++;
    return true;
  }

  #unsupported(syntax: string): QmfError {
    return this.#error(`${syntax} is not supported`);
  }

  #error(what: string): QmfError {
    return new QmfError('invalid_query', `${what} (character ${this.#position} of the pattern)`);
  }
}

function exactly(code: number): PatternNode {
  return { kind: 'character', set: new CodePointSet([[code, code]]) };
}
