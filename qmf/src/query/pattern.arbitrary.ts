import fc from 'fast-check';

/** Choices out of drawn bytes: a hundred thousand patterns are made in seconds, and shrink like bytes. */
class Tape {
  #position = 0;

  constructor(private readonly bytes: Uint8Array) {}

  below(limit: number): number {
    return (this.bytes[this.#position++] ?? 0) % limit;
  }

  oneOf(choices: readonly string[]): string {
    return choices[this.below(choices.length)] ?? '';
  }
}

const characters = [
  'a',
  'b',
  'ab',
  'A',
  '0',
  '_',
  ' ',
  '-',
  ',',
  'é',
  'ü',
  '😀',
  '𝒳',
  '\ud83d',
  '\ude00',
  '\u00a0',
];
const escapes = [
  ...['\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '\\t', '\\n', '\\r', '\\v', '\\f', '(?:\\0)', '\\cA', '\\cj'],
  ...['\\.', '\\*', '\\[', '\\]', '\\{', '\\}', '\\|', '\\/', '\\\\', '\\^', '\\$', '\\(', '\\?', '\\+'],
  ...['\\x61', '\\u0062', '\\u{61}', '\\u{1F600}', '\\ud83d\\ude00', '\\ud83d', '\\ude00', '\\u00e9'],
];
const quantifiers = ['*', '+', '?', '{2}', '{0}', '{1,}', '{0,2}', '{2,3}', '*?', '+?', '??', '{1,2}?'];
const ranges = [
  'a-c',
  'à-ü',
  '0-9',
  '\\x61-\\u{62}',
  '\\ud83d-\\ude00',
  '😀-😂',
  '!-~',
  '\\u{10000}-\\u{10FFFF}',
];

function patternOf(tape: Tape, depth: number): string {
  const alternatives = 1 + (tape.below(4) === 0 ? 1 + tape.below(2) : 0);
  return Array.from({ length: alternatives }, () => sequenceOf(tape, depth)).join('|');
}

function sequenceOf(tape: Tape, depth: number): string {
  return Array.from({ length: tape.below(4) }, () => termOf(tape, depth)).join('');
}

function termOf(tape: Tape, depth: number): string {
  const kind = tape.below(16);
  if (kind === 0) return tape.oneOf(['^', '$', '\\b', '\\B']);
  const atom = atomOf(tape, depth, kind);
  return tape.below(3) === 0 ? atom + tape.oneOf(quantifiers) : atom;
}

function atomOf(tape: Tape, depth: number, kind: number): string {
  if (kind < 6) return tape.oneOf(characters);
  if (kind < 8) return tape.oneOf(escapes);
  if (kind < 9) return '.';
  if (kind < 12) return classOf(tape);
  if (depth === 0) return 'b';
  return `${tape.oneOf(['(', '(?:'])}${patternOf(tape, depth - 1)})`;
}

function classOf(tape: Tape): string {
  const items = Array.from({ length: tape.below(4) }, () => {
    const kind = tape.below(3);
    if (kind === 0) return tape.oneOf(characters.filter(item => item !== '-'));
    return tape.oneOf(kind === 1 ? ranges : [...escapes.filter(item => item !== '(?:\\0)'), '\\b', '\\-']);
  });
  return `[${tape.oneOf(['', '', '^'])}${items.join('')}${tape.oneOf(['', '', '-'])}]`;
}

const textParts = [
  ...[
    'a',
    'b',
    'c',
    'ab',
    'A',
    '0',
    '9',
    '_',
    ' ',
    '-',
    '.',
    ']',
    '\\',
    '{',
    '/',
    'é',
    'ü',
    '😀',
    '𝒳',
    '\ud83d',
    '\ude00',
  ],
  ...[
    '\0',
    '\u0001',
    '\b',
    '\t',
    '\n',
    '\v',
    '\f',
    '\r',
    '\u0085',
    '\u00a0',
    '\u2028',
    '\u2029',
    '\ufeff',
    '\u180e',
    '\u3000',
  ],
];

/** Patterns that follow JavaScript's grammar with the flag `u`. */
export const wellFormedPattern = fc
  .uint8Array({ minLength: 1, maxLength: 48 })
  .map(bytes => patternOf(new Tape(bytes), 3));

/** Whatever looks like a pattern, mostly none. */
export const anyPattern = fc
  .uint8Array({ minLength: 1, maxLength: 14 })
  .map(bytes => Array.from(bytes, byte => syntax[byte % syntax.length]).join(''));
const syntax = [
  ...Array.from('()[]{}|*+?^$.\\\\\\-,:<=!&0123abBdDwWsSuxpkcnP_/😀é'),
  ...['(?', '(?:', '[^', '\\u{', '{2}', '{1,2}', '\\u00', '\\x6', '\ud83d', '&&', '[['],
];

/** Texts with what patterns of {@link wellFormedPattern} are about. */
export const searchedText = fc
  .uint8Array({ maxLength: 10 })
  .map(bytes => Array.from(bytes, byte => textParts[byte % textParts.length]).join(''));
