import { isUtf8 } from 'node:buffer';
import { narrow } from '../value/convert.js';
import { bufferView } from '../value/text.js';
import { limits, malformed } from './limits.js';

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
      throw malformed(`${count} more bytes announced than the ${this.remaining} left`, start);
    }
    this.position = start + count;
    return start;
  }

  u8(): number {
    const at = this.take(1);
    return this.bytes[at] ?? 0;
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
    return Buffer.from(this.bytes.subarray(at, at + count));
  }

  /** `count` bytes of UTF-8; bytes that are not UTF-8 are an error, not U+FFFD. */
  utf8(count: number): string {
    const at = this.take(count);
    const text = this.bytes.toString('utf8', at, at + count);
    // A replacement character is the only sign of bad input, and costs a second look only where one is.
    if (text.includes('\uFFFD') && !isUtf8(this.bytes.subarray(at, at + count))) {
      throw malformed('text that is not UTF-8', at);
    }
    return text;
  }

  /** Like {@link utf8} for map keys and the like. */
  latin1(count: number): string {
    const at = this.take(count);
    return this.bytes.toString('latin1', at, at + count);
  }

  utf16be(count: number): string {
    const at = this.position;
    if (count % 2 !== 0) throw malformed('UTF-16 text with an odd number of bytes', at);
    return this.copy(count).swap16().toString('utf16le');
  }

  /** Counts an item of a collection against what a message of this size may hold. */
  countItems(count: number): void {
    this.#items -= count;
    if (this.#items < 0) throw malformed('more items announced than the message can hold', this.position);
  }

  /** Runs `read` with the end set `size` bytes ahead, one level deeper, and checks that it used them all. */
  block<T>(size: number, read: () => T): T {
    const start = this.take(size);
    const outerEnd = this.end;
    if (++this.#depth > limits.depth) throw malformed(`more than ${limits.depth} levels of nesting`, start);
    this.position = start;
    this.end = start + size;
    const result = read();
    if (this.position !== this.end) {
      throw malformed(`${this.end - this.position} bytes left over inside a collection`, this.position);
    }
    this.end = outerEnd;
    this.#depth--;
    return result;
  }
}
