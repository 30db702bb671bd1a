import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { createMask } from './mask.js';

const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const shell = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

describe('createMask', () => {
  it('hides any secret, as it is and in the usual escapes', () => {
    // Long enough that no part of the frame around it is the secret itself.
    const secret = fc
      .string({ unit: 'grapheme', minLength: 6, maxLength: 30 })
      .filter(text => !/[\r\n]/.test(text) && text.trim().length > 5);
    fc.assert(
      fc.property(secret, text => {
        const mask = createMask([text]);
        const forms = [
          text,
          JSON.stringify(text).slice(1, -1),
          JSON.stringify(JSON.stringify(text)).slice(3, -3),
          encodeURIComponent(text),
          new URLSearchParams([['', text]]).toString().slice(1),
          xml(text),
          shell(text).slice(1, -1),
        ];
        for (const form of forms) {
          expect(mask(`before ${form} after`), form).to.equal('before *** after');
          expect(mask.part(`before=${form} after`), form).to.equal('before=*** after');
        }
      }),
    );
  });

  it('hides every occurrence of one that is long and no word, the longest first', () => {
    const mask = createMask(['geheim-1', 'geheim-12345', '']);
    expect(mask('xgeheim-12345=geheim-1, geheim-1x')).to.equal('x***=***, ***x');
    expect(mask.longest).to.equal('geheim-12345'.length);
    expect(createMask(['a.b-c+d.e', '$&$&$&$&'])('a.b-c+d.e axb-c+d.e $&$&$&$&')).to.equal(
      '*** axb-c+d.e ***',
    );
  });

  it('hides a plain word, or a short secret, not within other words', () => {
    const mask = createMask(['hunter2', 'sesame', 'straße']);
    expect(mask('hunter2, sesame! and "straße"')).to.equal('***, ***! and "***"');
    expect(mask('sesames, hunter22, xhunter2, straßen, open_sesame')).to.equal(
      'sesames, hunter22, xhunter2, straßen, open_sesame',
    );
  });

  for (const secret of ['x', 'debian', 'password', '123456', 'no', '*', 'exit', 'Setting', 'done', '1000']) {
    it(`hides ${secret} only where it stands as a value`, () => {
      const mask = createMask([secret]);
      for (const around of [
        (value: string) => value,
        (value: string) => `  ${value} `,
        (value: string) => `rootpw=${value}`,
        (value: string) => `rootpw=${value} more`,
        (value: string) => `root:${value}`,
        (value: string) => `http://me:${value}@h.example.org/`,
        (value: string) => `password: ${value}`,
        (value: string) => `Passwd is ${value}, they say`,
        (value: string) => `--password ${value} --other`,
        (value: string) => `{"rootpw":"${value}","name": "${value}"}`,
        (value: string) => `it is '${value}'`,
        (value: string) => JSON.stringify(`say "${value}"`),
      ]) {
        expect(mask(around(secret))).to.equal(around('***'));
      }
      for (const text of [
        'exit status 1 of the next package at https://deb.debian.example.org/debian/',
        'Setting up debian-archive-keyring (2023.3) ... no passwords',
        'Processing triggers for libc-bin (2.36-9) ... done',
        'the user 1000 could not exit',
        'Get:1 http://mirror.example.org/debian bookworm InRelease [151 kB] 1234567',
      ]) {
        expect(mask(text)).to.equal(text);
      }
      expect(mask.value(secret)).to.equal('***');
      expect(mask.part(secret), 'inside of something else').to.equal(secret);
    });
  }

  it('hides each line of a secret of several lines', () => {
    expect(createMask(['first line\r\nsecond line'])('1: first line, 2: second line')).to.equal(
      '1: ***, 2: ***',
    );
  });

  it('marks nothing twice', () => {
    expect(createMask(['*** *** ***', '***********'])('*** *** ***, ***********')).to.equal('***, ***');
  });

  it('leaves everything alone without secrets', () => {
    for (const secrets of [[], [''], [' ']]) expect(createMask(secrets)('text ')).to.equal('text ');
  });

  it('copes with half a surrogate pair', () => {
    expect(createMask(['a\uD800bcdefgh'])('x a\uD800bcdefgh y')).to.equal('x *** y');
  });
});
