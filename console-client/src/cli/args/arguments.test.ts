import {
  defineData,
  double,
  type Float,
  type Int,
  int32,
  int64,
  type SchemaMethod,
  type SchemaProperty,
  uint64,
  type Value,
} from '@imagefactory/qmf';
import { encodeNative } from '@imagefactory/qmf/wire';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { CliError, usageError } from '../errors.js';
import { readArgument } from './argument-value.js';
import { readCallArguments } from './call-arguments.js';
import { signatureOf } from './signature.js';

const { schema } = defineData({
  package: 'p',
  name: 'C',
  properties: {},
  methods: {
    move: {
      arguments: {
        from: { type: 'string', dir: 'I' },
        to: { type: 'string', dir: 'IO' },
        steps: { type: 'int', dir: 'I' },
        path: { type: 'list', dir: 'O' },
      },
    },
  },
});
const move: SchemaMethod = schema.methods[0]!;

const reader = {
  readText: (path: string, what: string) =>
    path === '-'
      ? Promise.resolve(' 42 \n')
      : path === 'here'
        ? Promise.resolve('from a file\n')
        : Promise.reject(usageError(`${what}: ${path} cannot be read`)),
};

async function failure(promise: Promise<unknown>): Promise<CliError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof CliError) return error;
  }
  throw new Error('a CliError was expected');
}

describe('arguments of a call', () => {
  const good: readonly (readonly [readonly string[], Record<string, unknown>])[] = [
    [['a', 'b', '3'], { from: 'a', to: 'b', steps: 3n }],
    [['steps=3', 'to=b', 'from=a=c'], { from: 'a=c', to: 'b', steps: 3n }],
    [['from=form=a', 'to=b', 'steps=1'], { from: 'form=a', to: 'b', steps: 1n }],
    [['a', 'steps=null', 'to='], { from: 'a', to: '', steps: null }],
    [['http://host/x=y', 'node:b', '1'], { from: 'http://host/x=y', to: 'node:b', steps: 1n }],
    [['redhat.com:imagefactory:one', '=', '1'], { from: 'redhat.com:imagefactory:one', to: '=', steps: 1n }],
    [['from=from:x', 'to=too=y', 'steps=1'], { from: 'from:x', to: 'too=y', steps: 1n }],
    [['other=a', 'b', '-5'], { from: 'other=a', to: 'b', steps: -5n }],
  ];
  for (const [words, values] of good) {
    it(`are read from ${words.join(' ')}`, async () => {
      expect(await readCallArguments(move, words, reader)).to.deep.equal(values);
    });
  }

  it('are read from files and standard input', async () => {
    expect(await readCallArguments(move, ['@here', '@@here', '-'], reader)).to.deep.equal({
      from: 'from a file\n',
      to: '@here',
      steps: 42n,
    });
  });

  const bad: readonly (readonly [readonly string[], RegExp])[] = [
    [['a'], /missing: to, steps$/],
    [[], /missing: from, to, steps$/],
    [['a', 'b', '3', '4'], /4 arguments were given, 3 are expected$/],
    [['a', 'from=b', 'to=c', 'steps=1'], /argument from was given twice$/],
    [['form=a', 'b', '1'], /no argument is called 'form'; did you mean from\?$/],
    [['a', 'b', 'Step=1'], /no argument is called 'Step'; did you mean steps\?$/],
    [['from=a', 'to=b', 'stepps=1'], /did you mean steps\?$/],
    [['from=a', 'b', 'steps=1'], /'b' comes after an argument with a name/],
    [['a', 'b', '3.5'], /argument steps \(INT\): '3.5' was given/],
    [['a', 'b', '18446744073709551616'], /fits into 64 bits is expected$/],
    [['fro=a', 'b', '1'], /no argument is called 'fro'; did you mean from\?$/],
    [['a', 'b', 'ste=1'], /did you mean steps\?$/],
    [['a', 'b', 'step-s=1'], /no argument is called 'step-s'; did you mean steps\?$/],
    [['a', 'b', 'steps:1'], /'steps:1' has a colon where = is expected$/],
    [['a', 'b', 'setps:1'], /no argument is called 'setps'; did you mean steps\?$/],
    [['from:', 'a', 'b'], /'from:' has a colon where = is expected$/],
    [['steps', '=3', 'b'], /'steps' and '=3' are two words$/],
    [['steps', '=', '3'], /'steps' and '=' are two words$/],
    [['template=@here', 'b', '1'], /no argument is called 'template'$/],
    [['@nowhere', 'b', '1'], /argument from: nowhere cannot be read/],
  ];
  for (const [words, message] of bad) {
    it(`are refused: ${words.join(' ')}`, async () => {
      const error = await failure(readCallArguments(move, words, reader));
      expect(error.message).to.match(message);
      expect(error.exitCode).to.equal(2);
    });
  }

  it('are named by the signature', () => {
    expect(signatureOf(move)).to.equal('move(from STRING, to STRING, steps INT) -> to STRING, path LIST');
  });
});

