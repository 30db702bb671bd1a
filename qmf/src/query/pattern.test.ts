import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { compilePattern } from './pattern.js';

const patterns = [
  '',
  'a',
  'ab',
  'a|b',
  'a|',
  '|a',
  '(ab|a)b',
  'a*',
  'a+b',
  'a?b',
  'a{2}',
  'a{2,}',
  'a{1,2}b',
  'a{0}b',
  '(a|b)*c',
  '(?:ab)+',
  '^a',
  'b$',
  '^$',
  '^(a|b)+$',
  '.',
  'a.c',
  '[ab]',
  '[^ab]',
  '[a-c]+$',
  '[-a]',
  '[a-]',
  '[^-]',
  '\\d',
  '\\D+',
  '\\w+',
  '\\W',
  '\\s',
  '\\S{3}',
  '[\\d_]',
  '[^\\w]',
  '\\bab\\b',
  '\\Bb',
  '\\.',
  '\\x61',
  '\\u0062',
  '[\\]\\\\]',
  '\\t|\\n',
  '(a*)*b',
  '(a*)+',
  '(a|ab)(c|bcd)',
  'a*?b',
  'a+?',
  '((a)|b){2}',
  '(a|b|c){3}$',
  '()',
  '(){5}a',
  'é',
  '[à-ü]',
  '_',
  '\\_',
  'a{2,3}?c',
  '(^a|b$)',
];

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd', '1', '_', ' ', '\n', '\t', '.', '-', ']', '\\', 'é', '😀'), {
    maxLength: 12,
  })
  .map(parts => parts.join(''));

describe('compilePattern', () => {
  for (const pattern of patterns) {
    it(`finds ${pattern || 'the empty pattern'} where JavaScript does`, () => {
      const compiled = compilePattern(pattern);
      const reference = new RegExp(pattern.replaceAll('\\_', '_'), 'u');
      fc.assert(fc.property(text, subject => compiled.search(subject) === reference.test(subject)));
    });
  }

  for (const pattern of [
    '(',
    ')',
    'a)',
    '(a',
    '[',
    '[a',
    '[]',
    '[b-a]',
    '[\\d-z',
    '[a-\\d]',
    '*',
    '+a',
    '?',
    'a**',
    'a{',
    'a{x}',
    'a{2',
    'a{3,2}',
    'a{999}',
    '{1}',
    '\\',
    '\\1',
    '\\k',
    '\\p{L}',
    '\\x1',
    '\\uzzzz',
    '(?=a)',
    '(?!a)',
    '(?<a>b)',
    '(?i)a',
    '^*',
    '\\b+',
    '[[a]]',
    '[a&&b]',
    'a'.repeat(257),
    '('.repeat(40) + ')'.repeat(40),
    '(a{200}){200}',
  ]) {
    it(`refuses ${pattern.slice(0, 40)}`, () => {
      expect(() => compilePattern(pattern))
        .to.throw(QmfError)
        .with.property('code', 'invalid_query');
    });
  }

  it('takes hostile patterns without standing still', () => {
    const subject = 'a'.repeat(4096);
    expect(compilePattern('(a*)*b').search(subject)).to.equal(false);
    expect(compilePattern('(x+x+)+y').search('x'.repeat(4096))).to.equal(false);
    expect(compilePattern('(a|a|aa)+$').search(subject)).to.equal(true);
    expect(compilePattern('(a?){200}b').search(subject)).to.equal(false);
    expect(compilePattern('((((){256}){256}){256}){256}').search(subject)).to.equal(true);
  });

  it('looks at the first 4096 characters', () => {
    expect(compilePattern('b').search(`${'a'.repeat(4095)}b`)).to.equal(true);
    expect(compilePattern('b').search(`${'a'.repeat(4096)}b`)).to.equal(false);
  });
});
