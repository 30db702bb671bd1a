import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { double, Float, Int, int64, sameValue, uint32, uint64, Uuid, type Value } from '../value/value.js';
import {
  type BareMessage,
  type Body,
  decodeBareMessage,
  encodeBareMessage,
  type MessageId,
} from './amqp10-message.js';
import {
  arbitraryBinary,
  arbitraryText,
  arbitraryUuid,
  arbitraryValue,
  arbitraryValueList,
  arbitraryValueMap,
} from './value.arbitrary.js';
import { readableForm, readableMap, recordedMessages } from './vectors.fixture.js';

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

function decodeBodyValue(hex: string): Value {
  const { body } = decodeBareMessage(bytesOf(`005377 ${hex}`));
  if (body.form !== 'value') throw new Error(`a body of form ${body.form}`);
  return body.value;
}

function codeOfFailure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof QmfError ? error.code : `not a QmfError: ${String(error)}`;
  }
  return 'no error';
}

function readableBody(body: Body): unknown {
  return body.form === 'value' ? readableForm(body.value) : body;
}

/** A decoded message under the names of the recorded readable form. */
function readableMessage(message: BareMessage): Record<string, unknown> {
  return {
    durable: message.durable,
    ...(message.ttl === undefined ? {} : { ttl: message.ttl }),
    ...(message.userId === undefined ? {} : { user_id: { bin: message.userId } }),
    to: message.to,
    subject: message.subject,
    ...(message.replyTo === undefined ? {} : { reply_to: message.replyTo }),
    ...(message.correlationId === undefined ? {} : { correlation_id: readableForm(message.correlationId) }),
    content_type: message.contentType,
    application_properties: readableMap(message.applicationProperties ?? new Map()),
    body: readableBody(message.body),
  };
}

/** Text as short as addresses, names and ids have to be. */
const shortText = arbitraryText.filter(text => text.length <= 255 && Buffer.from(text).toString() === text);

const arbitraryId: fc.Arbitrary<MessageId> = fc.oneof(
  shortText,
  arbitraryBinary.filter(bytes => bytes.length <= 255),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(value => uint64(value)),
  arbitraryUuid,
);

const arbitraryBody: fc.Arbitrary<Body> = fc.oneof(
  arbitraryValue.map((value): Body => ({ form: 'value', value })),
  arbitraryValueList.map((list): Body => ({ form: 'sequence', list })),
  arbitraryBinary.map((bytes): Body => ({ form: 'data', bytes })),
);

const arbitraryMessage = fc.record(
  {
    ttl: fc.nat(),
    durable: fc.boolean(),
    messageId: arbitraryId,
    userId: shortText,
    to: shortText,
    subject: shortText,
    replyTo: shortText,
    correlationId: arbitraryId,
    contentType: fc.string(),
    applicationProperties: arbitraryValueMap,
    body: arbitraryBody,
  },
  { requiredKeys: ['body'] },
);

const asValue = (field: string | Value | undefined): Value => field ?? null;

function sameMessage(left: BareMessage, right: BareMessage): boolean {
  return (
    left.ttl === right.ttl &&
    (left.durable ?? false) === (right.durable ?? false) &&
    sameValue(asValue(left.messageId), asValue(right.messageId)) &&
    left.userId === right.userId &&
    left.to === right.to &&
    left.subject === right.subject &&
    left.replyTo === right.replyTo &&
    sameValue(asValue(left.correlationId), asValue(right.correlationId)) &&
    left.contentType === right.contentType &&
    sameValue(left.applicationProperties ?? new Map(), right.applicationProperties ?? new Map()) &&
    left.body.form === right.body.form &&
    sameValue(contentOf(left.body), contentOf(right.body))
  );
}

function contentOf(body: Body): Value {
  if (body.form === 'value') return body.value;
  if (body.form === 'sequence') return body.list;
  return body.form === 'data' ? body.bytes : null;
}

