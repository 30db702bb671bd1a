import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { PlainInput } from '../value/convert.js';
import { double, Float, Int, int32, int64, uint64, Uuid, type Value } from '../value/value.js';
import {
  always,
  and,
  attribute,
  compare,
  eq,
  exists,
  ge,
  gt,
  le,
  literal,
  lt,
  ne,
  never,
  not,
  or,
  reMatch,
} from './build.js';
import { evaluatePredicate, evaluating } from './evaluate.js';
import { QmfError } from '../errors.js';
import type { Predicate } from './predicate.js';
import { StepMeter, withoutPause } from './step-meter.js';

const uuid = Uuid.parse('0c79df0a-17d9-0211-a52f-23e3204e8e08');

const attributes: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['name', 'left'],
  ['raw', Buffer.from('left')],
  ['noise', Buffer.from([0xff, 0x00])],
  ['count', int32(3)],
  ['big', uint64(2n ** 64n - 1n)],
  ['ratio', double(0.5)],
  ['three', double(3)],
  ['text3', '3'],
  ['umlaut', 'ä'],
  ['on', true],
  ['off', false],
  ['nothing', null],
  ['id', uuid],
  ['list', [int32(1), 'a']],
  [
    'map',
    new Map<string, Value>([
      ['b', int32(2)],
      ['a', int32(1)],
    ]),
  ],
]);

const holds = (predicate: Predicate): boolean => evaluatePredicate(predicate, attributes);

describe('evaluatePredicate', () => {
  const comparisons: readonly [string, Predicate, boolean][] = [
    ['text with itself', eq('name', 'left'), true],
    ['text with other text', eq('name', 'Left'), false],
    ['binary with text', eq('raw', 'left'), true],
    ['text with binary', eq('umlaut', Buffer.from('ä')), true],
    ['binary that is no text with itself', eq('noise', Buffer.from([0xff, 0x00])), true],
    ['binary that is no text with the text of those letters', eq('noise', 'ÿ\0'), false],
    ['an integer with one of another width', eq('count', new Int('uint8', 3)), true],
    ['an integer with its text', eq('count', '3'), true],
    ['an integer with the same as a double', eq('count', double(3)), true],
    ['a huge integer with its text', eq('big', '18446744073709551615'), true],
    ['a double with its text', eq('ratio', '0.5'), true],
    ['a boolean with itself', eq('on', true), true],
    ['true with True', eq('on', 'True'), true],
    ['true with true', eq('on', 'true'), false],
    ['false with False', eq('off', 'False'), true],
    ['a uuid with its text', eq('id', uuid.toString()), true],
    ['void with empty text', eq('nothing', ''), true],
    ['a list with itself', eq('list', [1, 'a']), true],
    ['a map with itself in another order', eq('map', { a: 1, b: 2 }), true],
    ['a missing attribute with void', eq('missing', null), false],
    ['not equal: a missing attribute', ne('missing', 'x'), false],
    ['not equal: other text', ne('name', 'right'), true],
    ['not equal: the same', ne('count', '3'), false],
    ['two attributes', compare('eq', attribute('name'), attribute('raw')), true],
    ['two literals', compare('lt', literal(1), literal(2)), true],
    ['integers', lt('count', 4), true],
    ['integers the other way', gt('count', 4), false],
    ['integers at the edge', le('count', 3), true],
    ['integers at the other edge', ge('count', 3), true],
    ['an integer and a huge one', lt('count', 2n ** 64n - 1n), true],
    ['a huge integer and one less', gt('big', 2n ** 64n - 2n), true],
    ['an integer and a double', lt('count', double(3.5)), true],
    ['a double and an integer', gt('three', int64(2)), true],
    ['an integer and text that converts', lt('count', '10'), true],
    ['an integer and text that is a fraction', lt('count', '10.5'), false],
    ['an integer and text that does not convert', lt('count', 'x'), false],
    ['text that converts and an integer', gt('text3', 2), true],
    ['text that converts and an integer, at the edge', ge('text3', 3), true],
    ['text that does not convert and an integer', gt('name', 2), false],
    ['a double and text that converts', lt('ratio', '1'), true],
    ['text that converts and a double', gt('text3', double(2.5)), true],
    ['a double and text that does not convert', lt('ratio', 'x'), false],
    ['a float and a double', le('ratio', new Float('float', 0.5)), true],
    ['anything and not-a-number', le('ratio', double(Number.NaN)), false],
    ['text by its bytes', lt('name', 'leg'), true],
    ['text by its bytes and not as numbers', lt('text3', '10'), false],
    ['text beyond ASCII by its bytes', gt('umlaut', 'z'), true],
    ['booleans', lt('off', true), false],
    ['a uuid and text', le('id', uuid.toString()), false],
    ['void and text', le('nothing', ''), false],
    ['text and a list', le('name', ['x']), false],
    ['less than: a missing attribute', lt('missing', 5), false],
  ];
  for (const [what, predicate, result] of comparisons) {
    it(`compares ${what}: ${result}`, () => expect(holds(predicate)).to.equal(result));
  }

  it('knows what exists', () => {
    expect(holds(exists('nothing'))).to.equal(true);
    expect(holds(exists('missing'))).to.equal(false);
    expect(holds({ op: 'exists', operand: literal('x') })).to.equal(true);
  });

  it('combines', () => {
    expect([always, never, and(), or(), not()].map(holds)).to.deep.equal([true, false, true, false, true]);
    expect(holds(and(always, never))).to.equal(false);
    expect(holds(and(always, always))).to.equal(true);
    expect(holds(or(never, always))).to.equal(true);
    expect(holds(or(never, never))).to.equal(false);
    expect(holds(not(never, never))).to.equal(true);
    expect(holds(not(never, always))).to.equal(false);
  });

  it('searches for patterns', () => {
    expect(holds(reMatch('name', 'ef'))).to.equal(true);
    expect(holds(reMatch('raw', '^l.*t$'))).to.equal(true);
    expect(holds(reMatch('name', '^ef'))).to.equal(false);
    expect(holds(reMatch('count', '\\d'))).to.equal(true);
    expect(holds(reMatch('missing', '.*'))).to.equal(false);
    expect(holds(compare('re_match', attribute('name'), attribute('raw')))).to.equal(true);
  });

  it('finds nothing with a pattern that is none', () => {
    const patterns: readonly PlainInput[] = ['(', 5, '(?=x)', Buffer.from([0xff])];
    for (const pattern of patterns) {
      const predicate = compare('re_match', attribute('name'), literal(pattern));
      expect(holds(predicate)).to.equal(false);
      expect(holds(predicate)).to.equal(false);
    }
  });
});

