import { isValueList, type Value, type ValueList } from '@imagefactory/qmf';
import { decodeBareMessage } from '@imagefactory/qmf/wire';

/** An AMQP frame that carries a performative (OASIS AMQP 1.0, part 2 §2.3). */
export interface Frame {
  readonly channel: number;
  /** Descriptor of the performative. */
  readonly code: number;
  readonly fields: ValueList;
  /** The bytes after the performative; of a transfer, a piece of a message. */
  readonly payload: Buffer;
}

/** Descriptors of performatives that a reader of messages needs (part 2 §2.7). */
export const performative = { attach: 0x12, transfer: 0x14, detach: 0x16, end: 0x17 } as const;

const headerLength = 8;
const protocolMark = Buffer.from('AMQP');
const amqpFrame = 0x00;

/** Cuts the bytes of one direction of a connection into frames. */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #length = 0;
  /** Bytes of the frame that comes, as far as that is known. */
  #size = headerLength;

  /** @throws Error for bytes that are no AMQP 1.0, as those of a TLS connection */
  read(bytes: Uint8Array): Frame[] {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    if (this.#length < this.#size) return [];
    const frames: Frame[] = [];
    let rest = Buffer.concat(this.#pieces);
    for (this.#size = sizeOf(rest); rest.length >= this.#size; this.#size = sizeOf(rest)) {
      const frame = frameOf(rest.subarray(0, this.#size));
      if (frame !== undefined) frames.push(frame);
      rest = rest.subarray(this.#size);
    }
    this.#pieces = [rest];
    this.#length = rest.length;
    return frames;
  }
}

/** Bytes of the protocol header or frame that begins here; of one whose size has not come, those with the size. */
function sizeOf(bytes: Buffer): number {
  if (bytes.length < headerLength || isHeader(bytes)) return headerLength;
  const size = bytes.readUInt32BE(0);
  if (size < headerLength) throw new Error(`an AMQP frame of ${size} bytes`);
  return size;
}

function isHeader(bytes: Buffer): boolean {
  return bytes.subarray(0, protocolMark.length).equals(protocolMark);
}

/** Protocol headers, frames of SASL and empty ones are left out. */
function frameOf(bytes: Buffer): Frame | undefined {
  if (isHeader(bytes)) return undefined;
  const body = bytes.subarray(bytes.readUInt8(4) * 4);
  if (bytes.readUInt8(5) !== amqpFrame || body.length === 0) return undefined;
  const { code, content } = describedAt(body);
  const end = content + valueLength(body, content);
  return {
    channel: bytes.readUInt16BE(6),
    code,
    fields: listOf(valueOf(body.subarray(content, end))),
    payload: Buffer.from(body.subarray(end)),
  };
}

/** The descriptor of a described value and where its content begins. */
export function describedAt(bytes: Buffer, at = 0): { readonly code: number; readonly content: number } {
  if (bytes.readUInt8(at) !== 0x00) throw new Error('a value without descriptor where one is expected');
  const type = bytes.readUInt8(at + 1);
  if (type === 0x53) return { code: bytes.readUInt8(at + 2), content: at + 3 };
  if (type === 0x80) return { code: Number(bytes.readBigUInt64BE(at + 2)), content: at + 10 };
  throw new Error(`a descriptor of type 0x${type.toString(16)}; small and full ulong are known here`);
}

/** Bytes of a list, map or binary with its constructor (part 1 §1.2). */
export function valueLength(bytes: Buffer, at: number): number {
  const type = bytes.readUInt8(at);
  if (type === 0x45) return 1;
  if ([0xa0, 0xc0, 0xc1].includes(type)) return 2 + bytes.readUInt8(at + 1);
  if ([0xb0, 0xd0, 0xd1].includes(type)) return 5 + bytes.readUInt32BE(at + 1);
  throw new Error(`a value of type 0x${type.toString(16)} where a list, map or binary is expected`);
}

const valueSection = Buffer.from([0x00, 0x53, 0x77]);

/** Reads one value by the codec of the project, as the body of a message. */
export function valueOf(bytes: Uint8Array): Value {
  const { body } = decodeBareMessage(Buffer.concat([valueSection, bytes]));
  return body.form === 'value' ? body.value : null;
}

export function listOf(value: Value | undefined): ValueList {
  return value !== undefined && isValueList(value) ? value : [];
}
