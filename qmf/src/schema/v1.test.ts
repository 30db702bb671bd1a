import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Uuid } from '../value/value.js';
import { DocumentWidget, WidgetResized } from '../testing/widgets.test.fixture.js';
import { defineData } from './declare.js';
import {
  decodeSchemaRequestV1,
  decodeSchemaResponseV1,
  encodeSchemaRequestV1,
  encodeSchemaResponseV1,
  isV1Frame,
  v1Opcode,
} from './v1.js';

const hash = 'c34c486b5753734b8794a8d6797f47ce';
const ascii = (text: string): string => Buffer.from(text).toString('hex');
const str8 = (text: string): string => text.length.toString(16).padStart(2, '0') + ascii(text);
const u32 = (value: number): string => value.toString(16).padStart(8, '0');
const str16 = (text: string): string => `95${text.length.toString(16).padStart(4, '0')}${ascii(text)}`;
const int32 = (value: number): string => `21${u32(value)}`;
const map = (entries: readonly (readonly [string, string])[]): string => {
  const content =
    u32(entries.length) +
    [...entries]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => str8(key) + value)
      .join('');
  return u32(content.length / 2) + content;
};

describe('QMFv1 schema frames (appendix A)', () => {
  const requestHex = `${ascii('AM2S')}0000002a${str8('com.example')}${str8('Widget')}${hash}`;

  it('§9.14 encodes a request as the Python console does', () => {
    const id = DocumentWidget.schema.id;
    const bytes = encodeSchemaRequestV1({ sequence: 42, ...id });
    expect(bytes.toString('hex')).to.equal(requestHex);
  });

  it('§9.14 decodes that request', () => {
    const bytes = Buffer.from(requestHex, 'hex');
    expect(isV1Frame(bytes)).to.equal(true);
    expect(v1Opcode(bytes)).to.equal('S');
    const request = decodeSchemaRequestV1(bytes);
    expect(request).to.deep.include({ sequence: 42, packageName: 'com.example', className: 'Widget' });
    expect(request.hash.toString()).to.equal('c34c486b-5753-734b-8794-a8d6797f47ce');
  });

  const dataHex =
    `${ascii('AM2s')}0000002a01${str8('com.example')}${str8('Widget')}${hash}` +
    '000300000001' +
    map([
      ['name', str16('name')],
      ['type', '0207'],
      ['desc', str16('the name')],
      ['access', int32(3)],
      ['index', int32(1)],
      ['optional', int32(0)],
    ]) +
    map([
      ['name', str16('count')],
      ['type', '0213'],
      ['unit', str16('items')],
      ['desc', str16('how many')],
      ['access', int32(2)],
      ['index', int32(0)],
      ['optional', int32(1)],
    ]) +
    map([
      ['name', str16('when')],
      ['type', '0208'],
      ['access', int32(3)],
      ['index', int32(0)],
      ['optional', int32(0)],
    ]) +
    map([
      ['name', str16('resize')],
      ['argCount', '320000000000000003'],
      ['desc', str16('change the count')],
    ]) +
    map([
      ['name', str16('to')],
      ['type', '0213'],
      ['desc', str16('new count')],
      ['dir', str16('I')],
    ]) +
    map([
      ['name', str16('from')],
      ['type', '0213'],
      ['dir', str16('O')],
    ]) +
    map([
      ['name', str16('note')],
      ['type', '0207'],
      ['dir', str16('IO')],
    ]);

  it('encodes the answer for a data class: counts, then a map for each part', () => {
    expect(encodeSchemaResponseV1(42, DocumentWidget.schema).toString('hex')).to.equal(dataHex);
  });

  it('decodes that answer to the same class', () => {
    expect(decodeSchemaResponseV1(Buffer.from(dataHex, 'hex'))).to.deep.equal({
      sequence: 42,
      schema: DocumentWidget.schema,
    });
  });

  const eventHex =
    `${ascii('AM2s')}0000000702${str8('com.example')}${str8('WidgetResized')}29392c24518e76968f33c2c1c1c8162d0002` +
    map([
      ['name', str16('name')],
      ['type', '0207'],
    ]) +
    map([
      ['name', str16('size')],
      ['type', '020d'],
    ]);

  it('encodes the answer for an event class, and decodes it', () => {
    expect(encodeSchemaResponseV1(7, WidgetResized.schema).toString('hex')).to.equal(eventHex);
    expect(decodeSchemaResponseV1(Buffer.from(eventHex, 'hex')).schema).to.deep.equal(WidgetResized.schema);
  });

  it("counts the broker's statistics among the properties, and reads its narrow types", () => {
    const hex =
      `${ascii('AM2s')}0000000101${str8('p')}${str8('c')}${hash}000100010000` +
      map([
        ['name', str16('id')],
        ['type', '0206'],
        ['access', '0201'],
        ['index', '0201'],
        ['optional', '0200'],
        ['maxlen', '120020'],
      ]) +
      map([
        ['name', str16('depth')],
        ['type', '0204'],
      ]);
    const { schema } = decodeSchemaResponseV1(Buffer.from(hex, 'hex'));
    expect(
      schema.properties.map(({ name, type, access, index }) => [name, type, access, index]),
    ).to.deep.equal([
      ['id', 'string', 'RC', true],
      ['depth', 'int', 'RO', false],
    ]);
  });

  it('maps every type there and back, but for void, which C++ writes as a number type', () => {
    const types = defineData({
      package: 'p',
      name: 'c',
      properties: {
        a: { type: 'bool' },
        b: { type: 'float' },
        c: { type: 'list' },
        d: { type: 'uuid' },
        e: { type: 'map' },
        f: { type: 'map', subtype: 'reference' },
        g: { type: 'map', subtype: 'data' },
        h: { type: 'int', subtype: 'duration' },
        i: { type: 'void' },
      },
      methods: {},
    });
    const read = decodeSchemaResponseV1(encodeSchemaResponseV1(1, types.schema)).schema.properties;
    expect(read.slice(0, 8)).to.deep.equal(types.schema.properties.slice(0, 8));
    expect(read[8]?.type).to.equal('int');
  });

  it('refuses each of its frames cut short with a typed error', () => {
    for (const [hex, decode] of [
      [requestHex, decodeSchemaRequestV1],
      [dataHex, decodeSchemaResponseV1],
      [eventHex, decodeSchemaResponseV1],
    ] as const) {
      const bytes = Buffer.from(hex, 'hex');
      for (let length = 4; length < bytes.length; length++) {
        expect(() => decode(bytes.subarray(0, length)), `cut at ${length}`)
          .to.throw()
          .with.property('code', 'malformed_message');
      }
    }
  });

  it('refuses counts that promise more than there is, without taking the memory for it', () => {
    const frame = `${ascii('AM2s')}0000000102${str8('p')}${str8('c')}${hash}ffff`;
    expect(() => decodeSchemaResponseV1(Buffer.from(frame, 'hex')))
      .to.throw()
      .with.property('code', 'malformed_message');
    const method = map([
      ['name', str16('m')],
      ['argCount', '3200000000ffffffff'],
    ]);
    const many = `${ascii('AM2s')}0000000101${str8('p')}${str8('c')}${hash}000000000001${method}`;
    expect(() => decodeSchemaResponseV1(Buffer.from(many, 'hex')))
      .to.throw()
      .with.property('code', 'malformed_message');
    const negative = map([
      ['name', str16('m')],
      ['argCount', '31ffffffffffffffff'],
    ]);
    const below = `${ascii('AM2s')}0000000101${str8('p')}${str8('c')}${hash}000000000001${negative}`;
    expect(() => decodeSchemaResponseV1(Buffer.from(below, 'hex')))
      .to.throw()
      .with.property('code', 'malformed_message');
  });

  it('takes no other bytes for a frame', () => {
    expect(isV1Frame(Buffer.from('AM2'))).to.equal(false);
    expect(isV1Frame(Buffer.from('AM1S0000'))).to.equal(false);
    expect(isV1Frame(new Uuid(Buffer.alloc(16)).bytes)).to.equal(false);
  });
});
