import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { anyPattern, searchedText, wellFormedPattern } from './pattern.arbitrary.js';
import { Pattern } from './pattern.js';
import { MOST_STATES } from './pattern-program.js';
import { StepMeter, withoutPause } from './step-meter.js';

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

describe('a pattern', () => {
  for (const pattern of patterns) {
    it(`finds ${pattern || 'the empty pattern'} where JavaScript does`, () => {
      const compiled = Pattern.compile(pattern);
      const reference = pattern.replaceAll('\\_', '_');
      fc.assert(
        fc.property(text, subject => compiled.search(subject) === searchWithJavaScript(reference, subject)),
      );
    });
  }

  for (const pattern of [
    '(',
    ')',
    'a)',
    '(a',
    '[',
    '[a',
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
    'a}',
    'a]',
    '[a-\\d]',
    'a'.repeat(257),
    '('.repeat(40) + ')'.repeat(40),
    '(a{200}){200}',
  ]) {
    it(`refuses ${pattern.slice(0, 40)}`, () => {
      expect(() => Pattern.compile(pattern))
        .to.throw(QmfError)
        .with.property('code', 'invalid_query');
    });
  }

  it('gives the verdicts of JavaScript with the flag u, over 60,000 well-formed patterns and texts', () => {
    let found = 0;
    fc.assert(
      fc.property(wellFormedPattern, searchedText, (pattern, subject) => {
        const expected = searchWithJavaScript(pattern, subject);
        if (expected) found++;
        return Pattern.compile(pattern).search(subject) === expected;
      }),
      { numRuns: 60_000 },
    );
    expect(found, 'both verdicts are common').to.be.within(5_000, 55_000);
  });

  it('takes and refuses what JavaScript does, over 60,000 scraps of syntax', () => {
    const limits = /is not supported|of at most|more than|longer than/;
    const escape = /\\[^A-Za-z0-9^$\\.*+?()[\]{}|/]/u;
    const counts = { both: 0, neither: 0, oursAlone: 0, theirsAlone: 0 };
    fc.assert(
      fc.property(anyPattern, searchedText, (pattern, subject) => {
        const theirs = attempt(() => new RegExp(pattern, 'u'));
        const ours = attempt(() => Pattern.compile(pattern));
        if (ours instanceof Error) {
          if (theirs instanceof Error) counts.neither++;
          else {
            counts.theirsAlone++;
            expect(ours.message, pattern).to.match(limits);
          }
        } else if (theirs instanceof Error) {
          counts.oursAlone++;
          expect(pattern, theirs.message).to.match(escape);
        } else {
          counts.both++;
          expect(ours.search(subject), `${pattern} in ${JSON.stringify(subject)}`).to.equal(
            searchWithJavaScript(pattern, subject),
          );
        }
      }),
      { numRuns: 60_000 },
    );
    for (const [kind, count] of Object.entries(counts)) expect(count, kind).to.be.above(20);
  });

  for (const [pattern, syntax] of [
    ['(a)\\1', 'a reference to a group, \\1,'],
    ['(?<x>a)\\k<x>', 'a named group (?<…>…)'],
    ['a\\k<x>', 'a reference to a group, \\k,'],
    ['a(?=b)', 'look-ahead (?=…)'],
    ['a(?!b)', 'look-ahead (?!…)'],
    ['(?<=a)b', 'look-behind (?<=…)'],
    ['(?<!a)b', 'look-behind (?<!…)'],
    ['(?P<x>a)', 'a named group (?P<…>…)'],
    ['(?>a)', 'an atomic group (?>…)'],
    ['(?i)a', '(?… for flags and the like'],
    ['(?i:a)', '(?… for flags and the like'],
    ['a++', "a possessive repetition, '+' after a repetition,"],
    ['\\p{L}', 'a Unicode property, \\p{…},'],
    ['\\Qa\\E', '\\Q'],
    ['\\A', '\\A'],
    ['[[a]]', 'a set inside a set, [ inside [...],'],
    ['[a&&b]', 'an intersection of sets, &&,'],
  ] as const) {
    it(`names the syntax of ${pattern}, which is not supported`, () => {
      expect(() => Pattern.compile(pattern)).to.throw(QmfError, `${syntax} is not supported`);
    });
  }

  it('costs at most its states at each character, whatever the pattern', () => {
    const subject = 'a'.repeat(4096);
    for (const [pattern, expected] of [
      ['(a*)*b', false],
      ['(a+a+)+y', false],
      ['(a|a|aa)+$', true],
      ['(a?){200}b', false],
      ['(a|a|a|a|a|a|a|a){20}b', false],
      ['((((){256}){256}){256}){256}', true],
      ['(.*.*.*.*.*.*){20}x', false],
    ] as const) {
      const compiled = Pattern.compile(pattern);
      expect(compiled.size).to.be.at.most(MOST_STATES);
      const meter = new StepMeter('the search', Number.POSITIVE_INFINITY);
      expect(withoutPause(compiled.searching(subject, meter)), pattern).to.equal(expected);
      expect(meter.spent, pattern).to.be.at.most(2 * compiled.size * (subject.length + 1));
      const half = new StepMeter('the search', Number.POSITIVE_INFINITY);
      withoutPause(compiled.searching(subject.slice(2048), half));
      if (!expected) expect(meter.spent / half.spent, 'linear in the text').to.be.within(1.9, 2.1);
    }
  });

  it('pauses in the middle of a text, and ends with the budget', () => {
    const compiled = Pattern.compile('(a*)*b');
    const subject = 'a'.repeat(4096);
    const meter = new StepMeter('the search', Number.POSITIVE_INFINITY, 1_000);
    const search = compiled.searching(subject, meter);
    let pauses = 0;
    let before = 0;
    for (let next = search.next(); next.done !== true; next = search.next()) {
      expect(meter.spent - before, 'work between two pauses').to.be.at.most(1_000 + 2 * compiled.size);
      before = meter.spent;
      meter.resume();
      pauses++;
    }
    expect(pauses).to.be.above(20);
    const poor = new StepMeter('the search', 10_000);
    expect(() => withoutPause(compiled.searching(subject, poor)))
      .to.throw(QmfError, 'the search takes more than 10000 steps')
      .with.property('code', 'query_too_costly');
    expect(poor.spent).to.be.at.most(10_000 + 2 * compiled.size);
  });

  it('looks at the first 4096 characters', () => {
    expect(Pattern.compile('b').search(`${'a'.repeat(4095)}b`)).to.equal(true);
    expect(Pattern.compile('b').search(`${'a'.repeat(4096)}b`)).to.equal(false);
  });
});

/**
 * The verdict of ECMAScript, which searches from code point to code point (RegExpBuiltinExec, step 10). V8's own search also tries the
 * middle of a surrogate pair, and finds `\B` there.
 */
function searchWithJavaScript(pattern: string, subject: string): boolean {
  const expression = new RegExp(pattern, 'uy');
  for (let index = 0; index <= subject.length; index += (subject.codePointAt(index) ?? 0) > 0xffff ? 2 : 1) {
    expression.lastIndex = index;
    if (expression.test(subject)) return true;
  }
  return false;
}

function attempt<T>(make: () => T): T | Error {
  try {
    return make();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
