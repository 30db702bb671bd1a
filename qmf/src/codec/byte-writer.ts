import { QmfError } from '../errors.js';
import { bufferView } from '../value/text.js';
import { shownText } from '../value/text-limits.js';
import { limits } from './limits.js';

const KEPT_CAPACITY = 1 << 20;
const SHORT_TEXT = 48;

/** Appends big-endian numbers, strings and sized blocks to a growing buffer. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;
  #depth = 0;

  constructor(capacity = 4096) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Makes room for `count` bytes and gives the offset at which they start. */
  reserve(count: number): number {
    const start = this.#length;
    const end = start + count;
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, start);
      this.#bytes = larger;
    }
    this.#length = end;
    return start;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    const at = this.reserve(2);
    this.#bytes.writeUInt16BE(value, at);
  }

  i16(value: number): void {
    const at = this.reserve(2);
    this.#bytes.writeInt16BE(value, at);
  }

  u32(value: number): void {
    const at = this.reserve(4);
    this.#bytes.writeUInt32BE(value, at);
  }

  i32(value: number): void {
    const at = this.reserve(4);
    this.#bytes.writeInt32BE(value, at);
  }

  u64(value: number | bigint): void {
    const at = this.reserve(8);
    if (typeof value === 'bigint') {
      this.#bytes.writeBigUInt64BE(value, at);
    } else {
      this.#bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
      this.#bytes.writeUInt32BE(value % 0x1_0000_0000, at + 4);
    }
  }

  i64(value: number | bigint): void {
    const at = this.reserve(8);
    if (typeof value === 'bigint') {
      this.#bytes.writeBigInt64BE(value, at);
    } else {
      const high = Math.floor(value / 0x1_0000_0000);
      this.#bytes.writeInt32BE(high, at);
      this.#bytes.writeUInt32BE(value - high * 0x1_0000_0000, at + 4);
    }
  }

  f32(value: number): void {
    const at = this.reserve(4);
    this.#bytes.writeFloatBE(value, at);
  }

  f64(value: number): void {
    const at = this.reserve(8);
    this.#bytes.writeDoubleBE(value, at);
  }

  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    bufferView(bytes).copy(this.#bytes, at);
  }

  /** UTF-8 text of `byteLength` bytes, as {@link utf8Length} counted them. */
  text(text: string, byteLength: number): void {
    const at = this.reserve(byteLength);
    if (byteLength === text.length && byteLength <= SHORT_TEXT) {
      // ASCII: for protocol words a loop beats the call into C++.
      for (let index = 0; index < byteLength; index++) this.#bytes[at + index] = text.charCodeAt(index);
    } else {
      this.#bytes.write(text, at, byteLength, 'utf8');
    }
  }

  /** Sets 32 bits written before, e.g. a size that is known only now. */
  patchU32(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  /** Sets a byte written before. */
  patchU8(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  /** Takes `count` bytes out again at `at`; what follows moves up. */
  remove(at: number, count: number): void {
    this.#bytes.copyWithin(at, at + count, this.#length);
    this.#length -= count;
  }

  /** Everything written so far as bytes of their own; the writer is empty again afterwards. */
  finish(): Buffer {
    const result = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(result, 0, 0, this.#length);
    this.#length = 0;
    if (this.#bytes.length > KEPT_CAPACITY) this.#bytes = Buffer.allocUnsafe(4096);
    return result;
  }

  /**
   * One level deeper in nested values.
   *
   * @throws QmfError `not_encodable` beyond what a reader accepts, which also catches values that contain themselves.
   */
  descend(): void {
    if (++this.#depth > limits.depth) {
      throw new QmfError('not_encodable', `the value has more than ${limits.depth} levels of nesting`);
    }
  }

  ascend(): void {
    this.#depth--;
  }

  /** Forgets what was written, after a failure in the middle. */
  reset(): void {
    this.#length = 0;
    this.#depth = 0;
  }
}

/**
 * Bytes that the key of a map takes as UTF-8.
 *
 * @throws QmfError `not_encodable` for half of a surrogate pair, which UTF-8 cannot hold: replaced as in other text, two keys would become one
 */
export function keyLength(key: string): number {
  const length = utf8Length(key);
  if (length !== key.length && /\p{Surrogate}/u.test(key))
    throw new QmfError(
      'not_encodable',
      `the map key ${shownText(JSON.stringify(key))} holds half of a character`,
    );
  return length;
}

/** Bytes that `text` takes as UTF-8. */
export function utf8Length(text: string): number {
  if (text.length > SHORT_TEXT) return Buffer.byteLength(text, 'utf8');
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 0x7f) return Buffer.byteLength(text, 'utf8');
  }
  return text.length;
}
