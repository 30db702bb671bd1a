import { defineData, type SchemaMethod, type SchemaProperty } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { CliError, usageError } from '../errors.js';
import { readArgument } from './argument-value.js';
import { readCallArguments } from './call-arguments.js';
import { parseNotation } from './notation.js';
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
    [['a', 'steps=null', 'to='], { from: 'a', to: '', steps: null }],
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
    [['from=a', 'b', 'steps=1'], /'b' comes after an argument with a name/],
    [['a', 'b', '3.5'], /argument steps \(INT\): '3.5' was given/],
    [['a', 'b', '18446744073709551616'], /fits into 64 bits is expected$/],
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
    ['float', '1e3', 1000],
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

describe('parseNotation', () => {
  it('tells nothing from something', () => {
    expect(parseNotation('{]')).to.equal(undefined);
    expect(parseNotation('[1], [quote, 2]')).to.equal(undefined);
  });
});
