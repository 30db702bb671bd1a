import type { ByteReader } from './byte-reader.js';
import { malformed } from './limits.js';

/** Constructors without a sized payload, by the bytes that follow them (OASIS AMQP 1.0, part 1 §1.6). */
const fixedWidths: ReadonlyMap<number, number> = new Map([
  ...[0x40, 0x41, 0x42, 0x43, 0x44, 0x45].map(code => [code, 0] as const),
  ...[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56].map(code => [code, 1] as const),
  ...[0x60, 0x61].map(code => [code, 2] as const),
  ...[0x70, 0x71, 0x72, 0x73, 0x74].map(code => [code, 4] as const),
  ...[0x80, 0x81, 0x82, 0x83, 0x84].map(code => [code, 8] as const),
  ...[0x94, 0x98].map(code => [code, 16] as const),
]);
const shortSizes: ReadonlySet<number> = new Set([0xa0, 0xa1, 0xa3, 0xc0, 0xc1, 0xe0]);
const longSizes: ReadonlySet<number> = new Set([0xb0, 0xb1, 0xb3, 0xd0, 0xd1, 0xf0]);

/**
 * Passes over a descriptor. It is a ulong or a symbol; the standard reserves all other types (part 1 §1.1.2), and brokers lose their way in
 * those that they don't know.
 *
 * @throws QmfError `malformed_message`
 */
export function skipDescriptor(reader: ByteReader): void {
  const at = reader.position;
  switch (reader.u8()) {
    case 0x44:
      return;
    case 0x53:
      reader.take(1);
      return;
    case 0x80:
      reader.take(8);
      return;
    case 0xa3:
      reader.ascii(reader.u8());
      return;
    case 0xb3:
      reader.ascii(reader.u32());
      return;
    default:
      throw malformed('a descriptor that is neither a ulong nor a symbol', at);
  }
}

/**
 * Passes over one value without reading what it holds. It ends where `readValue` ends, for all bytes that `readValue` takes.
 *
 * @throws QmfError `malformed_message`
 */
export function skipValue(reader: ByteReader): void {
  const at = reader.position;
  const code = reader.u8();
  if (code === 0x00) {
    reader.descend();
    skipDescriptor(reader);
    skipValue(reader);
    reader.ascend();
    return;
  }
  const width = fixedWidths.get(code);
  if (width !== undefined) reader.take(width);
  else if (shortSizes.has(code)) reader.take(reader.u8());
  else if (longSizes.has(code)) reader.take(reader.u32());
  else throw malformed(`unknown type code 0x${code.toString(16).padStart(2, '0')}`, at);
}
