import { isUtf8 } from 'node:buffer';
import { InputError } from './input-error.js';

const encodings: readonly (readonly [string, readonly number[]])[] = [
  ['UTF-32', [0xff, 0xfe, 0, 0]],
  ['UTF-32', [0, 0, 0xfe, 0xff]],
  ['UTF-16', [0xff, 0xfe]],
  ['UTF-16', [0xfe, 0xff]],
];

/** The encoding that a byte order mark names, if it is another one than UTF-8. */
export function otherEncoding(bytes: Uint8Array): string | undefined {
  return encodings.find(([, mark]) => mark.every((byte, index) => bytes[index] === byte))?.[0];
}

/**
 * The text that bytes are in UTF-8, without the byte order mark (U+FEFF) that some editors put in front of it.
 *
 * @param name of the source, for errors
 * @throws InputError for other encodings and for binary content, with the offset of the first byte that is wrong
 */
export function decodeText(bytes: Uint8Array, name: string): string {
  const remedy = 'save it as UTF-8 text';
  const other = otherEncoding(bytes);
  if (other !== undefined) throw invalid(`${name} is ${other}; ${remedy}`);
  if (!isUtf8(bytes))
    throw invalid(`${name} is no UTF-8 text from byte offset ${wrongFrom(bytes)} on; ${remedy}`);
  const zero = bytes.indexOf(0);
  if (zero >= 0)
    throw invalid(`${name} holds a zero byte at offset ${zero}, as UTF-16 and binary files do; ${remedy}`);
  return new TextDecoder('utf-8').decode(bytes);
}

/** The offset of the first byte that is part of no UTF-8 sequence: where the text, written again, begins to differ. */
function wrongFrom(bytes: Uint8Array): number {
  const again = Buffer.from(Buffer.from(bytes).toString('utf8'), 'utf8');
  let offset = bytes.findIndex((byte, index) => byte !== again[index]);
  if (offset < 0) offset = bytes.length;
  // The mark that stands for what is wrong may share its first bytes with it.
  while (offset > 0 && ((again[offset] ?? 0) & 0xc0) === 0x80) offset--;
  return offset;
}

function invalid(message: string): InputError {
  return new InputError(message);
}
