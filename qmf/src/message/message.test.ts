import { expect } from 'chai';
import { describe, it } from 'mocha';
import { encodeList, encodeMap } from '../codec/amqp010.js';
import { type BareMessage, decodeBareMessage } from '../codec/amqp10-message.js';
import { recordedMessages } from '../codec/vectors.fixture.js';
import { addressFromValue } from '../data/data-address.js';
import {
  dataItemFromValue,
  dataItemToValue,
  eventItemFromValue,
  eventItemToValue,
} from '../data/data-item.js';
import { QmfError } from '../errors.js';
import { schemaFromValue, schemaIdFromValue, schemaIdToValue, schemaToValue } from '../schema/wire.js';
import { integerOf, mapOf, textOf } from '../value/text.js';
import { int32, sameValue, uint32, Uuid, type Value, type ValueList, type ValueMap } from '../value/value.js';
import { agentInfoFromValue, stableAttributes, volatileAttributes } from './agent-info.js';
import { agentNameFromText } from './agent-name.js';
import { exceptionToError, exceptionToValue } from './exception.js';
import { agentOf, contentKindOf, headersFor, isPartial, type Opcode, opcodeOf } from './headers.js';
import {
  methodRequestFromValue,
  methodRequestToValue,
  methodResponseFromValue,
  methodResponseToValue,
} from './method.js';
import { queryFromValue, queryToValue } from './query.js';
import {
  subscribeRequestFromValue,
  subscribeRequestToValue,
  subscribeResponseFromValue,
  subscribeResponseToValue,
} from './subscribe.js';

/** With the strings that C++ sends as binary read as text. */
function asText(value: Value): Value {
  if (value instanceof Uint8Array) return textOf(value) ?? value;
  if (Array.isArray(value)) return (value as ValueList).map(asText);
  if (value instanceof Map)
    return new Map([...(value as ValueMap)].map(([key, item]) => [key, asText(item)]));
  return value;
}

const recorded = recordedMessages
  .filter(({ name }) => name.startsWith('imagefactory'))
  .map(({ name, hex }) => ({ name, message: decodeBareMessage(Buffer.from(hex, 'hex')) }));

function bodyOf(message: BareMessage): Value {
  return message.body.form === 'value' ? asText(message.body.value) : null;
}

/** Reads a recorded body with our reader, and writes what was read with our writer. */
function rewritten(opcode: string, content: string | undefined, body: Value): Value {
  const map = mapOf(body) ?? new Map<string, Value>();
  const list = Array.isArray(body) ? (body as ValueList) : [];
  switch (opcode) {
    case '_agent_heartbeat_indication': {
      const info = agentInfoFromValue(map);
      const { vendor, product, instance, directSubject, heartbeatInterval, epoch, timestamp, schemaUpdated } =
        info;
      const stable = stableAttributes({
        vendor,
        product,
        instance,
        directSubject: directSubject!,
        more: new Map(),
      });
      const now = volatileAttributes({ timestamp, heartbeatInterval, epoch, schemaUpdated: schemaUpdated! });
      return new Map([['_values', new Map([...stable, ...now])]]);
    }
    case '_query_request':
      return queryToValue(queryFromValue(map));
    case '_method_request':
      return methodRequestToValue(methodRequestFromValue(map));
    case '_method_response':
      return methodResponseToValue(methodResponseFromValue(map));
    case '_data_indication':
      return list.map(item => eventItemToValue(eventItemFromValue(item)));
    default:
      if (content === '_schema_id') return list.map(item => schemaIdToValue(schemaIdFromValue(item)));
      if (content === '_schema') return list.map(item => schemaToValue(schemaFromValue(item)));
      return list.map(item => dataItemToValue(dataItemFromValue(item)));
  }
}

describe('messages beside those of the recorded C++ agent and console', () => {
  it('has messages of every kind to compare with', () => {
    const kinds = new Set(recorded.map(({ message }) => opcodeOf(message.applicationProperties!)));
    expect([...kinds].sort()).to.deep.equal([
      '_agent_heartbeat_indication',
      '_data_indication',
      '_method_request',
      '_method_response',
      '_query_request',
      '_query_response',
    ]);
  });

  for (const { name, message } of recorded) {
    const headers = message.applicationProperties!;
    const opcode = opcodeOf(headers)!;
    const content = contentKindOf(headers);
    const agent = agentOf(headers);

    it(`${name}: the same headers, but for qpid.subject`, () => {
      const ours = headersFor(opcode as Opcode, {
        ...(agent === undefined ? {} : { agent }),
        ...(content === undefined ? {} : { content: content as '_data' }),
        partial: isPartial(headers),
      });
      const theirs = new Map(mapOf(asText(headers)));
      theirs.delete('qpid.subject');
      expect(sameValue(ours, theirs)).to.equal(true);
    });

    it(`${name}: the same body, read and written again`, () => {
      const body = bodyOf(message);
      // libqmf2 leaves the severity of schemas uninitialised (wire document §4.6); we give the default then.
      const wanted = mapItems(body, map =>
        (integerOf(map.get('_default_severity')) ?? 0) > 7
          ? new Map([...map, ['_default_severity', uint32(5)]])
          : map,
      );
      expect(sameValue(rewritten(opcode, content, body), wanted)).to.equal(true);
    });
  }

  const mapItems = (body: Value, convert: (map: ValueMap) => ValueMap): Value =>
    Array.isArray(body) ? (body as ValueList).map(item => convert(mapOf(item)!)) : body;
});

