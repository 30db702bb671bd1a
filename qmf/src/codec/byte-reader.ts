import { isUtf8 } from 'node:buffer';
import { bufferView } from '../value/text.js';
import { narrow } from '../value/value.js';
import { limits, malformed } from './limits.js';
import { cachedWord, LONGEST_WORD } from './word-cache.js';

/** Up to here a loop beats the call into C++. */
const SHORT_COPY = 24;

/**
 * Reads big-endian numbers, strings and blocks from bytes that nobody vouches for: every read is checked against the end, and
 * everything wrong is a QmfError `malformed_message` that says where.
 */
export class ByteReader {
  readonly bytes: Buffer;
  position = 0;
  /** Reads past this offset fail; narrowed while inside a sized block. */
  end: number;
  #depth = 0;
  #items: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bufferView(bytes);
    this.end = bytes.length;
    this.#items = bytes.length + limits.zeroWidthItems;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Reserves the next `count` bytes and gives the offset at which they start. */
  take(count: number): number {
    const start = this.position;
    if (count > this.end - start) {
      throw malformed(`${count} bytes announced where only ${this.remaining} are left`, start);
    }
    this.position = start + count;
    return start;
  }

  u8(): number {
    if (this.position >= this.end) this.take(1);
    return this.bytes[this.position++] ?? 0;
  }

  /** The next byte, which is read again; 0 at the end. */
  peek(): number {
    return this.position < this.end ? (this.bytes[this.position] ?? 0) : 0;
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    return this.bytes.readUInt16BE(this.take(2));
  }

  i16(): number {
    return this.bytes.readInt16BE(this.take(2));
  }

  u32(): number {
    return this.bytes.readUInt32BE(this.take(4));
  }

  i32(): number {
    return this.bytes.readInt32BE(this.take(4));
  }

  /** Unsigned 64 bits; a `number` where that is exact. */
  u64(): number | bigint {
    const at = this.take(8);
    const high = this.bytes.readUInt32BE(at);
    if (high < 0x200000) return high * 0x1_0000_0000 + this.bytes.readUInt32BE(at + 4);
    return this.bytes.readBigUInt64BE(at);
  }

  /** Signed 64 bits; a `number` where that is exact. */
  i64(): number | bigint {
    const at = this.take(8);
    const high = this.bytes.readInt32BE(at);
    if (high < 0x200000 && high >= -0x1fffff) {
      return high * 0x1_0000_0000 + this.bytes.readUInt32BE(at + 4);
    }
    return narrow(this.bytes.readBigInt64BE(at));
  }

  f32(): number {
    return this.bytes.readFloatBE(this.take(4));
  }

  f64(): number {
    return this.bytes.readDoubleBE(this.take(8));
  }

  /** A copy of the next `count` bytes; a view would keep the whole socket buffer alive. */
  copy(count: number): Buffer {
    const at = this.take(count);
    const copy = Buffer.allocUnsafe(count);
    if (count <= SHORT_COPY) {
      for (let index = 0; index < count; index++) copy[index] = this.bytes[at + index] ?? 0;
    } else {
      this.bytes.copy(copy, 0, at, at + count);
    }
    return copy;
  }

  /** `count` bytes of UTF-8; bytes that are not UTF-8 are an error, not U+FFFD. */
  utf8(count: number): string {
    const at = this.take(count);
    const text = this.#textAt(at, count);
    if (text === undefined) throw malformed('text that is not UTF-8', at);
    return text;
  }

  /** `count` bytes as text if they are UTF-8, else a copy of them. */
  utf8OrBytes(count: number): string | Buffer {
    const at = this.take(count);
    const text = this.#textAt(at, count);
    if (text !== undefined) return text;
    this.position = at;
    return this.copy(count);
  }

  #textAt(at: number, count: number): string | undefined {
    if (count === 0) return '';
    if (count <= LONGEST_WORD) {
      const word = cachedWord(this.bytes, at, count);
      if (word !== undefined) return word;
    }
    const text = this.bytes.toString('utf8', at, at + count);
    // A replacement character is the only sign of bad input, and costs a second look only where one is.
    return text.includes('\uFFFD') && !isUtf8(this.bytes.subarray(at, at + count)) ? undefined : text;
  }

  /** `count` bytes of a symbol, which the standard says is ASCII. */
  ascii(count: number): string {
    const text = this.utf8(count);
    if (text.length !== count) throw malformed('a symbol that is not ASCII', this.position - count);
    return text;
  }

  /** `count` bytes of ISO 8859-15, the "latin" text of AMQP 0-10. */
  latin9(count: number): string {
    const at = this.take(count);
    const text = this.bytes.toString('latin1', at, at + count);
    return text.replace(/[\xA4\xA6\xA8\xB4\xB8\xBC-\xBE]/g, letter => latin9Letters[letter] ?? letter);
  }

  /** One character as its 32-bit code point. */
  character(): string {
    const codePoint = this.u32();
    if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) {
      throw malformed('a character that Unicode does not have', this.position - 4);
    }
    return String.fromCodePoint(codePoint);
  }

  utf16be(count: number): string {
    if (count % 2 !== 0) throw malformed('UTF-16 text with an odd number of bytes', this.position);
    return this.copy(count).swap16().toString('utf16le');
  }

  /** Counts the items that a collection announces against what a message of this size may hold. */
  countItems(count: number): void {
    this.#items -= count;
    if (this.#items < 0) throw malformed('more items announced than the message can hold', this.position);
  }

  /** One level deeper in nested values. */
  descend(): void {
    if (++this.#depth > limits.depth)
      throw malformed(`more than ${limits.depth} levels of nesting`, this.position);
  }

  ascend(): void {
    this.#depth--;
  }

  /** Sets the end `size` bytes ahead and goes one level deeper. Gives the end to hand to {@link leaveBlock}. */
  enterBlock(size: number): number {
    const start = this.take(size);
    this.descend();
    const outerEnd = this.end;
    this.end = this.position;
    this.position = start;
    return outerEnd;
  }

  /** Checks that the block was used up, and goes back to the level outside it. */
  leaveBlock(outerEnd: number): void {
    if (this.position !== this.end) {
      throw malformed(`${this.end - this.position} bytes left over inside a collection`, this.position);
    }
    this.end = outerEnd;
    this.ascend();
  }
}

/** Where ISO 8859-15 differs from ISO 8859-1. */
const latin9Letters: Readonly<Record<string, string>> = {
  '\xA4': '€',
  '\xA6': 'Š',
  '\xA8': 'š',
  '\xB4': 'Ž',
  '\xB8': 'ž',
  '\xBC': 'Œ',
  '\xBD': 'œ',
  '\xBE': 'Ÿ',
};
