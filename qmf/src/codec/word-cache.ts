/** Longest text worth keeping; protocol words and property names are shorter. */
export const LONGEST_WORD = 32;

const SLOTS = 1024;

/**
 * Short ASCII strings seen before, by their bytes. QMF messages repeat the same keys over and over; finding them here costs a
 * fraction of making the string again, and gives `Map` a key whose hash is known already. A slot holds the last word that fell
 * on it, so that no peer can make it grow.
 */
const words: string[] = new Array<string>(SLOTS).fill('');

/**
 * The text of `length` bytes at `start`, or `undefined` where it isn't plain ASCII. The caller has checked that the bytes are
 * there and that `length` is from 1 to {@link LONGEST_WORD}.
 */
export function cachedWord(bytes: Buffer, start: number, length: number): string | undefined {
  let hash = length;
  for (let index = start; index < start + length; index++) {
    const byte = bytes[index] ?? 0;
    if (byte > 0x7f) return undefined;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  const slot = (hash ^ (hash >>> 10)) & (SLOTS - 1);
  const known = words[slot] ?? '';
  if (equals(known, bytes, start, length)) return known;
  const word = bytes.toString('latin1', start, start + length);
  words[slot] = word;
  return word;
}

function equals(word: string, bytes: Buffer, start: number, length: number): boolean {
  if (word.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (word.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}
