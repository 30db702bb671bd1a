import type { ChannelModel } from 'amqplib';

/** What a content header carries after its size: property flags and property list, as they came. */
export class UndecodedProperties {
  constructor(readonly bytes: Buffer) {}
}

/** The one internal of amqplib that we rely on: where a connection takes frames off its input. */
interface FrameInput {
  /** Bytes received and not yet used. */
  rest: Buffer;
  recvFrame(): unknown;
}

/** Framing of AMQP 0-9-1 (§4.2.3): type, channel, size, payload, end mark. */
const FRAME_HEAD = 7;
const HEADER_FRAME = 2;
const FRAME_END = 0xce;
/** A content header's own fields before the property flags: class, weight, body size. */
const CONTENT_HEAD = 12;
const BASIC_CLASS = 60;

/**
 * Makes a connection hand out message properties as bytes: `properties` of its messages are then {@link UndecodedProperties}.
 *
 * amqplib's own decoder loses the digits of 64-bit integers and the widths of the others, and one field of a type that it does
 * not know costs the connection.
 */
export function leaveHeadersUndecoded(model: ChannelModel): void {
  // Not in amqplib's typings; lib/connection.js of amqplib 2.3 has both.
  const input = model.connection as unknown as FrameInput;
  if (!Buffer.isBuffer(input.rest) || typeof input.recvFrame !== 'function') {
    throw new Error('this version of amqplib is not one that the 0-9-1 transport can work with');
  }
  const original = input.recvFrame.bind(input);
  input.recvFrame = () => takeContentHeader(input) ?? original();
}

/** A whole content header at the front of the input, in the form of amqplib's decoded frames. */
function takeContentHeader(input: FrameInput): object | undefined {
  const { rest } = input;
  if (rest.length < FRAME_HEAD || rest[0] !== HEADER_FRAME) return undefined;
  const size = rest.readUInt32BE(3);
  const end = FRAME_HEAD + size;
  // What is incomplete or wrong is amqplib's to wait for or to complain of.
  if (size < CONTENT_HEAD || rest.length <= end || rest[end] !== FRAME_END) return undefined;
  if (rest.readUInt16BE(FRAME_HEAD) !== BASIC_CLASS) return undefined;
  input.rest = rest.subarray(end + 1);
  return {
    id: BASIC_CLASS,
    channel: rest.readUInt16BE(1),
    size: Number(rest.readBigUInt64BE(FRAME_HEAD + 4)),
    fields: new UndecodedProperties(rest.subarray(FRAME_HEAD + CONTENT_HEAD, end)),
  };
}
