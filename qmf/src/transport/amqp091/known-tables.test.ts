import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ByteReader } from '../../codec/byte-reader.js';
import { QmfError } from '../../errors.js';
import type { Value, ValueMap } from '../../value/value.js';
import { encodeFieldTable } from './field-table.js';
import { readKnownTable } from './known-tables.js';

const read = (bytes: Buffer): ValueMap => readKnownTable(new ByteReader(bytes));
const table = (...entries: [string, Value][]): Buffer => encodeFieldTable(new Map(entries));

describe('readKnownTable', () => {
  it('gives a table that came before again, wherever it stands', () => {
    const bytes = table(['qmf.opcode', '_data_indication']);
    const map = read(bytes);
    const reader = new ByteReader(Buffer.concat([Buffer.from([7]), bytes, Buffer.from([8])]));
    reader.u8();
    expect(readKnownTable(reader)).to.equal(map);
    expect(reader.u8()).to.equal(8);
  });

  it('takes none for another of the same length, nor for its own input overwritten', () => {
    const bytes = table(['a', 'x']);
    expect(read(bytes)).to.deep.equal(new Map([['a', 'x']]));
    bytes.write('y', bytes.length - 1);
    expect(read(bytes)).to.deep.equal(new Map([['a', 'y']]));
    expect(read(table(['a', 'x']))).to.deep.equal(new Map([['a', 'x']]));
  });

  it('reads long ones each time', () => {
    const bytes = table(['a', 'x'.repeat(2_000)]);
    const map = read(bytes);
    expect(read(bytes)).to.not.equal(map);
    expect(read(bytes)).to.deep.equal(map);
  });

  it('refuses what is malformed, also the second time', () => {
    const good = table(['a', 'x'], ['b', null]);
    const bad = Buffer.from(good);
    bad[bad.length - 1] = 0xff;
    for (const bytes of [bad, bad, good.subarray(0, good.length - 1), Buffer.alloc(3)]) {
      expect(() => read(bytes))
        .to.throw(QmfError)
        .with.property('code', 'malformed_message');
    }
    expect(read(good).size).to.equal(2);
  });
});
