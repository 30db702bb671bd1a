import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { arbitraryText, arbitraryValue } from '../codec/value.arbitrary.js';
import { decodeList } from '../codec/amqp010.js';
import { mapVectors, vectorValue } from '../codec/vectors.fixture.js';
import { QmfError } from '../errors.js';
import { type PlainInput, toValue } from '../value/convert.js';
import { sameValue, type Value } from '../value/value.js';
import { always, and, attribute, compare, eq, exists, literal, not, or } from './build.js';
import type { Predicate } from './predicate.js';
import { predicateFromValue, predicateToValue } from './wire-form.js';

function failure(value: Value): string {
  try {
    predicateFromValue(value);
  } catch (error) {
    if (error instanceof QmfError && error.code === 'invalid_query') return error.message;
    throw error;
  }
  throw new Error('no error');
}

describe('wire form of predicates', () => {
  const wrong: readonly [PlainInput, string, string][] = [
    [5, '', 'A predicate must be a list'],
    [[5], 'at [0]', 'Invalid operator in predicate expression'],
    [['frob'], 'at [0]', 'Invalid operator in predicate expression'],
    [['not', []], 'at [1][0]', 'Invalid operator in predicate expression'],
    [['eq', 'a'], 'at the outermost list', 'Too few operands for operation'],
    [['and', ['true'], ['not', ['exists']]], 'at [2][1]', 'Too few operands for operation'],
    [['true', 'x'], 'at the outermost list', 'Too many operands for operation'],
    [['eq', 'a', 5], 'at [2]', 'Expected string or list as operand for eq'],
    [['or', ['lt', null, 'a']], 'at [1][1]', 'Expected string or list as operand for lt'],
    [['eq', ['lit', 1], 'a'], 'at [1]', "Expected '[quote, <token>]'"],
    [['eq', [], 'a'], 'at [1]', "Expected '[quote, <token>]'"],
    [['eq', ['unquote', 5], 'a'], 'at [1]', "Expected '[quote, <token>]'"],
    [['eq', 'a', ['quote', 1, 2]], 'at [2]', "Extra tokens at end of 'quote'"],
    [['and', 'a'], 'at [1]', 'Operands of and must be lists'],
    [['re_match', 'a', ['quote', '[']], 'at [2]', 'Invalid pattern for re_match'],
  ];
  for (const [list, place, reason] of wrong) {
    it(`says what is wrong with ${JSON.stringify(list)}`, () => {
      const message = failure(toValue(list));
      expect(message.startsWith(reason)).to.equal(true);
      expect(message).to.contain(place);
    });
  }

  it('reads strings that arrive as binary', () => {
    const bytes = (text: string): Buffer => Buffer.from(text);
    const list = [bytes('eq'), bytes('name'), [bytes('quote'), bytes('left')]];
    expect(predicateFromValue(list)).to.deep.equal(eq('name', bytes('left')));
  });

  it('reads the predicate that the C++ library wrote', () => {
    const vector = mapVectors.find(({ name }) => name === 'predicate list')!;
    const predicate = and(eq('_vendor', 'redhat.com'));
    expect(predicateFromValue(decodeList(Buffer.from(vector.hex!, 'hex')))).to.deep.equal(predicate);
    expect(sameValue(predicateToValue(predicate), vectorValue(vector.value))).to.equal(true);
  });

  it('takes the empty list for everything, and never writes one', () => {
    expect(predicateFromValue([])).to.deep.equal(always);
    expect(predicateToValue(not(always))).to.deep.equal(['not', ['true']]);
    expect(predicateToValue(and())).to.deep.equal(['and']);
  });

  it('bounds size and depth', () => {
    expect(failure(['and', ...Array.from({ length: 5000 }, () => ['true'])])).to.contain('4096');
    const pattern: Value = ['re_match', 'a', ['quote', 'x']];
    expect(failure(['or', ...Array.from({ length: 129 }, () => pattern)])).to.contain('at most 128 patterns');
    const items = Array.from({ length: 4_096 }, () => null);
    expect(failure(['eq', 'a', ['quote', items]])).to.contain('values inside literals');
    expect(failure(['eq', 'a', ['quote', [[new Map([['k', items]])]]]])).to.contain('values inside literals');
    for (const literal of ['x'.repeat(65_537), Buffer.alloc(65_537), ['x'.repeat(65_537)]])
      expect(failure(['eq', 'a', ['quote', literal]])).to.contain('65536 characters or bytes');
    let deep: Value = ['true'];
    let nested: Predicate = always;
    for (let level = 0; level < 33; level++) {
      deep = ['not', deep];
      nested = not(nested);
    }
    expect(failure(deep)).to.contain('32 levels');
    expect(() => predicateToValue(nested))
      .to.throw(QmfError)
      .with.property('code', 'invalid_query');
  });

  it('reads back what it writes', () => {
    const comparison = fc
      .tuple(arbitraryText, arbitraryValue)
      .map(([name, value]) => compare('eq', attribute(name), { kind: 'literal', value }));
    const predicate = fc
      .array(comparison, { maxLength: 4 })
      .map(terms => or(exists('a'), not(...terms), ...terms));
    fc.assert(
      fc.property(predicate, item =>
        sameValue(predicateToValue(predicateFromValue(predicateToValue(item))), predicateToValue(item)),
      ),
    );
  });

  it('keeps a quoted literal whatever it is', () => {
    fc.assert(
      fc.property(arbitraryValue, value => {
        const read = predicateFromValue(['exists', ['quote', value]]);
        return (
          read.op === 'exists' && read.operand.kind === 'literal' && sameValue(read.operand.value, value)
        );
      }),
    );
    expect(predicateFromValue(['exists', ['quote']])).to.deep.equal({ op: 'exists', operand: literal(null) });
  });
});
