import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  decodeBareMessage,
  encodeApplicationProperties,
  encodeBareMessage,
} from '../../codec/amqp10-message.js';
import { decodeList, decodeMap, encodeMap } from '../../codec/amqp010.js';
import { ByteReader } from '../../codec/byte-reader.js';
import { ByteWriter } from '../../codec/byte-writer.js';
import { QmfError } from '../../errors.js';
import type { Envelope } from '../../message/envelope.js';
import { headersFor } from '../../message/headers.js';
import { unknownUserIds } from '../../message/user-ids.js';
import {
  double,
  Float,
  Int,
  int32,
  int64,
  uint64,
  Uuid,
  type Value,
  type ValueMap,
} from '../../value/value.js';
import { type OutgoingProperties, readBasicProperties, writeBasicProperties } from './basic-properties.js';
import { toEnvelope, toPublication as publicationFor } from './envelopes.js';
import { encodeFieldTable, readFieldTable } from './field-table.js';
import { replyAddress } from './reply-address.js';

const manners = {
  expiration: 'duration',
  headerSection: false,
  marksOrigin: false,
  userIds: unknownUserIds,
} as const;
const toPublication = (envelope: Envelope) => publicationFor(envelope, manners);
const count: ValueMap = new Map([['count', int32(1)]]);
const plain: Envelope = {
  to: { node: 'qmf.default.topic', subject: 'agent.ind.event' },
  headers: new Map<string, Value>([
    ['x-amqp-0-10.app-id', 'qmf2'],
    ['partial', null],
  ]),
  contentType: 'amqp/map',
  body: { form: 'data', bytes: encodeMap(count) },
};

const readTable = (bytes: Buffer): ValueMap => readFieldTable(new ByteReader(bytes));

describe('toPublication', () => {
  it('maps the envelope as the wire document says', () => {
    const { exchange, routingKey, mandatory, content, properties } = toPublication({
      ...plain,
      replyTo: { node: 'qmf.default.topic', subject: 'direct-console.x' },
      correlationId: '1',
      messageId: 'm',
      userId: 'somebody',
      ttl: 1_999.6,
    });
    expect([exchange, routingKey, mandatory]).to.deep.equal(['qmf.default.topic', 'agent.ind.event', false]);
    expect(decodeMap(content)).to.deep.equal(count);
    const { headers, ...rest } = properties;
    expect(readTable(headers)).to.deep.equal(
      new Map<string, Value>([...plain.headers, ['qpid.subject', 'agent.ind.event']]),
    );
    expect(rest).to.deep.equal({
      contentType: 'amqp/map',
      appId: 'qmf2',
      correlationId: '1',
      messageId: 'm',
      userId: 'somebody',
      replyTo: 'qmf.default.topic/direct-console.x',
      expiration: '2000',
    });
  });

  it('says no time to live where that would be a time of day', () => {
    const { properties } = publicationFor({ ...plain, ttl: 1_000 }, { ...manners, expiration: 'time' });
    expect(properties).not.to.have.property('expiration');
  });

  it('says the headers once more where AMQP 1.0 sees no others', () => {
    const { properties } = publicationFor(plain, { ...manners, headerSection: true });
    const section = readTable(properties.headers).get('x-amqp-1.0-app-properties');
    expect(decodeBareMessage(section as Buffer).applicationProperties).to.deep.equal(plain.headers);
  });

  it('sends to a queue by the default exchange, and wants to hear of it when there is none', () => {
    const { exchange, routingKey, mandatory } = toPublication({ ...plain, to: { node: 'amq.gen-1' } });
    expect([exchange, routingKey, mandatory]).to.deep.equal(['', 'amq.gen-1', true]);
  });

  it('encodes the headers of a session once, and those again that their owner may have changed', () => {
    const encoded = (headers: ValueMap): Buffer => toPublication({ ...plain, headers }).properties.headers;
    const headers = headersFor('_data_indication', { agent: 'a', content: '_event' });
    expect(encoded(headers)).to.equal(encoded(headers));
    const own = new Map<string, Value>([['part', 'first']]);
    encoded(own);
    own.set('part', 'second');
    expect(readTable(encoded(own)).get('part')).to.equal('second');
  });

  it('encodes bodies of any form for 0-10', () => {
    const bare = { to: plain.to, headers: plain.headers };
    const map = toPublication({ ...bare, body: { form: 'value', value: count } });
    expect([map.properties.contentType, decodeMap(map.content)]).to.deep.equal(['amqp/map', count]);
    for (const body of [
      { form: 'value', value: [int32(1)] },
      { form: 'value', value: int32(1) },
      { form: 'sequence', list: [int32(1)] },
    ] as const) {
      const list = toPublication({ ...bare, body });
      expect([list.properties.contentType, decodeList(list.content)]).to.deep.equal([
        'amqp/list',
        [int32(1)],
      ]);
    }
    const contents = (['tä', null, Buffer.from([7])] as const).map(value =>
      toPublication({ ...bare, body: { form: 'value', value } }).content.toString('hex'),
    );
    expect(contents).to.deep.equal(['74c3a4', '', '07']);
    expect(toPublication({ ...bare, body: { form: 'none' } }).content).to.have.length(0);
  });

  it('refuses what a short string cannot hold', () => {
    const long = 'ä'.repeat(128);
    for (const envelope of [
      { ...plain, to: { node: 'x', subject: long } },
      { ...plain, to: { node: long, subject: 'x' } },
      { ...plain, correlationId: long },
      { ...plain, correlationId: Buffer.from([255]) },
      { ...plain, messageId: long },
      { ...plain, contentType: long },
      { ...plain, replyTo: { node: long } },
    ]) {
      expect(() => toPublication(envelope))
        .to.throw(QmfError)
        .with.property('code', 'not_encodable');
    }
  });

  it('writes ids of other types as text', () => {
    const ids = [int64(5), uint64(18446744073709551615n), Buffer.from('abc')].map(
      correlationId => toPublication({ ...plain, correlationId }).properties.correlationId,
    );
    expect(ids).to.deep.equal(['5', '18446744073709551615', 'abc']);
  });
});

