import { expect } from 'chai';
import { describe, it } from 'mocha';
import { decodeMap, encodeMap } from '../codec/amqp010.js';
import { decodeBareMessage } from '../codec/amqp10-message.js';
import { recordedMessages } from '../codec/vectors.fixture.js';
import { DocumentWidget, WidgetResized } from '../testing/widgets.test.fixture.js';
import { integerOf, mapOf } from '../value/text.js';
import { sameValue, uint32, Uuid, type Value, type ValueMap } from '../value/value.js';
import { defineData, defineEvent } from './declare.js';
import { finalizeSchema } from './hash.js';
import type { Schema, SchemaShape } from './schema.js';
import { Severity } from './types.js';
import { schemaFromValue, schemaIdFromValue, schemaToValue } from './wire.js';

const shape = (kind: '_data' | '_event', packageName: string): SchemaShape => ({
  id: { packageName, className: 'c', kind },
  desc: '',
  defaultSeverity: Severity.NOTICE,
  properties: [],
  methods: [],
});
const hashOf = (schema: Schema): string => schema.id.hash.toString();
const str16 = (text: string): string => {
  const length = Buffer.byteLength(text).toString(16).padStart(4, '0');
  return `95${length}${Buffer.from(text).toString('hex')}`;
};
const key = (text: string): string =>
  text.length.toString(16).padStart(2, '0') + Buffer.from(text).toString('hex');
const u32 = (value: number): string => value.toString(16).padStart(8, '0');
/** The bytes of a map by the layout of §4.8, in key order as C++ writes it, from keys and encoded values. */
const mapHex = (entries: readonly (readonly [string, string])[]): string => {
  const content =
    u32(entries.length) +
    [...entries]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => key(name) + value)
      .join('');
  return u32(content.length / 2) + content;
};
const listHex = (items: readonly string[]): string => {
  const content = u32(items.length) + items.join('');
  return u32(content.length / 2) + content;
};

describe('schema hash (§4.7)', () => {
  it('of an empty data class', () => {
    expect(hashOf(finalizeSchema(shape('_data', 'p')))).to.equal('bdca5b5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a');
  });

  it('of an empty event class', () => {
    expect(hashOf(finalizeSchema(shape('_event', 'p')))).to.equal('bdca5c5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a');
  });

  it('of a package beyond ASCII, whose bytes are signed', () => {
    expect(hashOf(finalizeSchema(shape('_data', 'pé')))).to.equal('bd031dca-5b5a-5a5a-5a5a-5a5a5a5a5a5a');
  });

  it('of the worked Widget schema', () => {
    expect(hashOf(DocumentWidget.schema)).to.equal('c34c486b-5753-734b-8794-a8d6797f47ce');
  });

  it('of the WidgetResized event', () => {
    expect(hashOf(WidgetResized.schema)).to.equal('29392c24-518e-7696-8f33-c2c1c1c8162d');
  });

  it('leaves out the description and the default severity of the class', () => {
    const declaration = { package: 'com.example', name: 'E', properties: {} } as const;
    const plain = defineEvent({ ...declaration, severity: Severity.EMERG });
    const described = defineEvent({ ...declaration, severity: Severity.DEBUG, desc: 'something' });
    expect(hashOf(plain.schema)).to.equal(hashOf(described.schema));
  });

  it('depends on the order of properties', () => {
    const declare = (names: readonly string[]) =>
      defineData({
        package: 'p',
        name: 'c',
        properties: Object.fromEntries(names.map(name => [name, { type: 'int' }] as const)),
        methods: {},
      });
    expect(hashOf(declare(['a', 'b']).schema)).to.not.equal(hashOf(declare(['b', 'a']).schema));
  });

  it('equals the one that the C++ agent computed for every recorded schema', () => {
    const recorded = recordedMessages.filter(({ name }) => name.includes('_schema:'));
    expect(recorded).to.have.length(5);
    for (const { hex } of recorded) {
      const { body } = decodeBareMessage(Buffer.from(hex, 'hex'));
      const [item] = body.form === 'value' && Array.isArray(body.value) ? (body.value as Value[]) : [];
      const schema = schemaFromValue(item!);
      expect(hashOf(finalizeSchema(schema)), schema.id.className).to.equal(hashOf(schema));
    }
  });
});