describe('AMQP 1.0 messages', () => {
  for (const [index, recorded] of recordedMessages.entries()) {
    it(`decodes recorded message ${index}, ${recorded.name}`, () => {
      const message = decodeBareMessage(Buffer.from(recorded.hex, 'hex'));
      const { priority, first_acquirer, ...wanted } = recorded.message;
      expect(priority).to.equal(0);
      expect(first_acquirer).to.equal(true);
      expect(readableMessage(message)).to.deep.equal(wanted);
      expect(sameMessage(decodeBareMessage(encodeBareMessage(message)), message)).to.equal(true);
    });
  }

  it('gives every message back', () => {
    fc.assert(
      fc.property(arbitraryMessage, message =>
        sameMessage(decodeBareMessage(encodeBareMessage(message)), message),
      ),
    );
  });

  const codes: readonly [string, Value][] = [
    ['40', null],
    ['41', true],
    ['42', false],
    ['5600', false],
    ['5601', true],
    ['43', uint32(0)],
    ['52ff', uint32(255)],
    ['70ffffffff', uint32(4294967295)],
    ['44', uint64(0)],
    ['53ff', uint64(255)],
    ['80ffffffffffffffff', uint64(2n ** 64n - 1n)],
    ['50ff', new Int('uint8', 255)],
    ['60ffff', new Int('uint16', 65535)],
    ['5180', new Int('int8', -128)],
    ['618000', new Int('int16', -32768)],
    ['5480', new Int('int32', -128)],
    ['7180000000', new Int('int32', -2147483648)],
    ['5580', int64(-128)],
    ['818000000000000000', int64(-(2n ** 63n))],
    ['83ffffffffffffffff', int64(-1)],
    ['723fc00000', new Float('float', 1.5)],
    ['82c002000000000000', double(-2.25)],
    ['730001f600', '😀'],
    ['7401020304', bytesOf('01020304')],
    ['840102030405060708', bytesOf('0102030405060708')],
    ['94000102030405060708090a0b0c0d0e0f', bytesOf('000102030405060708090a0b0c0d0e0f')],
    ['98000102030405060708090a0b0c0d0e0f', Uuid.parse('000102030405060708090a0b0c0d0e0f')],
    ['a002ff00', bytesOf('ff00')],
    ['b000000002ff00', bytesOf('ff00')],
    ['a103e29c93', '✓'],
    ['b100000003e29c93', '✓'],
    ['a3026162', 'ab'],
    ['b3000000026162', 'ab'],
    ['45', []],
    ['c003024142', [true, false]],
    ['d000000006000000024142', [true, false]],
    ['c10502a1016141', new Map([['a', true]])],
    ['d10000000800000002a3016141', new Map([['a', true]])],
    ['c10402520541', new Map([['5', true]])],
    ['c10502a0016141', new Map([['a', true]])],
    ['f000000009000000026100010002', [new Int('int16', 1), new Int('int16', 2)]],
    ['e0020340', [null, null, null]],
    ['e00a0200a30178a101610162', ['a', 'b']],
    ['e00100', []],
    ['00a3017841', true],
    ['00a3017900a3017841', true],
  ];
  for (const [hex, value] of codes) {
    it(`reads ${hex}`, () => expect(sameValue(decodeBodyValue(hex), value)).to.equal(true));
  }

  for (const [what, hex] of [
    ['an unknown type code', '005377 3f'],
    ['an unknown section', '005379 40'],
    ['the symbolic section "constructor"', `00a30b${Buffer.from('constructor').toString('hex')} 40`],
    ['a value without descriptor', '40'],
    ['text that is not UTF-8', '005377 a102c328'],
    ['a symbol that is not ASCII', '005377 a302c3a4'],
    ['a map with an odd count', '005377 c1020140'],
    ['a map with a boolean as key', '005377 c103024141'],
    ['a map whose binary key is no text', '005377 c10502a001ff41'],
    ['an array that ends within an item', '005377 e00402610001'],
    ['an array that announces items and has none', '005377 e00105'],
    ['a half surrogate as character', '005377 730000d800'],
    ['a descriptor that is described', '005377 0000a30179a3017841'],
    ['a descriptor that is text', '005377 00a1017841'],
    ['two values', '00537740 00537740'],
    ['a value after data', '005375a000 00537740'],
    ['properties that are no list', '00537341'],
    ['a data section without binary', '00537541'],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(codeOfFailure(() => decodeBareMessage(bytesOf(hex)))).to.equal('malformed_message');
    });
  }

  it('joins several data sections, and several sequences', () => {
    const data = decodeBareMessage(bytesOf('005375a00101 005375a0020203'));
    expect(data.body).to.deep.equal({ form: 'data', bytes: bytesOf('010203') });
    const sequence = decodeBareMessage(bytesOf('005376c0020141 005376c0020142'));
    expect(sequence.body).to.deep.equal({ form: 'sequence', list: [true, false] });
  });

  it('knows sections by their symbol', () => {
    const symbol = Buffer.from('amqp:amqp-value:*');
    const bytes = Buffer.concat([bytesOf('00a311'), symbol, bytesOf('41')]);
    expect(decodeBareMessage(bytes).body).to.deep.equal({ form: 'value', value: true });
  });

  it('refuses to send what a message cannot hold, and works again afterwards', () => {
    const body: Body = { form: 'value', value: null };
    expect(codeOfFailure(() => encodeBareMessage({ ttl: -1, body }))).to.equal('not_encodable');
    expect(codeOfFailure(() => encodeBareMessage({ ttl: 0.5, body }))).to.equal('not_encodable');
    expect(codeOfFailure(() => encodeBareMessage({ contentType: 'ä', body }))).to.equal('not_encodable');
    const cyclic: Value[] = [];
    cyclic.push(cyclic);
    expect(codeOfFailure(() => encodeBareMessage({ body: { form: 'value', value: cyclic } }))).to.equal(
      'not_encodable',
    );
    expect(decodeBareMessage(encodeBareMessage({ subject: 'x', body })).subject).to.equal('x');
  });
});
