import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { toValue } from '../value/convert.js';
import { int32, type Value } from '../value/value.js';
import { decodeMap, encodeMap } from './amqp010.js';
import { decodeBareMessage, encodeBareMessage } from './amqp10-message.js';

function outcome(run: () => unknown): string {
  try {
    run();
    return 'done';
  } catch (error) {
    return error instanceof QmfError ? error.code : String(error);
  }
}

const hex = (text: string): string => Buffer.from(text).toString('hex');
const byte = (value: number): string => value.toString(16).padStart(2, '0');

/** A key in each of the types in which a map of AMQP 1.0 may hold it. */
const keyForms = ['a0', 'a1', 'a3', 'b0', 'b1', 'b3'] as const;
const key10 = (form: (typeof keyForms)[number], name: string): string =>
  `${form}${form.startsWith('a') ? byte(name.length) : name.length.toString(16).padStart(8, '0')}${hex(name)}`;
const map10 = (entries: readonly string[]): string => {
  const content = entries.map(entry => `${entry}41`).join('');
  return `d1${(content.length / 2 + 4).toString(16).padStart(8, '0')}${(entries.length * 2).toString(16).padStart(8, '0')}${content}`;
};
/** The map of AMQP 0-10 with these keys. */
const map010 = (names: readonly string[]): string => {
  const content = names.map(name => `${byte(name.length)}${hex(name)}0801`).join('');
  return `${(content.length / 2 + 4).toString(16).padStart(8, '0')}${names.length.toString(16).padStart(8, '0')}${content}`;
};

describe('a key twice in one map', () => {
  const names = fc.array(fc.constantFrom('a', 'b', '_object_name', 'x.y'), { maxLength: 4 });

  it('is refused in AMQP 1.0, whatever the types of the two, in bodies, properties and maps within maps', () => {
    fc.assert(
      fc.property(
        names,
        fc.array(fc.constantFrom(...keyForms), { minLength: 4, maxLength: 4 }),
        (drawn, forms) => {
          const map = map10(drawn.map((name, index) => key10(forms[index] ?? 'a1', name)));
          const nested = `c1${byte(map.length / 2 + 3 + 1)}02a10178${map}`;
          const expected = new Set(drawn).size === drawn.length ? 'done' : 'malformed_message';
          for (const section of [
            `005377${map}`,
            `005374${map}005375a000`,
            `005377${nested}`,
            `005372${map}00537740`,
          ])
            expect(
              outcome(() => decodeBareMessage(Buffer.from(section, 'hex'))),
              section,
            ).to.equal(expected);
        },
      ),
    );
  });

  it('is refused in the codec of AMQP 0-10', () => {
    fc.assert(
      fc.property(names, drawn => {
        const expected = new Set(drawn).size === drawn.length ? 'done' : 'malformed_message';
        expect(outcome(() => decodeMap(Buffer.from(map010(drawn), 'hex')))).to.equal(expected);
      }),
    );
  });

  it('does not come about by encoding: keys that UTF-8 cannot hold are refused', () => {
    const halves = new Map<string, Value>([
      ['\ud800', int32(1)],
      ['\udbff', int32(2)],
    ]);
    expect(outcome(() => encodeMap(halves))).to.equal('not_encodable');
    expect(outcome(() => encodeBareMessage({ body: { form: 'value', value: halves } }))).to.equal(
      'not_encodable',
    );
    const whole = new Map<string, Value>([['\u{1f600}', int32(1)]]);
    expect(decodeMap(encodeMap(whole))).to.deep.equal(whole);
  });
});

describe('a sparse array', () => {
  it('is refused with the place of its hole', () => {
    const sparse: number[] = [1];
    sparse[2] = 3;
    expect(outcome(() => toValue(sparse))).to.equal('not_encodable');
    expect(() => toValue(sparse, 'targets')).to.throw(/targets\[1\]/);
  });
});