describe('field tables', () => {
  it('are written with the types that a field can have, and else as text', () => {
    const uuid = Uuid.parse('01234567-89ab-cdef-0123-456789abcdef');
    const kept = new Map<string, Value>([
      ['__proto__', 'tä'],
      ['bytes', Buffer.from([0, 255])],
      ['nothing', null],
      ['yes', true],
      ['no', false],
      ['int8', new Int('int8', -1)],
      ['uint8', new Int('uint8', 255)],
      ['int16', new Int('int16', -2)],
      ['uint16', new Int('uint16', 65535)],
      ['int32', int32(-3)],
      ['uint32', new Int('uint32', 4294967295)],
      ['int64', int64(-9223372036854775808n)],
      ['float', new Float('float', 0.5)],
      ['double', double(-0.1)],
      ['list', [null, [int32(1)], new Map([['!', 'int8']])]],
      ['map', new Map<string, Value>([['a', new Map()]])],
    ]);
    const changed = new Map<string, Value>([
      ['uuid', uuid],
      ['small', uint64(5)],
      ['large', uint64(9223372036854775808n)],
    ]);
    expect(readTable(encodeFieldTable(new Map([...kept, ...changed])))).to.deep.equal(
      new Map<string, Value>([
        ...kept,
        ['uuid', uuid.toString()],
        ['small', int64(5)],
        ['large', '9223372036854775808'],
      ]),
    );
    expect(() => encodeFieldTable(new Map([['ä'.repeat(128), 'x']])))
      .to.throw(QmfError)
      .with.property('code', 'not_encodable');
  });

  const read = (hex: string): Value | undefined => {
    const field = Buffer.concat([Buffer.from([1, 0x6b]), Buffer.from(hex, 'hex')]);
    const size = Buffer.from([0, 0, 0, field.length]);
    return readFieldTable(new ByteReader(Buffer.concat([size, field]))).get('k');
  };

  it('are read with all types that brokers write', () => {
    expect(read('7401')).to.equal(true);
    expect(read('62ff')).to.deep.equal(new Int('int8', -1));
    expect(read('42ff')).to.deep.equal(new Int('uint8', 255));
    expect(read('73ffff')).to.deep.equal(new Int('int16', -1));
    expect(read('75ffff')).to.deep.equal(new Int('uint16', 65535));
    expect(read('49ffffffff')).to.deep.equal(int32(-1));
    expect(read('69ffffffff')).to.deep.equal(new Int('uint32', 4294967295));
    expect(read('6c8000000000000001')).to.deep.equal(int64(-9223372036854775807n));
    expect(read('4cffffffffffffffff')).to.deep.equal(uint64(18446744073709551615n));
    expect(read('540000000000000005')).to.deep.equal(uint64(5));
    expect(read('663f000000')).to.deep.equal(new Float('float', 0.5));
    expect(read('643fe0000000000000')).to.deep.equal(double(0.5));
    expect(read('4402000000fa')).to.deep.equal(double(2.5));
    expect(read('530000000178')).to.equal('x');
    expect(read('5300000001ff')).to.deep.equal(Buffer.from([255]));
    expect(read('780000000178')).to.deep.equal(Buffer.from('x'));
    expect(read('4100000003567401')).to.deep.equal([null, true]);
    expect(read('46000000030161' + '56')).to.deep.equal(new Map([['a', null]]));
  });
});

