import { Float, Int } from '@imagefactory/qmf';
import { usageError } from '../errors.js';

const integer = /^[+-]?\d+$/;
const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
/** As many as `toPrecision` gives. */
const MOST_DIGITS = 100;

/**
 * The number that a text spells: an integer where it has neither point nor exponent, else a double. `undefined` for other texts.
 *
 * @throws CliError usage for a number that would lose digits on the bus: an integer beyond 64 bits, a double of too many digits
 */
export function exactNumber(text: string): Int | Float | undefined {
  if (integer.test(text)) return exactInteger(text);
  return decimal.test(text) ? exactDouble(text) : undefined;
}

function exactInteger(text: string): Int {
  const value = text.length > 40 ? undefined : BigInt(text.replace(/^\+/, ''));
  for (const type of ['int32', 'int64', 'uint64'] as const) {
    const [least, most] = ranges[type];
    if (value !== undefined && value >= least && value <= most) return new Int(type, value);
  }
  throw usageError(`${shortened(text)} does not fit into 64 bits`, 'write it as a text, in quotes');
}

const ranges = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
} as const;

/** @throws CliError usage for a text whose digits a double does not give back */
export function exactDouble(text: string): Float {
  const value = Number(text);
  const digits = significant(text);
  // Half-way between two texts of that length, String() rounds to the even digit and toPrecision() up: both are the same double.
  const spellings = [String(value), value.toPrecision(Math.min(MOST_DIGITS, Math.max(1, digits.length)))];
  if (Number.isFinite(value) && spellings.some(spelling => significant(spelling) === digits))
    return new Float('double', value);
  throw usageError(
    `${shortened(text)} has more digits, or is larger or smaller, than a double holds`,
    'round it, or write it as a text, in quotes',
  );
}

/** The digits of a decimal number without the zeros at both ends. */
function significant(text: string): string {
  return text
    .replace(/e.*$/i, '')
    .replace(/[+.-]/g, '')
    .replace(/^0+|0+$/g, '');
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