describe('bodies byte for byte', () => {
  it("the class query of §4.8 with C++'s binary strings", () => {
    const bin = (text: string): Value => Buffer.from(text);
    const query = queryToValue({
      what: 'OBJECT',
      schemaId: { packageName: 'com.example', className: 'Widget', kind: '_data' },
    });
    const binary = (value: Value): Value =>
      typeof value === 'string'
        ? bin(value)
        : value instanceof Map
          ? new Map([...(value as ValueMap)].map(([key, item]) => [key, binary(item)]))
          : value;
    expect(encodeMap(mapOf(binary(query))!).toString('hex')).to.equal(
      '00000066000000020a5f736368656d615f6964a800000043000000030b5f636c6173735f6e616d659000065769646765740d5f7061636b6167655f6e616d6590000b636f6d2e6578616d706c65055f747970659000055f64617461055f776861749000064f424a454354',
    );
  });

  it('the queries of §4.8 with text', () => {
    expect(encodeMap(new Map([['_what', 'OBJECT']])).toString('hex')).to.equal(
      '0000001300000001055f776861749500064f424a454354',
    );
    expect(encodeMap(queryToValue({ what: 'OBJECT' })).toString('hex')).to.equal(
      '0000001300000001055f776861749500064f424a454354',
    );
  });

  it("the locate predicate's list of §4.8", () => {
    expect(encodeList(['eq', '_vendor', ['quote', 'example.com']]).toString('hex')).to.equal(
      '00000032000000039500026571950007' +
        '5f76656e646f72' +
        'a90000001a0000000295000571756f746595000b6578616d706c652e636f6d',
    );
  });
});

describe('headers (§2)', () => {
  it('§9.1 sends the app id, and does not need it to read a message', () => {
    expect(headersFor('_query_request').get('x-amqp-0-10.app-id')).to.equal('qmf2');
    expect(opcodeOf(new Map([['qmf.opcode', '_query_request']]))).to.equal('_query_request');
  });

  it('§9.2 puts opcode, agent and content on list answers', () => {
    const headers = headersFor('_query_response', { agent: 'v:p:i', content: '_data' });
    expect([...headers.keys()]).to.have.members([
      'x-amqp-0-10.app-id',
      'method',
      'qmf.opcode',
      'qmf.content',
      'qmf.agent',
    ]);
  });

  it('§9.6 reads headers that arrive as binary', () => {
    const headers = new Map([
      ['qmf.opcode', Buffer.from('_exception')],
      ['qmf.agent', Buffer.from('v:p:i')],
      ['qmf.content', Buffer.from('_data')],
    ]);
    expect([opcodeOf(headers), agentOf(headers), contentKindOf(headers)]).to.deep.equal([
      '_exception',
      'v:p:i',
      '_data',
    ]);
  });

  it('§9.18 partial by presence only: null, empty text, or any other value', () => {
    for (const value of [null, '', false, true])
      expect(isPartial(new Map([['partial', value]]))).to.equal(true);
    expect(isPartial(new Map())).to.equal(false);
    expect(headersFor('_query_response', { partial: true }).get('partial')).to.equal(null);
    expect(headersFor('_query_response', { partial: false }).has('partial')).to.equal(false);
  });
});

describe('data (§4)', () => {
  it('§9.20 always sends _values and _arguments, even empty', () => {
    expect(dataItemToValue({ values: new Map() }).get('_values')).to.deep.equal(new Map());
    expect(methodResponseToValue(new Map()).get('_arguments')).to.deep.equal(new Map());
    expect(dataItemFromValue(new Map()).values.size).to.equal(0);
  });

  it('§9.32 reads severity 0, and takes a wrong one for NOTICE', () => {
    const severityOf = (severity: Value) => eventItemFromValue(new Map([['_severity', severity]])).severity;
    expect(severityOf(uint32(0))).to.equal(0);
    expect(severityOf(int32(8))).to.equal(5);
    expect(severityOf('3')).to.equal(5);
    expect(severityOf(null)).to.equal(5);
  });

  it('leaves the epoch of persistent objects out', () => {
    const item = dataItemToValue({
      values: new Map(),
      address: { agentName: 'v:p:i', objectName: 'o', agentEpoch: 0 },
    });
    expect(mapOf(item.get('_object_id'))?.has('_agent_epoch')).to.equal(false);
  });

  it('reads an address without agent and epoch, as the broker sends them', () => {
    expect(addressFromValue(new Map([['_object_name', Buffer.from('a:b:c')]]))).to.deep.equal({
      agentName: '',
      objectName: 'a:b:c',
      agentEpoch: 0,
    });
  });

  it('refuses items that are no maps with a typed error', () => {
    for (const value of [null, true, 'x', int32(1), [], new Uuid(Buffer.alloc(16))]) {
      expect(() => dataItemFromValue(value))
        .to.throw(QmfError)
        .with.property('code', 'malformed_message');
      expect(() => eventItemFromValue(value))
        .to.throw(QmfError)
        .with.property('code', 'malformed_message');
    }
  });
});

