import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { arbitraryInt, arbitraryValue } from '../codec/value.arbitrary.js';
import { QmfError } from '../errors.js';
import { mapToPlain, type PlainInput, toPlain, toValue } from './convert.js';
import { bigintOf, integerOf, mapOf, textOf } from './text.js';
import { double, Float, Int, int32, int64, narrow, sameValue, uint64, Uuid, type Value } from './value.js';

function failure(run: () => unknown): QmfError {
  try {
    run();
  } catch (error) {
    if (error instanceof QmfError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('Int', () => {
  for (const [type, lowest, highest] of [
    ['int8', -128n, 127n],
    ['uint8', 0n, 255n],
    ['int16', -32768n, 32767n],
    ['uint16', 0n, 65535n],
    ['int32', -(2n ** 31n), 2n ** 31n - 1n],
    ['uint32', 0n, 2n ** 32n - 1n],
    ['int64', -(2n ** 63n), 2n ** 63n - 1n],
    ['uint64', 0n, 2n ** 64n - 1n],
  ] as const) {
    it(`holds ${type} from ${lowest} to ${highest} and no more`, () => {
      for (const inside of [lowest, highest, 0n])
        expect(BigInt(new Int(type, inside).value)).to.equal(inside);
      for (const outside of [lowest - 1n, highest + 1n]) {
        const error = failure(() => new Int(type, outside));
        expect(error.code).to.equal('not_encodable');
        expect(error.message).to.contain(type).and.to.contain(String(outside));
      }
    });
  }

  it('takes no fraction, no infinity and no integer that a number cannot hold exactly', () => {
    for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(failure(() => new Int('int64', value)).code).to.equal('not_encodable');
    }
  });

  it('holds a number wherever that is exact', () => {
    expect(int64(5n).value).to.equal(5);
    expect(uint64(2n ** 53n).value).to.equal(2n ** 53n);
    expect(Object.is(int32(-0).value, 0)).to.equal(true);
    expect(narrow(-(2n ** 53n))).to.equal(-(2n ** 53n));
    expect(narrow(-(2n ** 53n) + 1n)).to.equal(Number.MIN_SAFE_INTEGER);
    fc.assert(
      fc.property(
        arbitraryInt,
        int => (typeof int.value === 'number') === Number.isSafeInteger(Number(int.value)),
      ),
    );
  });
});

describe('Float', () => {
  it('holds as float what 32 bits can hold', () => {
    expect(new Float('float', 0.1).value).to.equal(Math.fround(0.1));
    expect(double(0.1).value).to.equal(0.1);
  });
});

describe('Uuid', () => {
  const text = '0c79df0a-17d9-0211-a52f-23e3204e8e08';

  it('reads and writes its text form', () => {
    expect(Uuid.parse(text).toString()).to.equal(text);
    expect(Uuid.parse(text.replaceAll('-', '').toUpperCase()).equals(Uuid.parse(text))).to.equal(true);
    expect(Uuid.parse(text).equals(Uuid.parse(text.replace('0c', '0d')))).to.equal(false);
  });

  it('refuses other text and another number of bytes', () => {
    expect(failure(() => Uuid.parse('0c79df0a')).code).to.equal('invalid_argument');
    expect(failure(() => new Uuid(new Uint8Array(15))).code).to.equal('not_encodable');
  });
});

describe('toValue', () => {
  const cases: readonly [string, PlainInput, Value][] = [
    ['undefined', undefined, null],
    ['a small integer', -5, int32(-5)],
    ['the lowest int32', -(2 ** 31), int32(-(2 ** 31))],
    ['an integer beyond int32', 2 ** 31, int64(2 ** 31)],
    ['a fraction', 0.5, double(0.5)],
    ['minus zero', -0, double(-0)],
    ['an integer beyond 2^53', 2 ** 60, double(2 ** 60)],
    ['a bigint', 5n, int64(5)],
    ['a bigint beyond int64', 2n ** 63n, uint64(2n ** 63n)],
    ['a typed integer', new Int('uint8', 3), new Int('uint8', 3)],
    [
      'an object',
      { a: 1, b: undefined, c: ['x'] },
      new Map<string, Value>([
        ['a', int32(1)],
        ['c', ['x']],
      ]),
    ],
    [
      'an object without prototype',
      Object.assign(Object.create(null), { a: 'b' }) as PlainInput,
      new Map([['a', 'b']]),
    ],
    ['a Map', new Map([['__proto__', 'b']]), new Map([['__proto__', 'b']])],
  ];
  for (const [what, input, value] of cases) {
    it(`takes ${what}`, () => expect(sameValue(toValue(input), value)).to.equal(true));
  }

  it('names the place of what cannot be sent', () => {
    const hostile = (value: unknown): PlainInput => value as PlainInput;
    expect(failure(() => toValue({ a: [1, 2n ** 64n] })).message).to.contain('value.a[1]');
    for (const value of [new Date(), new Set(), () => 0, Symbol('x'), /x/, new Map([[1, 2]])]) {
      const error = failure(() => toValue({ part: hostile(value) }, 'argument'));
      expect(error.code).to.equal('not_encodable');
      expect(error.message).to.contain('argument.part');
    }
  });

  it('takes __proto__ for a key like any other', () => {
    const parsed = JSON.parse('{"__proto__":{"polluted":true}}') as PlainInput;
    const value = new Map([['__proto__', new Map([['polluted', true]])]]);
    expect(sameValue(toValue(parsed), value)).to.equal(true);
  });

  it('refuses a value that contains itself', () => {
    const cyclic: Record<string, PlainInput> = {};
    cyclic.self = cyclic;
    expect(failure(() => toValue(cyclic)).code).to.equal('not_encodable');
  });
});

describe('toPlain', () => {
  it('drops the wrappers, and reads binary that is text as text', () => {
    const uuid = Uuid.parse('0c79df0a17d90211a52f23e3204e8e08');
    const list = [
      int32(5),
      uint64(2n ** 60n),
      double(1.5),
      uuid,
      Buffer.from('ä'),
      Buffer.from([0xff]),
      null,
    ];
    expect(toPlain(list)).to.deep.equal([5, 2n ** 60n, 1.5, uuid.toString(), 'ä', Buffer.from([0xff]), null]);
  });

  it('makes an ordinary property of the key __proto__', () => {
    const plain = mapToPlain(
      new Map<string, Value>([
        ['__proto__', new Map([['polluted', true]])],
        ['constructor', 'x'],
      ]),
    );
    expect(Object.getPrototypeOf(plain)).to.equal(Object.prototype);
    expect(Object.keys(plain)).to.deep.equal(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined);
  });
});

describe('sameValue', () => {
  it('holds for a value and its deep copy', () => {
    fc.assert(fc.property(arbitraryValue, value => sameValue(value, structuredClonedValue(value))));
  });

  it('tells apart what peers tell apart', () => {
    const values: readonly Value[] = [
      null,
      false,
      'a',
      '',
      Buffer.from('a'),
      int32(0),
      int64(0),
      double(0),
      double(-0),
      new Float('float', 0),
      Uuid.parse('0'.repeat(32)),
      Buffer.alloc(16),
      [],
      [null],
      ['a'],
      new Map(),
      new Map([['a', null]]),
      new Map([['b', null]]),
      new Map([['a', 'a']]),
    ];
    for (const [i, left] of values.entries()) {
      for (const [j, right] of values.entries())
        expect(sameValue(left, right), `${i} and ${j}`).to.equal(i === j);
    }
  });

  it('does not mind the order of entries, and takes NaN for itself', () => {
    const left = new Map([
      ['a', 'x'],
      ['b', 'y'],
    ]);
    const right = new Map([
      ['b', 'y'],
      ['a', 'x'],
    ]);
    expect(sameValue(left, right)).to.equal(true);
    expect(sameValue(double(Number.NaN), double(Number.NaN))).to.equal(true);
  });
});

describe('readers of untyped values', () => {
  it('find text in strings and in UTF-8 bytes', () => {
    expect(textOf('x')).to.equal('x');
    expect(textOf(Buffer.from('ä'))).to.equal('ä');
    expect(textOf(Buffer.from([0xff]))).to.equal(undefined);
    expect(textOf(int32(5))).to.equal(undefined);
    expect(textOf(undefined)).to.equal(undefined);
  });

  it('find integers and maps', () => {
    expect(integerOf(new Int('uint8', 5))).to.equal(5);
    expect(integerOf(uint64(2n ** 60n))).to.equal(undefined);
    expect(bigintOf(uint64(2n ** 60n))).to.equal(2n ** 60n);
    expect(bigintOf('5')).to.equal(undefined);
    expect(mapOf(new Map())).to.deep.equal(new Map());
    expect(mapOf([])).to.equal(undefined);
  });
});

/** A copy that shares no object with the original. */
function structuredClonedValue(value: Value): Value {
  if (value instanceof Int) return new Int(value.type, value.value);
  if (value instanceof Float) return new Float(value.type, value.value);
  if (value instanceof Uuid) return new Uuid(Uint8Array.from(value.bytes));
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<string, Value>)]; // the only Map among values
    return new Map(entries.reverse().map(([key, item]) => [key, structuredClonedValue(item)]));
  }
  return Array.isArray(value) ? (value as readonly Value[]).map(structuredClonedValue) : value; // the only array
}