describe('an argument', () => {
  const read = (type: SchemaProperty['type'], text: string): unknown =>
    readArgument({ ...move.arguments[0]!, name: 'x', type }, { kind: 'typed', text });

  for (const [type, text, value] of [
    ['bool', 'TRUE', true],
    ['int', '0x10', 16n],
    ['int', '-9223372036854775808', -(2n ** 63n)],
    ['float', '1e3', double(1000)],
    ['string', 'null ', 'null '],
    ['string', 'null', null],
    ['map', '{"a": [1, "b c"]}', { a: [1, 'b c'] }],
    ['map', "{a: [1, 'b c'], d: TRUE}", { a: [1, 'b c'], d: true }],
    ['list', '[]', []],
    ['list', '[null, nothing]', ['null', 'nothing']],
    ['uuid', '6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44', '6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44'],
  ] as const) {
    it(`of type ${type} is read from ${text}`, () => expect(read(type, text)).to.deep.equal(value));
  }

  for (const [type, text] of [
    ['bool', '1'],
    ['int', ''],
    ['int', '1e3'],
    ['float', 'much'],
    ['float', ''],
    ['map', '[1]'],
    ['map', '{a: 1'],
    ['list', '{}'],
    ['list', '1'],
    ['uuid', 'abc'],
    ['void', 'x'],
  ] as const) {
    it(`of type ${type} is not read from '${text}'`, () => {
      expect(() => read(type, text)).to.throw(CliError, /^argument x \(/);
    });
  }
});

describe('numbers in maps and lists', () => {
  const map = { ...move.arguments[0]!, name: 'x', type: 'map' } as const;
  /** The bytes that leave, decoded with all types. */
  const sent = (type: 'map' | 'list' | 'float', text: string) => {
    const argument = { ...map, type };
    return encodeNative(type, readArgument(argument, { kind: 'typed', text }), 'x');
  };

  for (const [text, value] of [
    ['9007199254740993', int64(9007199254740993n)],
    ['18446744073709551615', uint64(18446744073709551615n)],
    ['-9223372036854775808', int64(-(2n ** 63n))],
    ['9223372036854775808', uint64(2n ** 63n)],
    ['2147483647', int32(2147483647)],
    ['2147483648', int64(2147483648)],
    ['-2147483648', int32(-2147483648)],
    ['-0', int32(0)],
    ['1.0', double(1)],
    ['-0.0', double(-0)],
    ['1e3', double(1000)],
    ['1E+23', double(1e23)],
    ['0.1', double(0.1)],
    ['5e-324', double(5e-324)],
    ['9007199254740992.0', double(2 ** 53)],
    ['0.1000000000000000055511151231257827', double(0.1)],
    ['-1092190616056776.2', double(-1092190616056776.25)],
    ['-1092190616056776.3', double(-1092190616056776.25)],
  ] as const) {
    it(`are exact: ${text}`, () => {
      for (const form of [`{"n": ${text}}`, `{n: ${text}}`, `{"n":[${text}]}`, `{n:[${text}]}`]) {
        const found = [...(sent('map', form) as ReadonlyMap<string, Value>).values()].flat(); // a map was written
        expect(found).to.deep.equal([value]);
      }
      expect(sent('list', `[${text}]`)).to.deep.equal([value]);
    });
  }

  for (const text of [
    '18446744073709551616',
    '-9223372036854775809',
    '1'.repeat(400),
    '9007199254740993.0',
    '9007199254740993e0',
    '0.12345678901234567891',
    '1e400',
    '-1e999',
    '1e-400',
  ]) {
    it(`are refused: ${text.slice(0, 40)}`, () => {
      for (const form of [`{"n": ${text}}`, `{n: ${text}}`, `{"n":[[${text}]]}`])
        expect(() => sent('map', form)).to.throw(
          CliError,
          /^argument x \(MAP\): |^argument x .*a map such as/,
        );
      if (/[.e]/.test(text)) expect(() => sent('float', text)).to.throw(CliError);
    });
  }

  it('are doubles for a FLOAT, exact or refused', () => {
    expect(sent('float', '3')).to.deep.equal(double(3));
    expect(sent('float', '+.5')).to.deep.equal(double(0.5));
    expect(sent('float', 'Infinity')).to.deep.equal(double(Number.POSITIVE_INFINITY));
    for (const text of ['9007199254740993', '18446744073709551615', '1e400'])
      expect(() => sent('float', text), text).to.throw(CliError, /than a double holds/);
  });

  it('keep every integer of 64 bits and every double', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), number => {
        const [value] = sent('list', `[${number}]`) as readonly Int[]; // a list of one integer was written
        expect(value?.toString()).to.equal(String(number));
      }),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), number => {
        const text = Object.is(number, -0) ? '-0.0' : String(number);
        const [value] = sent('list', `[${/[.e]/.test(text) ? text : `${text}.0`}]`) as readonly Float[]; // one double
        expect(value?.value).to.equal(number);
      }),
    );
  });

  for (const [text, reason] of [
    ['{"a": 1, "a": 2}', /the key "a" comes twice/],
    ['{a: 1, a: 2}', /the key 'a' comes twice/],
    [`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, /more than 64 levels/],
    [`${'{a:'.repeat(500)}1${'}'.repeat(500)}`, /levels of nesting/],
    ['{"a": 1} x', /the end of the text/],
    ['{a: 1} x', /the end of the text/],
  ] as const) {
    it(`refuses ${text.slice(0, 30)} with the reason`, () => {
      expect(() => readArgument(map, { kind: 'typed', text }))
        .to.throw(CliError, /^argument x \(MAP\): .* is expected$/)
        .with.property('remedy')
        .that.matches(reason);
    });
  }

  it('takes __proto__ for a key as any other', () => {
    for (const text of ['{"__proto__": {"a": 1}}', '{__proto__: {a: 1}}'])
      expect(sent('map', text)).to.deep.equal(new Map([['__proto__', new Map([['a', int32(1)]])]]));
  });
});
