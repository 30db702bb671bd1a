import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { arbitraryFloat, arbitraryInt, arbitraryText } from '../codec/value.arbitrary.js';
import { QmfError } from '../errors.js';
import { toValue } from '../value/convert.js';
import { double, Float, Int, int64, sameValue, uint64, Uuid, type Value } from '../value/value.js';
import {
  always,
  and,
  attribute,
  compare,
  eq,
  exists,
  ge,
  literal,
  ne,
  never,
  not,
  or,
  reMatch,
} from './build.js';
import { comparisonOperators, type Operand, type Predicate } from './predicate.js';
import { printPredicate, printQuery } from './print.js';
import { parsePredicate, parseQuery } from './text-form.js';
import { predicateToValue } from './wire-form.js';

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof QmfError && error.code === 'invalid_query') return error.message;
    throw error;
  }
  throw new Error('no error');
}

const same = (left: Predicate, right: Predicate): boolean =>
  sameValue(predicateToValue(left), predicateToValue(right));

/** The literal that a text stands for. */
function literalOf(text: string): Value {
  const predicate = parsePredicate(`[eq, a, [quote, ${text}]]`);
  if (predicate.op !== 'eq' || predicate.right.kind !== 'literal')
    throw new Error('no comparison with a literal');
  return predicate.right.value;
}

