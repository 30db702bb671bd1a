import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { decodeList, decodeMap } from './amqp010.js';
import { decodeBareMessage } from './amqp10-message.js';
import { mapVectors, recordedMessages } from './vectors.fixture.js';

type Decode = (bytes: Buffer) => unknown;

/** Decodes, or fails the way hostile input may; anything else is a failed test. */
function survives(decode: Decode, bytes: Buffer): 'decoded' | 'refused' {
  try {
    decode(bytes);
    return 'decoded';
  } catch (error) {
    if (error instanceof QmfError && error.code === 'malformed_message') return 'refused';
    throw new Error(`${bytes.toString('hex').slice(0, 2000)} ended in ${String(error)}`, { cause: error });
  }
}

/** Every byte in turn becomes every other value of a stride that visits the whole range. */
function changeEachByte(decode: Decode, original: Buffer, stride: number): void {
  const bytes = Buffer.from(original);
  for (let at = 0; at < bytes.length; at++) {
    const kept = original[at]!;
    for (let value = at % stride; value < 256; value += stride) {
      bytes[at] = value;
      survives(decode, bytes);
    }
    bytes[at] = kept;
  }
}

function cutEverywhere(decode: Decode, original: Buffer): void {
  for (let length = 0; length < original.length; length++) survives(decode, original.subarray(0, length));
}

const inputs: readonly (readonly [string, Decode, Buffer])[] = [
  ...mapVectors.flatMap(({ name, contentType, hex }) =>
    hex === undefined
      ? []
      : [[name, contentType === 'amqp/map' ? decodeMap : decodeList, Buffer.from(hex, 'hex')] as const],
  ),
  ...recordedMessages.map(({ name, hex }) => [name, decodeBareMessage, Buffer.from(hex, 'hex')] as const),
];

function repeated(hex: string, times: number, tail = ''): Buffer {
  return Buffer.from(hex.repeat(times) + tail, 'hex');
}

/** Lists inside lists of AMQP 0-10, each with its true size. */
function nestedLists(levels: number): Buffer {
  let bytes = Buffer.from('0000000400000000', 'hex');
  for (let level = 1; level < levels; level++) {
    const head = Buffer.alloc(9);
    head.writeUInt32BE(bytes.length + 5, 0);
    head.writeUInt32BE(1, 4);
    head[8] = 0xa9;
    bytes = Buffer.concat([head, bytes]);
  }
  return bytes;
}

describe('hostile input', () => {
  it('changes each byte of every vector', () => {
    for (const [, decode, bytes] of inputs) changeEachByte(decode, bytes, bytes.length < 150 ? 1 : 31);
  });

  it('cuts every vector at each length', () => {
    for (const [, decode, bytes] of inputs) cutEverywhere(decode, bytes);
  });

  it('makes nothing of random bytes', () => {
    for (const decode of [decodeMap, decodeList, decodeBareMessage]) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
          survives(decode, Buffer.from(bytes));
        }),
        { numRuns: 1000 },
      );
    }
  });

  it('makes nothing of random bytes behind a section', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0x70, 0x73, 0x74, 0x75, 0x76, 0x77),
        fc.uint8Array({ maxLength: 100 }),
        (code, bytes) => {
          survives(decodeBareMessage, Buffer.from([0x00, 0x53, code, ...bytes]));
        },
      ),
      { numRuns: 3000 },
    );
  });

  const bombs: readonly (readonly [string, Decode, Buffer])[] = [
    ['2^32 items without width', decodeList, Buffer.from('0000000e00000001aa00000005f0ffffffff', 'hex')],
    ['a map of 2^32 entries', decodeMap, Buffer.from('00000004ffffffff', 'hex')],
    ['a list of 2^32 items', decodeList, Buffer.from('00000004ffffffff', 'hex')],
    ['a string of 4 GiB', decodeList, Buffer.from('0000000900000001a0ffffffff', 'hex')],
    ['65 nested lists', decodeList, nestedLists(65)],
    ['10000 nested lists', decodeList, nestedLists(10_000)],
    ['2^32 nulls in an array', decodeBareMessage, Buffer.from('005377f000000005ffffffff40', 'hex')],
    ['many arrays of 65000 nulls', decodeBareMessage, arraysOfNulls(1000)],
    [
      'arrays of arrays of nulls',
      decodeBareMessage,
      Buffer.from('005377f00000000a0000ffffe00100ffffff40', 'hex'),
    ],
    ['a tower of descriptors', decodeBareMessage, repeated('00', 100_000)],
    ['a tower of described values', decodeBareMessage, repeated('005300', 100_000, '40')],
    ['lists that claim to fill the rest', decodeBareMessage, repeated('005377d0ffffffff', 10_000)],
    [
      'an array of described towers',
      decodeBareMessage,
      Buffer.from(`005377e0ff02${'0053'.repeat(100)}`, 'hex'),
    ],
  ];
  for (const [what, decode, bytes] of bombs) {
    it(`refuses ${what} without paying for it`, () => {
      const before = process.memoryUsage().heapUsed;
      expect(survives(decode, bytes)).to.equal('refused');
      expect(process.memoryUsage().heapUsed - before).to.be.lessThan(64 << 20);
    });
  }

  it('reads 64 levels, which is more than any peer sends', () => {
    expect(survives(decodeList, nestedLists(64))).to.equal('decoded');
  });

  it('joins many small sections in time that grows with the message', () => {
    const data = decodeBareMessage(repeated('005375a00141', 100_000));
    expect(data.body.form === 'data' && data.body.bytes.length).to.equal(100_000);
    const sequence = decodeBareMessage(repeated('005376c0020141', 100_000));
    expect(sequence.body.form === 'sequence' && sequence.body.list.length).to.equal(100_000);
  });
});

/** A list of arrays, each of 10 bytes that stand for 65000 nulls. */
function arraysOfNulls(count: number): Buffer {
  const arrays = Buffer.from(`f0000000050000fde840`.repeat(count), 'hex');
  const head = Buffer.from('005377d00000000000000000', 'hex');
  head.writeUInt32BE(arrays.length + 4, 4);
  head.writeUInt32BE(count, 8);
  return Buffer.concat([head, arrays]);
}
