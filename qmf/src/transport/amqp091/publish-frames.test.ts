import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { QmfError } from '../../errors.js';
import type { Value } from '../../value/value.js';
import type { Publication } from './envelopes.js';
import { encodeFieldTable } from './field-table.js';
import { publishFrames } from './publish-frames.js';

/** What amqplib encodes with. */
interface Definitions {
  readonly BasicPublish: number;
  readonly BasicProperties: number;
  encodeMethod(method: number, channel: number, fields: object): Buffer;
  encodeProperties(kind: number, channel: number, size: number, fields: object): Buffer;
}

const load = createRequire(import.meta.url);
const amqplib: unknown = load(join(dirname(load.resolve('amqplib')), 'lib', 'defs.js'));
const definitions = amqplib as Definitions; // it has no typings

const shortText = fc.string({ unit: 'grapheme', maxLength: 20 });
const optional = fc.option(shortText, { nil: undefined });
const headers = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 10 }).filter(name => !/^\d+$/.test(name)), // an object has those in another order
  fc.oneof(
    shortText,
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array().map(bytes => Buffer.from(bytes)),
  ),
  { noNullPrototype: true },
);
const names = [
  'contentType',
  'correlationId',
  'replyTo',
  'expiration',
  'messageId',
  'userId',
  'appId',
] as const;

const publication = (content: Buffer, table = new Map<string, Value>()): Publication => ({
  exchange: 'x',
  routingKey: 'k',
  mandatory: false,
  properties: { headers: encodeFieldTable(table) },
  content,
});

/** The payloads of frames by type, on a channel. */
function split(
  bytes: Buffer,
): { readonly type: number; readonly channel: number; readonly payload: Buffer }[] {
  const frames = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at + 3);
    expect(bytes[at + 7 + size]).to.equal(0xce);
    const payload = bytes.subarray(at + 7, at + 7 + size);
    frames.push({ type: bytes[at] ?? 0, channel: bytes.readUInt16BE(at + 1), payload });
    at += size + 8;
  }
  return frames;
}

describe('publishFrames', () => {
  it('makes the bytes that amqplib makes', () => {
    const texts = fc.record(Object.fromEntries(names.map(name => [name, optional])));
    fc.assert(
      fc.property(
        fc.record({ exchange: shortText, routingKey: shortText, mandatory: fc.boolean() }),
        texts,
        headers,
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.integer({ min: 1, max: 65535 }),
        (route, properties, table, bytes, channel) => {
          const content = Buffer.from(bytes);
          const ours = publishFrames(
            {
              ...route,
              content,
              properties: { ...properties, headers: encodeFieldTable(new Map(Object.entries(table))) },
            },
            channel,
            131_072,
          );
          const [method, header, body] = split(ours);
          const fields = { ...properties, headers: table, deliveryMode: 1 };
          const theirs = Buffer.concat([
            definitions.encodeMethod(definitions.BasicPublish, channel, route),
            definitions.encodeProperties(definitions.BasicProperties, channel, content.length, fields),
          ]);
          expect(ours.subarray(0, theirs.length).toString('hex')).to.equal(theirs.toString('hex'));
          expect([method?.type, header?.type]).to.deep.equal([1, 2]);
          expect(body).to.deep.equal({ type: 3, channel, payload: content });
        },
      ),
    );
  });

  it('cuts a body to the frames that were agreed on, and has none for no body', () => {
    const content = Buffer.from(Array.from({ length: 10_000 }, (_item, index) => index & 0xff));
    const bodies = split(publishFrames(publication(content), 1, 4_096)).slice(2);
    expect(bodies.map(({ payload }) => payload.length)).to.deep.equal([4_088, 4_088, 1_824]);
    expect(Buffer.concat(bodies.map(({ payload }) => payload)).equals(content)).to.equal(true);
    expect(split(publishFrames(publication(Buffer.alloc(0)), 1, 4_096))).to.have.length(2);
  });

  it("refuses headers that don't fit into a frame, and goes on", () => {
    // 30 bytes are around a header without a name and a text in it.
    const withText = (length: number) =>
      publication(Buffer.from('x'), new Map<string, Value>([['', 'x'.repeat(length)]]));
    const [, largest] = split(publishFrames(withText(4_096 - 33), 1, 4_096));
    expect(largest?.payload.length).to.equal(4_096 - 8);
    expect(() => publishFrames(withText(4_096 - 32), 1, 4_096))
      .to.throw(QmfError, /frames of 4096 bytes/)
      .with.property('code', 'not_encodable');
    expect(split(publishFrames(withText(1), 1, 4_096))).to.have.length(3);
  });
});
