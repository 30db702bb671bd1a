import { ByteWriter } from '../../codec/byte-writer.js';
import { QmfError } from '../../errors.js';
import { writeBasicProperties, writeShortString } from './basic-properties.js';
import type { Publication } from './envelopes.js';

/** Framing of AMQP 0-9-1 (§4.2.3): type, channel, size, payload, end mark. */
const METHOD_FRAME = 1;
const HEADER_FRAME = 2;
const BODY_FRAME = 3;
const FRAME_END = 0xce;
const FRAME_HEAD = 7;
const FRAME_OVERHEAD = FRAME_HEAD + 1;
const BASIC_CLASS = 60;
const BASIC_PUBLISH = 40;

const writer = new ByteWriter();

/**
 * The frames of `basic.publish`: the method, the content header, and the body in as many as it takes.
 *
 * @param frameLimit bytes of a whole frame
 * @throws QmfError `not_encodable` when the properties, which cannot be cut, don't fit into one frame
 */
export function publishFrames(publication: Publication, channel: number, frameLimit: number): Buffer {
  const { exchange, routingKey, mandatory, properties, content } = publication;
  // Encoding is synchronous, so that one writer serves all.
  writer.reset();
  beginFrame(METHOD_FRAME, channel);
  writer.u16(BASIC_CLASS);
  writer.u16(BASIC_PUBLISH);
  writer.u16(0); // reserved
  writeShortString(writer, exchange);
  writeShortString(writer, routingKey);
  writer.u8(mandatory ? 1 : 0);
  endFrame(0);
  const header = beginFrame(HEADER_FRAME, channel);
  writer.u16(BASIC_CLASS);
  writer.u16(0); // weight
  writer.u64(content.length);
  writeBasicProperties(writer, properties);
  endFrame(header);
  if (writer.length - header > frameLimit) {
    const text = `the headers do not fit into the broker's frames of ${frameLimit} bytes`;
    throw new QmfError('not_encodable', text);
  }
  const step = frameLimit - FRAME_OVERHEAD;
  for (let at = 0; at < content.length; at += step) {
    const body = beginFrame(BODY_FRAME, channel);
    writer.raw(content.length <= step ? content : content.subarray(at, at + step));
    endFrame(body);
  }
  return writer.finish();
}

/** Gives the offset at which the frame starts. */
function beginFrame(type: number, channel: number): number {
  const start = writer.length;
  writer.u8(type);
  writer.u16(channel);
  writer.u32(0); // its size, which is known at its end
  return start;
}

function endFrame(start: number): void {
  writer.patchU32(start + 3, writer.length - start - FRAME_HEAD);
  writer.u8(FRAME_END);
}
