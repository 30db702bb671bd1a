import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { toValue } from '../value/convert.js';
import {
  double,
  Float,
  Int,
  int64,
  isValueList,
  isValueMap,
  sameValue,
  Uuid,
  uint32,
  uint64,
  type Value,
} from '../value/value.js';
import { decodeList, decodeMap, encodeList, encodeMap } from './amqp010.js';
import { arbitraryValueList, arbitraryValueMap } from './value.arbitrary.js';
import { mapVectors, vectorValue } from './vectors.fixture.js';

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** The one item of a list that was encoded elsewhere: code and bytes of the item are given. */
function decodeItem(item: string): Value {
  const bytes = bytesOf(item);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(bytes.length + 4, 0);
  head.writeUInt32BE(1, 4);
  const list = decodeList(Buffer.concat([head, bytes]));
  expect(list).to.have.length(1);
  return list[0] ?? null;
}

function encodeAny(value: Value): Buffer {
  if (isValueMap(value)) return encodeMap(value);
  if (isValueList(value)) return encodeList(value);
  throw new Error('a body is a map or a list');
}

function codeOfFailure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof QmfError ? error.code : `not a QmfError: ${String(error)}`;
  }
  return 'no error';
}

describe('AMQP 0-10 map and list codec', () => {
  for (const vector of mapVectors) {
    it(`agrees with the C++ library on ${vector.name}`, () => {
      const value = vectorValue(vector.value);
      const bytes = encodeAny(value);
      if (vector.hex === undefined) {
        expect(bytes.length).to.equal(vector.bytes);
        expect(bytes.toString('hex').startsWith(vector.prefixHex!)).to.equal(true);
      } else {
        expect(bytes.toString('hex')).to.equal(vector.hex);
      }
      const decoded = vector.contentType === 'amqp/map' ? decodeMap(bytes) : decodeList(bytes);
      expect(sameValue(decoded, value)).to.equal(true);
    });
  }

  const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');
  const knownGood: readonly [string, Value, string][] = [
    ['an empty map', new Map(), '00000004 00000000'],
    ['an empty list', [], '00000004 00000000'],
    ['a text entry', toValue({ _what: 'OBJECT' }), '00000013 00000001 05 5f77686174 95 0006 4f424a454354'],
    [
      'a binary entry',
      toValue({ _what: utf8('SCHEMA_ID') }),
      '00000016 00000001 05 5f77686174 90 0009 534348454d415f4944',
    ],
    [
      'a predicate',
      toValue(['eq', '_vendor', ['quote', 'example.com']]),
      '00000032 00000003 95 0002 6571 95 0007 5f76656e646f72 a9 0000001a 00000002 95 0005 71756f7465 95 000b 6578616d706c652e636f6d',
    ],
    [
      'a mixed map',
      toValue({ a: true, b: null, c: int64(-1), d: double(0.5), e: [int64(1), 'x'] }),
      '00000039 00000005 01 61 08 01 01 62 f0 01 63 31 ffffffffffffffff 01 64 33 3fe0000000000000 01 65 a9 00000011 00000002 31 0000000000000001 95 0001 78',
    ],
    [
      'a C++ class query',
      toValue({
        _schema_id: { _class_name: utf8('Widget'), _package_name: utf8('com.example'), _type: utf8('_data') },
        _what: utf8('OBJECT'),
      }),
      '00000066000000020a5f736368656d615f6964a800000043000000030b5f636c6173735f6e616d659000065769646765740d5f7061636b6167655f6e616d6590000b636f6d2e6578616d706c65055f747970659000055f64617461055f776861749000064f424a454354',
    ],
  ];
  for (const [what, value, hex] of knownGood) {
    it(`has the known bytes of ${what}`, () => {
      expect(encodeAny(value).equals(bytesOf(hex))).to.equal(true);
      const decoded = isValueMap(value) ? decodeMap(bytesOf(hex)) : decodeList(bytesOf(hex));
      expect(sameValue(decoded, value)).to.equal(true);
    });
  }

  const codes: readonly [string, Value][] = [
    ['00 7f', bytesOf('7f')],
    ['01 80', new Int('int8', -128)],
    ['02 ff', new Int('uint8', 255)],
    ['04 a4', '€'],
    ['08 00', false],
    ['08 01', true],
    ['10 0102', bytesOf('0102')],
    ['11 8000', new Int('int16', -32768)],
    ['12 ffff', new Int('uint16', 65535)],
    ['20 01020304', bytesOf('01020304')],
    ['21 80000000', new Int('int32', -2147483648)],
    ['22 ffffffff', uint32(4294967295)],
    ['23 3fc00000', new Float('float', 1.5)],
    ['27 0001f600', '😀'],
    ['30 0102030405060708', bytesOf('0102030405060708')],
    ['31 8000000000000000', int64(-(2n ** 63n))],
    ['31 ffe0000000000001', int64(Number.MIN_SAFE_INTEGER)],
    ['32 ffffffffffffffff', uint64(2n ** 64n - 1n)],
    ['32 001fffffffffffff', uint64(Number.MAX_SAFE_INTEGER)],
    ['33 c002000000000000', double(-2.25)],
    ['38 18e9e9f74eeab9b4', uint64(0x18e9e9f74eeab9b4n)],
    ['40 000102030405060708090a0b0c0d0e0f', bytesOf('000102030405060708090a0b0c0d0e0f')],
    ['48 000102030405060708090a0b0c0d0e0f', Uuid.parse('00010203-0405-0607-0809-0a0b0c0d0e0f')],
    [`50 ${'ab'.repeat(32)}`, Buffer.alloc(32, 0xab)],
    [`60 ${'ab'.repeat(64)}`, Buffer.alloc(64, 0xab)],
    [`70 ${'ab'.repeat(128)}`, Buffer.alloc(128, 0xab)],
    ['80 02 ff00', bytesOf('ff00')],
    ['84 03 61a4bd', 'a€œ'],
    ['85 03 e29c93', '✓'],
    ['86 04 006120ac', 'a€'],
    ['88 02 0102', bytesOf('0102')],
    ['90 0002 ff00', bytesOf('ff00')],
    ['94 0004 a6a8b4b8', 'ŠšŽž'],
    ['95 0003 e29c93', '✓'],
    ['96 0004 d83dde00', '😀'],
    ['a0 00000002 ff00', bytesOf('ff00')],
    ['a8 0000000b 00000001 0178 21 00000005', toValue({ x: 5 })],
    ['a8 00000000', new Map()],
    ['a9 00000006 00000002 f0f1', [null, null]],
    ['a9 00000000', []],
    ['aa 00000009 11 00000002 0001ffff', [new Int('int16', 1), new Int('int16', -1)]],
    ['aa 00000005 f0 00000003', [null, null, null]],
    ['aa 00000000', []],
    ['ab 00000003 010203', bytesOf('010203')],
    ['c0 0102030405', bytesOf('0102030405')],
    ['d0 010203040506070809', bytesOf('010203040506070809')],
    ['f0', null],
    ['f1', null],
    ['f7', null],
  ];
  for (const [item, value] of codes) {
    it(`reads code ${item.slice(0, 40)}`, () => {
      expect(sameValue(decodeItem(item), value)).to.equal(true);
    });
  }

  for (const item of [
    'b0 00',
    'e0 00',
    '85 02 c328',
    '86 03 006120',
    '27 00110000',
    '27 0000d800',
    'aa 00000004 11000000',
  ]) {
    it(`refuses ${item}`, () => {
      expect(codeOfFailure(() => decodeItem(item))).to.equal('malformed_message');
    });
  }

  it('refuses bytes after the end, and a body of the other kind', () => {
    expect(codeOfFailure(() => decodeMap(bytesOf('00000004 00000000 00')))).to.equal('malformed_message');
    expect(codeOfFailure(() => decodeMap(bytesOf('000000')))).to.equal('malformed_message');
    expect(codeOfFailure(() => decodeMap(encodeList(['a', 'b'])))).to.equal('malformed_message');
  });

  it('sends text beyond 65535 bytes as long binary', () => {
    const text = 'ä'.repeat(40_000);
    const [item] = decodeList(encodeList([text]));
    expect(item).to.be.instanceOf(Uint8Array);
    expect(Buffer.from(item as Uint8Array).toString('utf8')).to.equal(text);
  });

  it('keeps text of 65535 bytes as text', () => {
    const text = 'x'.repeat(65_535);
    expect(decodeList(encodeList([text]))).to.deep.equal([text]);
  });

  it('refuses keys beyond 255 bytes and more levels than readers take', () => {
    expect(codeOfFailure(() => encodeMap(new Map([['ä'.repeat(128), null]])))).to.equal('not_encodable');
    let deep: Value = [];
    for (let level = 1; level < 64; level++) deep = [deep];
    expect(sameValue(decodeList(encodeAny(deep)), deep)).to.equal(true);
    expect(codeOfFailure(() => encodeList([deep]))).to.equal('not_encodable');
    expect(encodeList([]).toString('hex')).to.equal('0000000400000000');
  });

  it('gives every map back', () => {
    fc.assert(fc.property(arbitraryValueMap, map => sameValue(decodeMap(encodeMap(map)), map)));
  });

  it('gives every list back', () => {
    fc.assert(fc.property(arbitraryValueList, list => sameValue(decodeList(encodeList(list)), list)));
  });
});