describe('schema message (§4.4)', () => {
  const property = (entries: readonly (readonly [string, string])[]): string => `a8${mapHex(entries)}`;
  const widget = mapHex([
    [
      '_schema_id',
      property([
        ['_package_name', str16('com.example')],
        ['_class_name', str16('Widget')],
        ['_type', str16('_data')],
        ['_hash', '48c34c486b5753734b8794a8d6797f47ce'],
      ]),
    ],
    [
      '_properties',
      `a9${listHex([
        property([
          ['_name', str16('name')],
          ['_type', str16('TYPE_STRING')],
          ['_access', str16('RO')],
          ['_dir', str16('I')],
          ['_desc', str16('the name')],
          ['_index', '0801'],
        ]),
        property([
          ['_name', str16('count')],
          ['_type', str16('TYPE_INT')],
          ['_access', str16('RW')],
          ['_dir', str16('I')],
          ['_unit', str16('items')],
          ['_desc', str16('how many')],
          ['_optional', '0801'],
        ]),
        property([
          ['_name', str16('when')],
          ['_type', str16('TYPE_INT')],
          ['_access', str16('RO')],
          ['_dir', str16('I')],
          ['_subtype', str16('timestamp')],
        ]),
      ])}`,
    ],
    [
      '_methods',
      `a9${listHex([
        property([
          ['_name', str16('resize')],
          ['_desc', str16('change the count')],
          [
            '_arguments',
            `a9${listHex([
              property([
                ['_name', str16('to')],
                ['_type', str16('TYPE_INT')],
                ['_access', str16('RO')],
                ['_dir', str16('I')],
                ['_desc', str16('new count')],
              ]),
              property([
                ['_name', str16('from')],
                ['_type', str16('TYPE_INT')],
                ['_access', str16('RO')],
                ['_dir', str16('O')],
              ]),
              property([
                ['_name', str16('note')],
                ['_type', str16('TYPE_STRING')],
                ['_access', str16('RO')],
                ['_dir', str16('IO')],
              ]),
            ])}`,
          ],
        ]),
      ])}`,
    ],
  ]);

  it('of the worked Widget has these bytes in the 0-10 codec', () => {
    expect(encodeMap(schemaToValue(DocumentWidget.schema)).toString('hex')).to.equal(widget);
  });

  it('of these bytes is the worked Widget', () => {
    expect(schemaFromValue(decodeMap(Buffer.from(widget, 'hex')))).to.deep.equal(DocumentWidget.schema);
  });

  it('of the recorded C++ agent reads and writes back the same, but for severities that it left uninitialised', () => {
    for (const { hex, name } of recordedMessages.filter(message => message.name.includes('_schema:'))) {
      const { body } = decodeBareMessage(Buffer.from(hex, 'hex'));
      const items = body.form === 'value' && Array.isArray(body.value) ? (body.value as Value[]) : [];
      const recorded = new Map(mapOf(asText(items[0]!)));
      if ((integerOf(recorded.get('_default_severity')) ?? 0) > 7)
        recorded.set('_default_severity', uint32(5));
      expect(sameValue(schemaToValue(schemaFromValue(recorded)), recorded), name).to.equal(true);
    }
  });

  it('of an event has a default severity, and 0 survives (§9.32)', () => {
    const alarm = defineEvent({ package: 'p', name: 'Alarm', severity: Severity.EMERG, properties: {} });
    const map = schemaToValue(alarm.schema);
    expect(map.get('_default_severity')).to.deep.include({ type: 'uint32', value: 0 });
    expect(schemaFromValue(map).defaultSeverity).to.equal(Severity.EMERG);
  });

  const broken: readonly (readonly [string, (map: Map<string, Value>) => void])[] = [
    ['no _schema_id', map => map.delete('_schema_id')],
    ['_properties that is no list', map => map.set('_properties', 'x')],
    ['a property without a name', map => map.set('_properties', [new Map([['_type', 'TYPE_INT']])])],
    [
      'an unknown _type',
      map =>
        map.set('_properties', [
          new Map([
            ['_name', 'a'],
            ['_type', 'TYPE_constructor'],
          ]),
        ]),
    ],
    ['a method that is a number', map => map.set('_methods', [true])],
  ];
  for (const [what, damage] of broken) {
    it(`with ${what} is refused with a typed error`, () => {
      const map = new Map(schemaToValue(DocumentWidget.schema));
      damage(map);
      expect(() => schemaFromValue(map))
        .to.throw()
        .with.property('code', 'malformed_message');
    });
  }
});

describe('schema id (§4.2)', () => {
  it('§9.5 sends _hash as a uuid and refuses it as text', () => {
    const map = mapOf(schemaToValue(DocumentWidget.schema).get('_schema_id'))!;
    expect(map.get('_hash')).to.be.instanceOf(Uuid);
    const asString = new Map<string, Value>([...map, ['_hash', DocumentWidget.schema.id.hash.toString()]]);
    expect(() => schemaIdFromValue(asString)).to.throw('_hash must be a uuid');
  });

  it('§9.6 reads names that arrive as binary', () => {
    const id = schemaIdFromValue(
      new Map<string, Value>([
        ['_package_name', Buffer.from('com.example')],
        ['_class_name', Buffer.from('Widget')],
        ['_type', Buffer.from('_event')],
      ]),
    );
    expect(id).to.deep.equal({ packageName: 'com.example', className: 'Widget', kind: '_event' });
  });
});

/** What C++ sends with its binary strings read as text, as every reader does. */
function asText(value: Value): Value {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (Array.isArray(value)) return (value as readonly Value[]).map(asText);
  if (value instanceof Map) {
    return new Map([...(value as ValueMap)].map(([name, item]) => [name, asText(item)]));
  }
  return value;
}
