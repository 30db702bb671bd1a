import { Float, Int, type Value } from '../value/value.js';

/** A run of the characters that may stand without quotes. */
export const wordPattern = /[^\s'"{}[\],:/]+/y;

const wholeNumber = /^[+-]?\d+$/;
const number = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const notFinite = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/** What a word without quotes stands for: int64, else uint64, else double, else a boolean, else text. */
export function valueOfWord(word: string): Value {
  const integer = integerOf(word);
  if (integer !== undefined) {
    if (integer >= MIN_INT64 && integer <= MAX_INT64) return new Int('int64', integer);
    if (integer >= 0n && integer <= MAX_UINT64) return new Int('uint64', integer);
  }
  const real = doubleOf(word);
  if (real !== undefined) return new Float('double', real);
  if (/^true$/i.test(word)) return true;
  if (/^false$/i.test(word)) return false;
  return word;
}

/** The integer that a whole text spells, where it fits into 64 bits with a sign. */
export function int64Of(text: string): bigint | undefined {
  const integer = integerOf(text);
  return integer !== undefined && integer >= MIN_INT64 && integer <= MAX_INT64 ? integer : undefined;
}

/** Texts far too long for 64 bits are not worth converting. */
function integerOf(text: string): bigint | undefined {
  if (text.length > 40 || !wholeNumber.test(text)) return undefined;
  return BigInt(text.startsWith('+') ? text.slice(1) : text);
}

/** The number that a whole text spells, as C++ reads doubles. */
export function doubleOf(text: string): number | undefined {
  if (number.test(text)) {
    const real = Number(text);
    return Number.isFinite(real) ? real : undefined;
  }
  const match = notFinite.exec(text);
  if (match === null) return undefined;
  if (match[2] !== undefined) return Number.NaN;
  return match[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** The text of a double that reads back as a double and not as an integer. */
export function wordOfDouble(real: number): string {
  if (Number.isNaN(real)) return 'nan';
  if (!Number.isFinite(real)) return real > 0 ? 'inf' : '-inf';
  if (Object.is(real, -0)) return '-0.0';
  const digits = String(real);
  return wholeNumber.test(digits) ? `${digits}.0` : digits;
}

/** Whether text needs no quotes; names with a point or a dash get them all the same, for the reader's sake. */
export function isPlainWord(text: string): boolean {
  return /^[A-Za-z_]\w*$/.test(text) && typeof valueOfWord(text) === 'string';
}
