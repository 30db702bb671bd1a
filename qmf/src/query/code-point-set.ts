/** First and last code point. */
export type CodePointRange = readonly [number, number];

const LAST = 0x10ffff;
const ASCII = 128;

/** A set of code points: sorted ranges, and a table for ASCII. Both are made when the set is first asked. */
export class CodePointSet {
  readonly ranges: readonly CodePointRange[];
  #bounds: Uint32Array | undefined;
  #ascii: Uint8Array | undefined;

  constructor(ranges: readonly CodePointRange[]) {
    this.ranges = ranges.length < 2 ? ranges : merged(ranges);
  }

  has(code: number): boolean {
    if (code < ASCII) return (this.#ascii ??= asciiOf(this.ranges))[code] === 1;
    const bounds = (this.#bounds ??= Uint32Array.from(this.ranges.flat()));
    // The number of bounds at or before the code; an even index is the beginning of a range.
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const bound = bounds[middle] ?? 0;
      if (middle % 2 === 0 ? bound <= code : bound < code) low = middle + 1;
      else high = middle;
    }
    return low % 2 === 1;
  }

  /** All other code points, surrogates included. */
  negated(): CodePointSet {
    const others: CodePointRange[] = [];
    let next = 0;
    for (const [low, high] of this.ranges) {
      if (low > next) others.push([next, low - 1]);
      next = high + 1;
    }
    if (next <= LAST) others.push([next, LAST]);
    return new CodePointSet(others);
  }
}

function asciiOf(ranges: readonly CodePointRange[]): Uint8Array {
  const table = new Uint8Array(ASCII);
  for (const [low, high] of ranges) table.fill(1, Math.min(low, ASCII), Math.min(high + 1, ASCII));
  return table;
}

function merged(ranges: readonly CodePointRange[]): CodePointRange[] {
  const result: [number, number][] = [];
  for (const [low, high] of [...ranges].sort((left, right) => left[0] - right[0])) {
    const last = result.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else result.push([low, high]);
  }
  return result;
}

const digits: CodePointRange = [0x30, 0x39];

/** `\d` of JavaScript. */
export const digitSet = new CodePointSet([digits]);
/** `\w` of JavaScript. */
export const wordSet = new CodePointSet([digits, [0x41, 0x5a], [0x61, 0x7a], [0x5f, 0x5f]]);
const lineEnds: readonly CodePointRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
/** `\s` of JavaScript: white space and line ends of ECMAScript. */
export const spaceSet = new CodePointSet([
  ...lineEnds,
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
/** `.` of JavaScript. */
export const dotSet = new CodePointSet(lineEnds).negated();
