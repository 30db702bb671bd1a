import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { Body } from '../codec/amqp10-message.js';
import { encodeList, encodeMap } from '../codec/amqp010.js';
import { arbitraryValue } from '../codec/value.arbitrary.js';
import { QmfError } from '../errors.js';
import { textOf } from '../value/text.js';
import { int32, isValueMap, sameValue, type Value } from '../value/value.js';
import { listContent, mapContent, formOf, readListBody, readMapBody } from './content.js';
import { addressFromText, addressToText, type Envelope } from './envelope.js';
import { translatable } from './translatable.js';

const envelope = (body: Body, contentType?: string): Envelope => ({
  to: { node: 'n' },
  headers: new Map(),
  body,
  ...(contentType === undefined ? {} : { contentType }),
});
const map = new Map([['a', int32(1)]]);
const list = [int32(1)];

describe('bodies (§2.4)', () => {
  it('§9.3 carry exactly amqp/map or amqp/list, in either form', () => {
    for (const form of ['value', 'data'] as const) {
      expect(mapContent(map, form).contentType).to.equal('amqp/map');
      expect(listContent(list, form).contentType).to.equal('amqp/list');
    }
  });

  it('§9.11 as a data section hold the 0-10 codec', () => {
    expect(mapContent(map, 'data').body).to.deep.equal({ form: 'data', bytes: encodeMap(map) });
    expect(listContent(list, 'data').body).to.deep.equal({ form: 'data', bytes: encodeList(list) });
  });

  it('§9.3 are read without a content type too', () => {
    for (const type of [undefined, 'amqp/map']) {
      expect(readMapBody(envelope({ form: 'value', value: map }, type))).to.equal(map);
      expect(readMapBody(envelope({ form: 'data', bytes: encodeMap(map) }, type))).to.deep.equal(map);
    }
    expect(readListBody(envelope({ form: 'data', bytes: encodeList(list) }))).to.deep.equal(list);
  });

  it('§9.26 lists are read from a sequence, and an empty or absent body is an empty list', () => {
    expect(readListBody(envelope({ form: 'sequence', list }))).to.equal(list);
    expect(readListBody(envelope({ form: 'none' }))).to.deep.equal([]);
    expect(readListBody(envelope({ form: 'value', value: null }))).to.deep.equal([]);
  });

  it('§9.4 of the wrong kind are refused with a typed error that says what came', () => {
    const wrong: readonly (readonly [Envelope, (envelope: Envelope) => unknown, RegExp])[] = [
      [envelope({ form: 'value', value: map }), readListBody, /a map, a list/],
      [envelope({ form: 'value', value: list }), readMapBody, /a list, a map/],
      [envelope({ form: 'value', value: 'x' }), readMapBody, /single value/],
      [envelope({ form: 'none' }), readMapBody, /empty/],
      [envelope({ form: 'sequence', list }), readMapBody, /sequence/],
      [envelope({ form: 'data', bytes: encodeList(list) }, 'amqp/list'), readMapBody, /amqp\/list/],
      [envelope({ form: 'data', bytes: encodeMap(map) }, 'amqp/map'), readListBody, /amqp\/map/],
      [envelope({ form: 'data', bytes: Buffer.from('junk') }), readMapBody, /./],
    ];
    for (const [message, read, text] of wrong) {
      expect(() => read(message))
        .to.throw(QmfError, text)
        .with.property('code', 'malformed_message');
    }
  });

  it('are answered in the form of the request; sequences and empty ones say nothing', () => {
    expect(formOf({ form: 'data', bytes: Buffer.alloc(0) }, 'value')).to.equal('data');
    expect(formOf({ form: 'value', value: null }, 'data')).to.equal('value');
    expect(formOf({ form: 'none' }, 'data')).to.equal('data');
    expect(formOf({ form: 'sequence', list: [] }, 'data')).to.equal('data');
  });
});

describe('values that brokers translate', () => {
  it('§9.7 text beyond 65535 bytes goes as binary, however deep; shorter text stays', () => {
    const long = 'é'.repeat(32_768);
    const short = 'é'.repeat(32_767);
    const value = translatable(new Map<string, Value>([['a', [long, short, 'x']]]));
    const items = isValueMap(value) ? value.get('a') : undefined;
    expect(Array.isArray(items) && items[0]).to.be.instanceOf(Buffer);
    expect(Array.isArray(items) && items[1]).to.equal(short);
    expect(Array.isArray(items) && textOf((items as Value[])[0])).to.equal(long);
  });

  it('§9.29 map keys beyond 255 bytes are refused', () => {
    expect(() => translatable([new Map([['é'.repeat(128), null]])]))
      .to.throw(QmfError)
      .with.property('code', 'not_encodable');
    expect(() => translatable(new Map([['é'.repeat(127), null]]))).to.not.throw();
  });

  it('stay what they are when nothing is too long', () => {
    fc.assert(
      fc.property(arbitraryValue, value => {
        expect(sameValue(translatable(value), value)).to.equal(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('addresses as text (§1.4)', () => {
  it('§9.23 split at the first slash; without one it is a queue', () => {
    expect(addressFromText('qmf.default.topic/direct-console.1')).to.deep.equal({
      node: 'qmf.default.topic',
      subject: 'direct-console.1',
    });
    expect(addressFromText('a/b/c')).to.deep.equal({ node: 'a', subject: 'b/c' });
    expect(addressFromText('queue@domain')).to.deep.equal({ node: 'queue@domain' });
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        expect(addressToText(addressFromText(text))).to.equal(text);
      }),
    );
  });
});
