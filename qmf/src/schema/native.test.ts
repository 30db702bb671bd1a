import { expect } from 'chai';
import { describe, it } from 'mocha';
import { double, int64, type Value, uint64, Uuid } from '../value/value.js';
import { decodeNative, decodeValues, encodeNative } from './native.js';
import type { SchemaProperty } from './schema.js';

const property = (name: string, type: SchemaProperty['type']): SchemaProperty => ({
  name,
  type,
  access: 'RO',
  direction: 'I',
  index: false,
  optional: false,
  unit: '',
  desc: '',
  subtype: '',
});

describe('values by their schema', () => {
  it('keep every digit of 64-bit integers, both ways', () => {
    const big = uint64(18_446_744_073_709_551_615n);
    expect(decodeNative('int', big)).to.equal(18_446_744_073_709_551_615n);
    expect(encodeNative('int', decodeNative('int', big), 'x')).to.deep.equal(big);
    expect(decodeNative('int', int64(-5))).to.equal(-5);
  });

  it('come out by name, a uuid as one only where the schema says so', () => {
    const id = Uuid.parse('30313233-3435-3637-3839-616263646566');
    const values = new Map<string, Value>([
      ['id', id],
      ['text', id],
      ['ratio', double(3)],
      ['__proto__', 'harmless'],
      ['unknown', Buffer.from('text')],
    ]);
    const result = decodeValues(
      [property('id', 'uuid'), property('text', 'string'), property('ratio', 'float')],
      values,
    );
    expect(Object.entries(result)).to.deep.equal([
      ['id', id],
      ['text', '30313233-3435-3637-3839-616263646566'],
      ['ratio', 3],
      ['__proto__', 'harmless'],
      ['unknown', 'text'],
    ]);
    expect(Object.getPrototypeOf(result)).to.equal(Object.prototype);
  });

  it('are refused with the expected type when they do not fit', () => {
    expect(() => encodeNative('float', '3', 'argument ratio')).to.throw(
      'argument ratio: a string was given, FLOAT is expected',
    );
    expect(() => encodeNative('int', 1.5, 'argument n')).to.throw(
      'argument n: a number was given, INT is expected',
    );
  });
});
