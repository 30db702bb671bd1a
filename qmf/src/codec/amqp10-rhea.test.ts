import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import rhea from 'rhea';
import { Float, Int, isValueMap, sameValue, Uuid, type Value } from '../value/value.js';
import { decodeBareMessage, encodeBareMessage } from './amqp10-message.js';
import { arbitraryValue } from './value.arbitrary.js';
import { recordedMessages } from './vectors.fixture.js';

/** The parts of rhea's codec that serve as an independent opinion; its own typings have `any` in these places. */
interface RheaCodec {
  encode(message: Readonly<Record<string, unknown>>): Buffer;
  decode(bytes: Buffer): Readonly<Record<string, unknown>>;
}
const codec: RheaCodec = rhea.message;

const { types } = rhea;

function wrapInt({ type, value }: Int): unknown {
  switch (type) {
    case 'int8':
      return types.wrap_byte(value);
    case 'uint8':
      return types.wrap_ubyte(value);
    case 'int16':
      return types.wrap_short(value);
    case 'uint16':
      return types.wrap_ushort(value);
    case 'int32':
      return types.wrap_int(Number(value));
    case 'uint32':
      return types.wrap_uint(Number(value));
    case 'int64':
      return types.wrap_long(eightBytes(value));
    case 'uint64':
      return types.wrap_ulong(eightBytes(value));
  }
}

function eightBytes(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

/** A value as rhea wants it for sending. */
function toRhea(value: Value): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (value instanceof Int) return wrapInt(value);
  if (value instanceof Float) {
    return value.type === 'float' ? types.wrap_float(value.value) : types.wrap_double(value.value);
  }
  if (value instanceof Uuid) return types.wrap_uuid(Buffer.from(value.bytes));
  if (value instanceof Uint8Array) return types.wrap_binary(Buffer.from(value));
  if (isValueMap(value)) return new Map([...value].map(([key, item]) => [key, toRhea(item)]));
  return value.map(toRhea);
}

/** A value as rhea hands it over: 64 bits beyond its exact range as bytes, uuid as bytes. */
function fromRhea(value: Value): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (value instanceof Int) {
    const high = BigInt(value.value) >> 32n;
    const asBytes = high > 2097152n || high < -2097152n;
    return asBytes ? eightBytes(value.value) : Number(value.value);
  }
  if (value instanceof Float) return value.value;
  if (value instanceof Uuid) return Buffer.from(value.bytes);
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (isValueMap(value)) return Object.fromEntries([...value].map(([key, item]) => [key, fromRhea(item)]));
  return value.map(fromRhea);
}

/** rhea builds plain objects, which can't hold this key. */
function hasProtoKey(value: Value): boolean {
  if (isValueMap(value)) return value.has('__proto__') || [...value.values()].some(hasProtoKey);
  return Array.isArray(value) && (value as readonly Value[]).some(hasProtoKey); // the only array among values
}

const safeForRhea = arbitraryValue.filter(value => !hasProtoKey(value));

describe('AMQP 1.0 codec beside that of rhea', () => {
  it('reads what rhea writes', () => {
    fc.assert(
      fc.property(safeForRhea, value => {
        const bytes = codec.encode({ subject: 'x', correlation_id: '1', body: toRhea(value) });
        const message = decodeBareMessage(bytes);
        expect(message.subject).to.equal('x');
        expect(message.correlationId).to.equal('1');
        return message.body.form === 'value' && sameValue(message.body.value, value);
      }),
    );
  });

  it('writes what rhea reads', () => {
    fc.assert(
      fc.property(safeForRhea, value => {
        const bytes = encodeBareMessage({
          ttl: 5000,
          userId: 'me',
          to: 'node',
          replyTo: 'exchange/key',
          contentType: 'amqp/map',
          applicationProperties: new Map([['qmf.opcode', '_query_request']]),
          body: { form: 'value', value },
        });
        const message = codec.decode(bytes);
        expect(message.ttl).to.equal(5000);
        expect(message.user_id).to.deep.equal(Buffer.from('me'));
        expect(message.to).to.equal('node');
        expect(message.reply_to).to.equal('exchange/key');
        expect(message.content_type).to.equal('amqp/map');
        expect(message.application_properties).to.deep.equal({ 'qmf.opcode': '_query_request' });
        expect(message.body).to.deep.equal(fromRhea(value));
      }),
    );
  });

  it('writes data and sequence sections that rhea reads', () => {
    const bytes = Buffer.from([1, 2, 3]);
    const data = codec.decode(encodeBareMessage({ body: { form: 'data', bytes } }));
    expect(data.body).to.deep.include({ typecode: 0x75, content: bytes });
    const sequence = codec.decode(encodeBareMessage({ body: { form: 'sequence', list: ['a', true] } }));
    expect(sequence.body).to.deep.include({ typecode: 0x76, content: ['a', true] });
  });

  it('agrees with rhea on the body of every recorded message', () => {
    for (const { hex } of recordedMessages) {
      const bytes = Buffer.from(hex, 'hex');
      const { body } = decodeBareMessage(bytes);
      expect(body.form).to.equal('value');
      if (body.form === 'value') expect(fromRhea(body.value)).to.deep.equal(codec.decode(bytes).body);
    }
  });
});