describe('toEnvelope', () => {
  const deliver = (properties: string, content: Buffer = Buffer.alloc(0)): Envelope =>
    toEnvelope(
      { exchange: 'e', routingKey: 'k', properties: Buffer.from(properties, 'hex'), content },
      manners,
    );

  it('refuses a header that is given twice, at any depth, also when the same bytes come again', () => {
    const block = (hex: string): string => (hex.length / 2).toString(16).padStart(8, '0') + hex;
    const field = (name: string, value: string): string =>
      Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name)]).toString('hex') + value;
    const value = fc.constantFrom('56', '7401', '530000000161', '780000000161');
    const name = fc.constantFrom('a', 'b', 'qmf.opcode', 'User', 'user', 'ä');
    const fields = fc.array(fc.tuple(name, value), { maxLength: 4 });
    fc.assert(
      fc.property(fields, drawn => {
        const table = block(drawn.map(([key, held]) => field(key, held)).join(''));
        const isGivenTwice = new Set(drawn.map(([key]) => key)).size < drawn.length;
        for (const headers of [
          table,
          block(field('outer', `46${table}`)),
          block(field('outer', `41${block(`5646${table}`)}`)),
        ]) {
          for (const time of ['first', 'second']) {
            const read = (): Envelope => deliver(`2000${headers}`);
            if (isGivenTwice)
              expect(read, `${time}: ${headers}`)
                .to.throw(QmfError)
                .with.property('code', 'malformed_message');
            else expect(read, `${time}: ${headers}`).not.to.throw();
          }
        }
      }),
    );
  });

  it('reads a message without properties and body', () => {
    expect(deliver('0000')).to.deep.equal({
      to: { node: 'e', subject: 'k' },
      headers: new Map(),
      body: { form: 'none' },
      userIds: unknownUserIds,
    });
  });

  it('reads a value that RabbitMQ passes on from AMQP 1.0', () => {
    const content = encodeBareMessage({ body: { form: 'value', value: count } });
    const type = `0020${Buffer.from('\x08amqp-1.0').toString('hex')}`;
    expect(deliver(type, content).body).to.deep.equal({ form: 'value', value: count });
  });

  it('reads application properties that RabbitMQ 3 passes on from AMQP 1.0', () => {
    const applicationProperties = new Map<string, Value>([['qmf.opcode', '_exception']]);
    const tableOf = (section: Buffer): Buffer => {
      const name = Buffer.from('x-amqp-1.0-app-properties');
      const field = Buffer.concat([
        Buffer.from([name.length]),
        name,
        Buffer.from([0x78, 0, 0, 0, section.length]),
        section,
      ]);
      return Buffer.concat([Buffer.from([0x20, 0, 0, 0, 0, field.length]), field]);
    };
    const section = encodeApplicationProperties(applicationProperties);
    const table = tableOf(section);
    expect(deliver(table.toString('hex')).headers.get('qmf.opcode')).to.equal('_exception');
    const hostile = Buffer.from(table);
    hostile[hostile.length - 3] = 0xff;
    // Other sections beside it, by which a sender would pass for another user at a reader that takes them.
    const properties = encodeBareMessage({ userId: 'root', body: { form: 'none' } }).subarray(0, -4);
    for (const bytes of [
      hostile,
      tableOf(Buffer.concat([section, properties])),
      tableOf(Buffer.concat([properties, section])),
      tableOf(Buffer.concat([section, section])),
    ]) {
      expect(() => deliver(bytes.toString('hex')))
        .to.throw(QmfError)
        .with.property('code', 'malformed_message');
    }
  });

  it('believes a user id where messages of AMQP 1.0 may come only beside a cluster id', () => {
    const vouched = { kind: 'vouched' } as const;
    const read = (properties: OutgoingProperties, marksOrigin: boolean): Envelope => {
      const writer = new ByteWriter();
      writeBasicProperties(writer, properties);
      const delivery = {
        exchange: 'e',
        routingKey: 'k',
        properties: writer.finish(),
        content: Buffer.alloc(0),
      };
      return toEnvelope(delivery, { ...manners, marksOrigin, userIds: vouched });
    };
    const sent = (marksOrigin: boolean) =>
      publicationFor({ ...plain, userId: 'anna' }, { ...manners, marksOrigin }).properties;
    expect(read(sent(true), true)).to.include({ userId: 'anna', userIds: vouched });
    expect(read(sent(false), false)).to.include({ userId: 'anna', userIds: vouched });
    expect(read(sent(false), true).userIds).to.include({ kind: 'forgeable-by-translation' });
  });

  it('refuses a value passed on from AMQP 1.0 with other sections than a body', () => {
    const content = encodeBareMessage({ userId: 'root', body: { form: 'value', value: count } });
    const type = `0020${Buffer.from('\x08amqp-1.0').toString('hex')}`;
    expect(() => deliver(type, content))
      .to.throw(QmfError)
      .with.property('code', 'malformed_message');
  });

  it('gives a message or a typed error for any bytes', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.constantFrom(0x2000, 0xffff, 0xfffc, 0x8000, 0x0420), fc.uint8Array({ maxLength: 80 })),
        ([flags, bytes]) => {
          const properties = Buffer.concat([Buffer.from([flags >> 8, flags & 255]), bytes]);
          try {
            readBasicProperties(properties);
            toEnvelope({ exchange: 'e', routingKey: 'k', properties, content: Buffer.from(bytes) }, manners);
          } catch (error) {
            if (!(error instanceof QmfError)) throw error;
            expect(error.code).to.equal('malformed_message');
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('replyAddress', () => {
  for (const [text, address] of [
    ['qmf.default.topic/direct-console.x', { node: 'qmf.default.topic', subject: 'direct-console.x' }],
    ['amq.gen-1', { node: 'amq.gen-1' }],
    [
      "topic://qmf.default.topic//?routingkey='direct-console.x'",
      { node: 'qmf.default.topic', subject: 'direct-console.x' },
    ],
    [
      "direct://amq.direct//q?durable='true'&routingkey='reply%2E1'",
      { node: 'amq.direct', subject: 'reply.1' },
    ],
    ["direct://amq.direct/key/?bindingkey='b'", { node: 'amq.direct', subject: 'b' }],
    ['direct:////queue-1', { node: 'queue-1' }],
    ["direct:////?routingkey='queue-1'", { node: 'queue-1' }],
    ['direct://amq.direct/key/', { node: 'amq.direct', subject: 'key' }],
    ['topic://%zz//q', { node: '%zz', subject: 'q' }],
  ] as const) {
    it(`reads ${text}`, () => expect(replyAddress(text)).to.deep.equal(address));
  }
});