describe('agent attributes (§3.2)', () => {
  it('reads the old spellings, and what the broker leaves out (§9.21)', () => {
    const info = agentInfoFromValue(
      new Map([
        [
          '_values',
          new Map<string, Value>([
            ['_vendor', Buffer.from('apache.org')],
            ['heartbeat_interval', uint32(10)],
            ['epoch', uint32(3)],
          ]),
        ],
      ]),
    );
    expect(info).to.include({ vendor: 'apache.org', heartbeatInterval: 10, epoch: 3, capability: 0 });
    expect(info).to.not.have.any.keys('directSubject', 'schemaUpdated');
  });

  it('splits a name whose instance holds colons', () => {
    expect(agentNameFromText('v:p:a:b')).to.deep.equal({ vendor: 'v', product: 'p', instance: 'a:b' });
  });
});

describe('exceptions (§3.7)', () => {
  it('become errors with text and code', () => {
    const error = exceptionToError('v:p:i', exceptionToValue('no such thing', 1));
    expect(error).to.include({
      code: 'agent_exception',
      agentText: 'no such thing',
      agentCode: 1,
      retryable: false,
    });
  });

  it('with fields of their own are told by these', () => {
    const map = new Map([['_values', new Map<string, Value>([['whatHappened', 'x']])]]);
    expect(exceptionToError('v:p:i', map).message).to.include('whatHappened');
  });

  it('of unreasonable length are cut', () => {
    const values = mapOf(exceptionToValue('x'.repeat(1_000_000), 7).get('_values'));
    expect(textOf(values?.get('error_text'))).to.have.length.below(5_000);
  });
});

describe('queries and subscriptions as maps', () => {
  const bad: readonly (readonly [string, ValueMap, RegExp])[] = [
    ['no _what', new Map(), /_what is missing/],
    ['an unknown _what', new Map([['_what', 'THINGS']]), /'THINGS'; it must be one of OBJECT/],
    ['a _what that is a number', new Map([['_what', int32(1)]]), /_what is missing/],
    [
      'a _where that is no list',
      new Map([
        ['_what', 'OBJECT'],
        ['_where', 'x'],
      ]),
      /_where must be a list/,
    ],
    [
      'an _object_id without a name',
      new Map<string, Value>([
        ['_what', 'OBJECT'],
        ['_object_id', new Map()],
      ]),
      /_object_name/,
    ],
    [
      'a _schema_id that is text',
      new Map([
        ['_what', 'OBJECT'],
        ['_schema_id', 'x'],
      ]),
      /a map is expected/,
    ],
  ];
  for (const [what, map, text] of bad) {
    it(`${what} is refused by name`, () => {
      expect(() => queryFromValue(map))
        .to.throw(QmfError, text)
        .with.property('code', 'invalid_query');
    });
  }

  it('a subscription and its grant survive the way there and back', () => {
    const request = {
      query: { what: 'OBJECT', schemaId: { packageName: 'p', className: 'c', kind: '_data' } },
      interval: 2_000,
      duration: 60,
    } as const;
    expect(subscribeRequestFromValue(subscribeRequestToValue(request))).to.deep.equal(request);
    const response = { subscriptionId: 'x', interval: 1_000, duration: 10 };
    expect(subscribeResponseFromValue(subscribeResponseToValue(response))).to.deep.equal(response);
    expect(subscribeResponseFromValue(new Map([['error_text', 'no']]))).to.equal(undefined);
    expect(() => subscribeRequestFromValue(new Map())).to.throw(QmfError, /_query/);
  });

  it('a method request without a name, or with arguments that are a list, is refused by name', () => {
    expect(() => methodRequestFromValue(new Map())).to.throw(QmfError, /_method_name/);
    const odd = new Map<string, Value>([
      ['_method_name', 'm'],
      ['_arguments', []],
    ]);
    expect(() => methodRequestFromValue(odd)).to.throw(QmfError, /_arguments/);
  });
});
