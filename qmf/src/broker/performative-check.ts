import { FrameError } from './frame-error.js';

/** Deeper nesting than any performative has. */
const maxDepth = 16;

/**
 * Checks that the performative of a frame is well-formed: a described list whose sizes and counts fit into each other. Nothing
 * is decoded, so it costs little; rhea decodes afterwards and can then trust every size.
 *
 * @throws FrameError
 */
export function checkPerformative(bytes: Buffer, offset: number, size: number): void {
  const end = offset + size;
  const dataOffset = (bytes[offset + 4] ?? 0) * 4;
  if (dataOffset < 8 || dataOffset > size) throw new FrameError(`a data offset of ${dataOffset} bytes`);
  const start = offset + dataOffset;
  if (start === end) return; // an empty frame: the heartbeat
  if (bytes[start] !== 0x00) throw new FrameError('a frame that does not begin with a performative');
  const list = skipValue(bytes, start + 1, end, 1);
  const code = byteAt(bytes, list, end);
  if (code !== 0x45 && code !== 0xc0 && code !== 0xd0) throw new FrameError('a performative that is no list');
  skipContent(bytes, list + 1, end, code, 0);
}

/** Offset just behind the value at `at`. */
function skipValue(bytes: Buffer, at: number, end: number, depth: number): number {
  if (depth > maxDepth) throw new FrameError(`more than ${maxDepth} levels of nesting`);
  let next = at;
  if (byteAt(bytes, next, end) === 0x00) {
    next = skipValue(bytes, next + 1, end, depth + 1);
    if (byteAt(bytes, next, end) === 0x00) throw new FrameError('a value with two descriptors');
  }
  return skipContent(bytes, next + 1, end, byteAt(bytes, next, end), depth);
}

function skipContent(bytes: Buffer, at: number, end: number, code: number, depth: number): number {
  switch (code >>> 4) {
    case 0x4:
      return at;
    case 0x5:
      return within(at + 1, end);
    case 0x6:
      return within(at + 2, end);
    case 0x7:
      return within(at + 4, end);
    case 0x8:
      return within(at + 8, end);
    case 0x9:
      return within(at + 16, end);
    case 0xa:
      return within(at + 1 + byteAt(bytes, at, end), end);
    case 0xb:
      return within(at + 4 + uintAt(bytes, at, end), end);
    case 0xc:
      return skipCompound(bytes, at, end, 1, depth);
    case 0xd:
      return skipCompound(bytes, at, end, 4, depth);
    case 0xe:
      return skipArray(bytes, at, end, 1, depth);
    case 0xf:
      return skipArray(bytes, at, end, 4, depth);
    default:
      throw new FrameError(`unknown type code 0x${code.toString(16).padStart(2, '0')}`);
  }
}

function skipCompound(bytes: Buffer, at: number, end: number, width: 1 | 4, depth: number): number {
  const { itemsAt, itemsEnd, count } = measures(bytes, at, end, width);
  let next = itemsAt;
  for (let index = 0; index < count; index++) next = skipValue(bytes, next, itemsEnd, depth + 1);
  if (next !== itemsEnd) throw new FrameError('a list whose size is not that of its items');
  return itemsEnd;
}

function skipArray(bytes: Buffer, at: number, end: number, width: 1 | 4, depth: number): number {
  const { itemsAt, itemsEnd, count } = measures(bytes, at, end, width);
  let next = itemsAt;
  if (byteAt(bytes, next, itemsEnd) === 0x00) next = skipValue(bytes, next + 1, itemsEnd, depth + 1);
  const code = byteAt(bytes, next++, itemsEnd);
  for (let index = 0; index < count; index++) {
    if (depth >= maxDepth) throw new FrameError(`more than ${maxDepth} levels of nesting`);
    next = skipContent(bytes, next, itemsEnd, code, depth + 1);
  }
  if (next !== itemsEnd) throw new FrameError('an array whose size is not that of its items');
  return itemsEnd;
}

interface Measures {
  readonly itemsAt: number;
  readonly itemsEnd: number;
  readonly count: number;
}

function measures(bytes: Buffer, at: number, end: number, width: 1 | 4): Measures {
  const size = width === 1 ? byteAt(bytes, at, end) : uintAt(bytes, at, end);
  const itemsEnd = within(at + width + size, end);
  const count = width === 1 ? byteAt(bytes, at + 1, itemsEnd) : uintAt(bytes, at + 4, itemsEnd);
  // Items without content make arrays whose count no size limits; nobody sends more of them than bytes.
  if (count > size) throw new FrameError(`${count} items announced in ${size} bytes`);
  return { itemsAt: at + 2 * width, itemsEnd, count };
}

function within(offset: number, end: number): number {
  if (offset > end) throw new FrameError('a value that reaches past the end of its frame');
  return offset;
}

function byteAt(bytes: Buffer, at: number, end: number): number {
  within(at + 1, end);
  return bytes[at] ?? 0;
}

function uintAt(bytes: Buffer, at: number, end: number): number {
  within(at + 4, end);
  return bytes.readUInt32BE(at);
}
