import { QmfError } from '../errors.js';

/** Whether a character, given as its code point, belongs to a set. */
export type CharacterTest = (codePoint: number) => boolean;

export type Assertion = 'start' | 'end' | 'boundary' | 'noBoundary';

/** The parts of a regular expression that can be searched for without ever going back. */
export type PatternNode =
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'assertion'; readonly what: Assertion }
  | { readonly kind: 'sequence'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly node: PatternNode; readonly least: number; readonly most: number };

export const patternLimits = {
  /** Characters of a pattern. */
  length: 256,
  /** Groups inside each other. */
  depth: 16,
  /** Times that a bounded repetition may ask for. */
  repeat: 256,
} as const;

const codeOf = (character: string): number => character.codePointAt(0) ?? 0;
const isDigit: CharacterTest = code => code >= 0x30 && code <= 0x39;
export const isWordCharacter: CharacterTest = code =>
  isDigit(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f;
const isSpace: CharacterTest = code => code === 0x20 || (code >= 0x09 && code <= 0x0d);
const isNoLineEnd: CharacterTest = code => code !== 0x0a && code !== 0x0d;
const negated =
  (test: CharacterTest): CharacterTest =>
  code =>
    !test(code);

const classes: ReadonlyMap<string, CharacterTest> = new Map([
  ['d', isDigit],
  ['D', negated(isDigit)],
  ['w', isWordCharacter],
  ['W', negated(isWordCharacter)],
  ['s', isSpace],
  ['S', negated(isSpace)],
]);

const controls: ReadonlyMap<string, number> = new Map([
  ['t', 0x09],
  ['n', 0x0a],
  ['r', 0x0d],
  ['f', 0x0c],
]);

const assertions: ReadonlyMap<string, Assertion> = new Map([
  ['b', 'boundary'],
  ['B', 'noBoundary'],
]);

/**
 * Reads the common core of the regular expressions of Java and JavaScript: `.`, `[...]`, `\d \w \s` and their opposites, `^`, `$`,
 * `\b`, `\B`, groups, `|`, `* + ? {m,n}`, each lazy or not. Look-around, references to groups and flags are not in it.
 *
 * @throws QmfError `invalid_query`
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
    this.#take('?'); // lazy or not makes no difference to whether there is a match
    if (this.#peek() === '+' || this.#peek() === '*') throw this.#error('a repetition of a repetition');
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
    for (let next = this.#peek(); next !== undefined && isDigit(codeOf(next)); next = this.#peek()) {
      digits += this.#next();
    }
    const count = Number(digits);
    if (digits === '' || count > patternLimits.repeat) {
      throw this.#error(`a count up to ${patternLimits.repeat} is expected`);
    }
    return count;
  }

  #atom(): PatternNode {
    const character = this.#next();
    switch (character) {
      case '.':
        return { kind: 'character', test: isNoLineEnd };
      case '^':
        return { kind: 'assertion', what: 'start' };
      case '$':
        return { kind: 'assertion', what: 'end' };
      case '(':
        return this.#group();
      case '[':
        return { kind: 'character', test: this.#characterClass() };
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
      case '{':
        throw this.#error(`nothing to repeat before '${character}'`);
      default:
        return exactly(codeOf(character));
    }
  }

  #group(): PatternNode {
    if (++this.#depth > patternLimits.depth)
      throw this.#error(`more than ${patternLimits.depth} groups inside each other`);
    if (this.#take('?') && !this.#take(':'))
      throw this.#error('look-around, named groups and flags are not supported');
    const node = this.#choice();
    if (!this.#take(')')) throw this.#error("')' is expected");
    this.#depth--;
    return node;
  }

  #escape(): PatternNode {
    const what = assertions.get(this.#peek() ?? '');
    if (what !== undefined) {
      this.#position++;
      return { kind: 'assertion', what };
    }
    const escaped = this.#escapedCharacter();
    return typeof escaped === 'number' ? exactly(escaped) : { kind: 'character', test: escaped };
  }

  /** What follows a backslash: a class, or the code point of one character. */
  #escapedCharacter(): CharacterTest | number {
    const character = this.#next();
    const test = classes.get(character);
    if (test !== undefined) return test;
    const control = controls.get(character);
    if (control !== undefined) return control;
    if (character === 'x') return this.#hexadecimal(2);
    if (character === 'u') return this.#hexadecimal(4);
    const code = codeOf(character);
    if (isWordCharacter(code) && character !== '_') throw this.#error(`\\${character} is not supported`);
    return code;
  }

  #hexadecimal(length: number): number {
    const digits = this.#characters.slice(this.#position, this.#position + length).join('');
    if (digits.length !== length || !/^[0-9a-f]+$/i.test(digits)) {
      throw this.#error(`${length} hexadecimal digits are expected`);
    }
    this.#position += length;
    return Number.parseInt(digits, 16);
  }

  #characterClass(): CharacterTest {
    const opposite = this.#take('^');
    const tests: CharacterTest[] = [];
    do {
      tests.push(this.#classItem());
    } while (!this.#take(']'));
    const member: CharacterTest = code => tests.some(test => test(code));
    return opposite ? negated(member) : member;
  }

  #classItem(): CharacterTest {
    const low = this.#classCharacter();
    if (typeof low !== 'number') return low;
    const isRange = this.#peek() === '-' && this.#peek(1) !== ']';
    if (!isRange) return code => code === low;
    this.#position++;
    const high = this.#classCharacter();
    if (typeof high !== 'number' || high < low)
      throw this.#error('a range with its ends the wrong way round');
    return code => code >= low && code <= high;
  }

  #classCharacter(): CharacterTest | number {
    const character = this.#next();
    if (character === '\\') return this.#escapedCharacter();
    if (character === '[' || character === '&') {
      // Java takes these for sets inside sets, JavaScript for themselves.
      throw this.#error(`'${character}' inside [...] is written \\${character}`);
    }
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

  #error(what: string): QmfError {
    return new QmfError('invalid_query', `${what} (character ${this.#position} of the pattern)`);
  }
}

function exactly(wanted: number): PatternNode {
  return { kind: 'character', test: code => code === wanted };
}
