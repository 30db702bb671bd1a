import { isUtf8 } from 'node:buffer';
import { Int, isValueMap, type Value, type ValueMap } from './value.js';

/**
 * The text of a value that the protocol says is a string. C++ peers and the broker send their strings as binary, so UTF-8
 * bytes count as text (wire document §2.2, §9.6). Anything else gives `undefined`.
 */
export function textOf(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array && isUtf8(value)) return bufferView(value).toString('utf8');
  return undefined;
}

/** A safe integer out of any integer type, else `undefined`. */
export function integerOf(value: Value | undefined): number | undefined {
  return value instanceof Int && typeof value.value === 'number' ? value.value : undefined;
}

/** An integer of any size out of any integer type, else `undefined`. */
export function bigintOf(value: Value | undefined): bigint | undefined {
  return value instanceof Int ? BigInt(value.value) : undefined;
}

export function mapOf(value: Value | undefined): ValueMap | undefined {
  return isValueMap(value) ? value : undefined;
}

/** The same bytes as a Buffer, without a copy. */
export function bufferView(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