describe('text form of predicates', () => {
  const cases: readonly [string, Predicate][] = [
    ['', always],
    ['  ', always],
    ['[]', always],
    ['[true]', always],
    ["['false']", never],
    ['[eq, name, [quote, left]]', eq('name', 'left')],
    ['[eq,name,[quote,left]]', eq('name', 'left')],
    ['["eq", \'name\', ["quote", \'left\',],]', eq('name', 'left')],
    ['[ne, [quote, 1], name] and more', compare('ne', literal(int64(1)), attribute('name'))],
    ['[eq, name, [unquote, other]]', compare('eq', attribute('name'), attribute('other'))],
    ['[eq, name, [quote]]', eq('name', null)],
    ['[eq, name, other]', compare('eq', attribute('name'), attribute('other'))],
    ['[exists, name]', exists('name')],
    ['[re_match, name, [quote, "^a+$"]]', reMatch('name', '^a+$')],
    ['[and]', and()],
    [
      "[and, [eq, _vendor, [quote, 'example.com']], [or, [not, [exists, x]], [ge, n, [quote, 5]]]]",
      and(eq('_vendor', 'example.com'), or(not(exists('x')), ge('n', int64(5)))),
    ],
    ["[eq, _name, [quote, 'v:p:i']]", eq('_name', 'v:p:i')],
    ['[eq, m, [quote, {a:1, "b c":[x, y],}]]', eq('m', { a: int64(1), 'b c': ['x', 'y'] })],
  ];
  for (const [text, predicate] of cases) {
    it(`reads ${text || 'nothing'}`, () => {
      expect(same(parsePredicate(text), predicate)).to.equal(true);
      expect(same(parsePredicate(printPredicate(predicate)), predicate)).to.equal(true);
    });
  }

  const words: readonly [string, Value][] = [
    ['5', int64(5)],
    ['-5', int64(-5)],
    ['+5', int64(5)],
    ['9223372036854775807', int64(2n ** 63n - 1n)],
    ['9223372036854775808', uint64(2n ** 63n)],
    ['18446744073709551616', double(2 ** 64)],
    ['-9223372036854775809', double(-(2 ** 63))],
    ['0.5', double(0.5)],
    ['1e3', double(1000)],
    ['.5', double(0.5)],
    ['inf', double(Number.POSITIVE_INFINITY)],
    ['-Infinity', double(Number.NEGATIVE_INFINITY)],
    ['nan', double(Number.NaN)],
    ['TRUE', true],
    ['False', false],
    ['truely', 'truely'],
    ['1.2.3', '1.2.3'],
    ['a-b.c', 'a-b.c'],
    ['1e999', '1e999'],
    ["'5'", '5'],
    ['"true"', 'true'],
    ["''", ''],
    ['"it\'s"', "it's"],
    ['[]', []],
  ];
  for (const [text, value] of words) {
    it(`takes ${text} for what C++ takes it`, () => expect(sameValue(literalOf(text), value)).to.equal(true));
  }

  const wrong: readonly [string, string, string][] = [
    ['eq', 'character 0', "'['"],
    ['  {a:1}', 'character 2', "'['"],
    ['[eq, a', 'character 6', "',' or ']'"],
    ['[eq a]', 'character 4', "',' or ']'"],
    ['[eq,, a]', 'character 4', 'a value'],
    ['[eq, a/b, [quote, 1]]', 'character 6', "','"],
    ["[eq, a, [quote, 'b]]", 'character 16', 'no closing'],
    ['[eq, a, [quote, {b}]]', 'character 18', "':'"],
    ['[eq, a, [quote, {[]:1}]]', 'character 17', 'a key'],
    ['[frob, a]', 'character 1', 'Invalid operator in predicate expression'],
    ['[5]', 'character 1', 'Invalid operator in predicate expression'],
    ['[and, [not, []]]', 'character 12', 'Invalid operator in predicate expression'],
    ['[and, [eq, a]]', 'character 6', 'Too few operands for operation'],
    ['[exists, a, b]', 'character 0', 'Too many operands for operation'],
    ['[eq, a, 5]', 'character 8', 'Expected string or list as operand for eq'],
    ['[eq, a, {}]', 'character 8', 'Expected string or list as operand for eq'],
    ['[eq, a, [b]]', 'character 8', "Expected '[quote, <token>]'"],
    ['[eq, a, [quote, 1, 2]]', 'character 8', "Extra tokens at end of 'quote'"],
    ['[not, a]', 'character 6', 'Operands of not must be lists'],
    ["[re_match, a, [quote, '(b']]", 'character 14', 'Invalid pattern for re_match'],
    ['[re_match, a, [quote, 5]]', 'character 14', 'Invalid pattern for re_match'],
  ];
  for (const [text, place, reason] of wrong) {
    it(`says what is wrong with ${text}`, () => {
      expect(failure(() => parsePredicate(text)).toLowerCase())
        .to.contain(place)
        .and.to.contain(reason.toLowerCase());
    });
  }

  it('bounds length, number and depth', () => {
    expect(failure(() => parsePredicate(`[${' '.repeat(70_000)}]`))).to.contain('65536 characters');
    expect(failure(() => parsePredicate(`[and${',[and]'.repeat(5000)}]`))).to.contain('4096 values');
    expect(failure(() => parsePredicate('['.repeat(50_000)))).to.contain('64 levels');
    expect(failure(() => parsePredicate(`${'[not,'.repeat(33)}[true]${']'.repeat(33)}`))).to.contain(
      '32 levels',
    );
    const deepest = `${'[not, '.repeat(31)}[eq, a, [quote, [1]]]${']'.repeat(31)}`;
    expect(printPredicate(parsePredicate(deepest))).to.equal(deepest);
  });

  it('reads long digits and long gaps in time that grows with the text', () => {
    expect(literalOf('1'.repeat(60_000))).to.equal('1'.repeat(60_000));
    expect(literalOf(`${'1'.repeat(60_000)}x`)).to.equal(`${'1'.repeat(60_000)}x`);
    expect(literalOf(`${' '.repeat(60_000)}x`)).to.equal('x');
  });

  it('prints what needs quotes with quotes', () => {
    expect(printPredicate(and(eq('a', 'b c'), eq('d', "it's"), ne('e', 'true'), eq('f', '5')))).to.equal(
      `[and, [eq, a, [quote, 'b c']], [eq, d, [quote, "it's"]], [ne, e, [quote, 'true']], [eq, f, [quote, '5']]]`,
    );
    expect(printPredicate(always)).to.equal("['true']");
    expect(printPredicate(eq('a', Buffer.from('text')))).to.equal('[eq, a, [quote, text]]');
    expect(printPredicate(eq('a', double(3)))).to.equal('[eq, a, [quote, 3.0]]');
  });

  it('refuses to print what the text form cannot hold', () => {
    expect(failure(() => printPredicate(eq('a', `'"`)))).to.contain('both kinds of quotes');
    expect(failure(() => printPredicate(eq('a', Buffer.from([0xff]))))).to.contain('binary');
    expect(failure(() => printPredicate(eq('a', Uuid.parse('0'.repeat(32)))))).to.contain('uuid');
    expect(failure(() => printPredicate(eq('a', [null])))).to.contain('void');
  });

  it('reads back everything that it prints', () => {
    const printableText = arbitraryText.filter(text => !(text.includes("'") && text.includes('"')));
    const wide = arbitraryInt.map(({ value }) =>
      typeof value === 'bigint' && value > 2n ** 63n - 1n ? uint64(value) : new Int('int64', value),
    );
    const wideFloat = arbitraryFloat.map(({ value }) => new Float('double', value));
    const simple: fc.Arbitrary<Value> = fc.oneof(printableText, wide, wideFloat, fc.boolean());
    const value: fc.Arbitrary<Value> = fc.oneof(
      simple,
      fc.constant(null),
      fc.array(simple, { maxLength: 3 }),
      fc.array(fc.tuple(printableText, simple), { maxLength: 3 }).map(entries => new Map(entries)),
    );
    const operand: fc.Arbitrary<Operand> = fc.oneof(
      printableText.map(attribute),
      value.map(item => ({ kind: 'literal', value: item }) as const),
    );
    const { predicate } = fc.letrec<{ predicate: Predicate }>(tie => ({
      predicate: fc.oneof(
        { depthSize: 'small' },
        fc
          .tuple(fc.constantFrom(...comparisonOperators.filter(op => op !== 're_match')), operand, operand)
          .map(([op, left, right]) => compare(op, left, right)),
        operand.map((item): Predicate => ({ op: 'exists', operand: item })),
        fc.constantFrom(always, never),
        fc.array(tie('predicate'), { maxLength: 3 }).map(terms => and(...terms)),
        fc.array(tie('predicate'), { maxLength: 3 }).map(terms => or(...terms)),
        fc.array(tie('predicate'), { maxLength: 3 }).map(terms => not(...terms)),
      ),
    }));
    fc.assert(
      fc.property(predicate, item => same(parsePredicate(printPredicate(item)), item)),
      { numRuns: 500 },
    );
  });

  it('fails on random text in no other way than it should', () => {
    const shreds = fc.constantFrom(
      '[',
      ']',
      '{',
      '}',
      ',',
      ':',
      "'",
      '"',
      'eq',
      'and',
      'quote',
      'not',
      ' ',
      '5',
      'a',
      '/',
    );
    fc.assert(
      fc.property(fc.array(shreds, { maxLength: 30 }), pieces => {
        const text = `[${pieces.join('')}`;
        try {
          parsePredicate(text);
        } catch (error) {
          expect(error).to.be.instanceOf(QmfError).with.property('code', 'invalid_query');
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('text form of queries', () => {
  it('reads class, package and condition, and nothing else', () => {
    expect(parseQuery('{class:Widget}')).to.deep.equal({ class: 'Widget', package: '' });
    expect(
      parseQuery("{ package : 'com.example', class: Widget, where: [], more: {x:1} } rest"),
    ).to.deep.equal({
      class: 'Widget',
      package: 'com.example',
    });
    const text = "{class:Widget, package:'com.example', where:[eq, name, [quote, left]]}";
    const query = parseQuery(text);
    expect(query).to.deep.equal({ class: 'Widget', package: 'com.example', where: eq('name', 'left') });
    expect(printQuery(query)).to.equal(text);
    expect(printQuery({ class: 'a b', package: '' })).to.equal("{class:'a b'}");
  });

  const wrong: readonly [string, string, string][] = [
    ['', 'character 0', "'{'"],
    ['[eq]', 'character 0', "'{'"],
    ['{package:x}', '', 'must name a class'],
    ['{class:5}', 'character 7', 'must be text'],
    ['{class:X, package:[]}', 'character 18', 'must be text'],
    ['{class:X, where:[eq, a, 5]}', 'character 24', 'Expected string or list as operand for eq'],
    ['{class:X, where:a}', 'character 16', 'must be a list'],
    ['{clas:X}', 'character 6', "no key 'clas', found before character 6; did you mean class?"],
    ['{class:X, wehre:[eq, a, b]}', 'character 16', 'did you mean where?'],
    ['{class:X, PACKAGE:p}', 'character 18', 'did you mean package?'],
    ['{class X}', 'character 7', "':' after the key 'class'"],
  ];
  for (const [text, place, reason] of wrong) {
    it(`says what is wrong with ${text || 'nothing'}`, () => {
      expect(failure(() => parseQuery(text)))
        .to.contain(place)
        .and.to.contain(reason);
    });
  }

  it('builds literals from plain JavaScript', () => {
    expect(predicateToValue(eq('a', [1, 'x']))).to.deep.equal(toValue(['eq', 'a', ['quote', [1, 'x']]]));
  });
});
