import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { after, before, describe, it } from 'mocha';
import { InputError } from './input-error.js';
import {
  decodeText,
  nearest,
  parseJson,
  parsePlainJson,
  readSecretFile,
  readTextFile,
  readTextStream,
} from './index.js';

describe('a text file that a user names', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'input-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const file = (content: string | Uint8Array): string => {
    const path = join(folder, 'file');
    writeFileSync(path, content);
    return path;
  };

  it('is UTF-8, with or without a byte order mark', async () => {
    expect(await readTextFile(file('grün\r\n'))).to.equal('grün\r\n');
    expect(await readTextFile(file('\uFEFFgrün'))).to.equal('grün');
    expect(await readTextFile(file('a\uFEFFb'))).to.equal('a\uFEFFb');
    expect(await readTextFile(file(''))).to.equal('');
    expect(await readSecretFile(file('\uFEFFhush \r\nmore'))).to.equal('hush ');
  });

  for (const [what, content, complaint] of [
    [
      'Latin-1',
      Buffer.from('gr\u00fcn', 'latin1'),
      'is no UTF-8 text from byte offset 2 on; save it as UTF-8',
    ],
    ['a sequence that is cut off', Buffer.from('aé').subarray(0, 2), 'from byte offset 1 on'],
    ['a lone surrogate', Buffer.from([0x61, 0xed, 0xa0, 0x80]), 'from byte offset 1 on'],
    [
      'the mark for what is wrong before it',
      Buffer.from([0xef, 0xbf, 0xbd, 0xef, 0xbf]),
      'from byte offset 3 on',
    ],
    ['UTF-16', Buffer.from('\uFEFFhush', 'utf16le'), 'is UTF-16; save it as UTF-8'],
    ['UTF-16 the other way round', Buffer.from('\uFEFFhush', 'utf16le').swap16(), 'is UTF-16'],
    ['UTF-16 without a mark', Buffer.from('hush', 'utf16le'), 'holds a zero byte at offset 1, as UTF-16'],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), 'is UTF-32'],
    ['more than the limit', 'x'.repeat(1025), 'has more than 1024 bytes'],
  ] as const) {
    it(`is refused: ${what}`, async () => {
      const error = await failure(readTextFile(file(content), { name: '--acl FILE', limit: 1024 }));
      expect(error).to.be.instanceOf(InputError).with.property('code', 'invalid_argument');
      expect(error.message)
        .to.match(/^--acl FILE /)
        .and.include(complaint)
        .and.not.include('hush');
    });
  }

  it('is no directory, device or missing file, and a secret is not empty', async () => {
    for (const [path, complaint] of [
      [folder, 'it is a directory'],
      ['/dev/zero', 'it is a device'],
      [join(folder, 'gone'), 'there is no such file'],
      [join(file(''), 'below'), 'a part of its path is no directory'],
      ['a\0b', 'zero byte'],
    ] as const)
      expect((await failure(readTextFile(path))).message).to.include(complaint);
    expect((await failure(readSecretFile(file('\nhush')))).message).to.match(/its first line is empty/);
  });

  it('may be a pipe, or standard input', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reading = readTextFile(pipe);
    writeFileSync(pipe, '\uFEFFthrough a pipe');
    expect(await reading).to.equal('through a pipe');
    expect(await readTextStream(Readable.from([Buffer.from('\uFEFFgr'), Buffer.from('ün')]))).to.equal(
      'grün',
    );
    expect((await failure(readTextStream(Readable.from(['xx', 'xx']), { limit: 3 }))).message).to.equal(
      'standard input has more than 3 bytes; is it the right file?',
    );
  });

  it('is what was written, or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), bytes => {
        try {
          const text = decodeText(bytes, 'x');
          const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
          expect(Buffer.from(text)).to.deep.equal(Buffer.from(marked ? bytes.subarray(3) : bytes));
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          const offset = Number(/byte offset (\d+)/.exec(error.message)?.[1] ?? 0);
          expect(() =>
            decodeText(
              bytes.subarray(0, offset).filter(byte => byte !== 0),
              'x',
            ),
          ).not.to.throw(/UTF-8 text/);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('JSON that a person wrote', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ depthSize: 'small' }), fc.constantFrom(undefined, 2), (json, indent) => {
        const text = JSON.stringify(JSON.parse(json), undefined, indent);
        // Chai takes an own property __proto__ for none, so texts are compared.
        expect(JSON.stringify(parsePlainJson(text, 'x'))).to.equal(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: 500 },
    );
  });

  it('is refused where JSON.parse refuses it, without a word of it', () => {
    const text = fc.stringMatching(/^[[\]{}",:0-9eE.+\-\\ntrufals \n]{0,12}$/);
    fc.assert(
      fc.property(text, given => {
        const isRead = (read: () => unknown): boolean => {
          try {
            read();
            return true;
          } catch (error) {
            return error instanceof InputError && !(error.cause instanceof SyntaxError);
          }
        };
        expect(isRead(() => parsePlainJson(given, 'x'))).to.equal(isRead(() => JSON.parse(given)));
      }),
      { numRuns: 5_000 },
    );
    for (const wrong of ['{"a": hush}', '{"password": "hush', '"hush\n"', 'hush', '{"a": 1} hush'])
      expect(() => parsePlainJson(wrong, 'it'))
        .to.throw(InputError, /^it is no JSON: line 1, column \d+: /)
        .with.property('message')
        .that.does.not.include('hush');
  });

  for (const [text, complaint] of [
    ['{"a": 1,\n "a": 2}', 'x: line 2, column 2: the key "a" comes twice'],
    ['{"a": {"__proto__": 1, "\\u005f_proto__": 2}}', 'the key "__proto__" comes twice'],
    ['['.repeat(100_000), 'x: line 1, column 66: more than 64 levels of nesting'],
    ['{"a":'.repeat(100_000), 'more than 64 levels'],
    ['', 'x is no JSON: line 1, column 1: a value is expected'],
  ] as const) {
    it(`says of ${text.slice(0, 20)}: ${complaint}`, () => {
      expect(() => parsePlainJson(text, 'x')).to.throw(InputError, complaint);
    });
  }

  it('gives numbers by their text', () => {
    expect(parseJson('[1, 1.0, 18446744073709551615, -0]', 'x', text => text)).to.deep.equal([
      '1',
      '1.0',
      '18446744073709551615',
      '-0',
    ]);
  });
});

describe('the nearest word', () => {
  const words = ['descriptor', 'target', 'image_uuid', 'sec_credentials'];
  for (const [given, meant] of [
    ['descripter', 'descriptor'],
    ['DESCRIPTOR', 'descriptor'],
    ['tagret', 'target'],
    ['image-uuid', 'image_uuid'],
    ['imageuuid', 'image_uuid'],
    ['desc', 'descriptor'],
    ['image', 'image_uuid'],
    ['uuid', 'image_uuid'],
    ['credentials', 'sec_credentials'],
    ['cred', undefined],
    ['template', undefined],
    ['', undefined],
    ['d', undefined],
    ['x'.repeat(100_000), undefined],
  ] as const) {
    it(`to '${given.slice(0, 20)}' is ${meant ?? 'none'}`, () =>
      expect(nearest(given, words)).to.equal(meant));
  }
  it('is the longer one of two at the same distance', () => {
    expect(nearest('ste', ['to', 'steps'])).to.equal('steps');
  });
});

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Error) return error;
  throw new Error('it succeeded, a failure was expected');
}