describe('the cost of a predicate', () => {
  const cost = (predicate: Predicate, values: ReadonlyMap<string, Value>): number => {
    const meter = new StepMeter('the query', Number.POSITIVE_INFINITY);
    withoutPause(evaluating(predicate, values, meter));
    return meter.spent;
  };
  const long = new Map<string, Value>([
    ['text', 'a'.repeat(100_000)],
    ['bytes', Buffer.alloc(100_000, 'ä')],
    ['list', Array.from({ length: 1_000 }, () => ['a'.repeat(100)])],
    ['map', new Map([['k', 'a'.repeat(100_000)]])],
  ]);

  it('grows with its expressions and with the text that is compared', () => {
    expect(cost(and(always, always, always), attributes)).to.equal(4);
    expect(
      cost(or(always, ...Array.from({ length: 1_000 }, () => always)), attributes),
      'as far as read',
    ).to.equal(2);
    for (const name of ['text', 'bytes', 'list', 'map']) {
      for (const op of ['eq', 'ne', 'lt', 're_match'] as const) {
        const steps = cost(compare(op, attribute(name), literal('x')), long);
        expect(steps, `${name} ${op}`).to.be.within(100_000 / 16, 120_000);
      }
    }
    expect(cost(compare('eq', attribute('list'), attribute('list')), long), 'each level').to.be.above(24_000);
    expect(cost(compare('re_match', attribute('text'), attribute('text')), long), 'no pattern').to.be.above(
      6_000,
    );
  });

  it('pauses between expressions and inside patterns, and ends with the budget', () => {
    const predicate = and(...Array.from({ length: 100 }, () => not(reMatch('text', '(a*)*b'))));
    const meter = new StepMeter('the query', 2_000_000, 1_000);
    const work = evaluating(predicate, long, meter);
    let before = 0;
    let pauses = 0;
    expect(() => {
      for (let next = work.next(); next.done !== true; next = work.next()) {
        expect(meter.spent - before).to.be.at.most(1_000 + 100_000 / 16 + 20);
        before = meter.spent;
        meter.resume();
        pauses++;
      }
    })
      .to.throw(QmfError, 'the query takes more than 2000000 steps; ask for')
      .with.property('code', 'query_too_costly');
    expect(pauses).to.be.above(1_000);
    expect(() => evaluatePredicate(predicate, long)).to.throw(QmfError, 'the predicate takes more than');
  });
});
