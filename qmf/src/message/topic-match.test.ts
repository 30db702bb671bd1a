import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { matchesTopic, topicPattern } from './topic-match.js';

/** The definition, without any cleverness: try every number of words for every `#`. */
function bySearch(pattern: readonly string[], words: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return words.length === 0;
  if (first === '#') {
    return Array.from({ length: words.length + 1 }, (_, taken) => words.slice(taken)).some(left =>
      bySearch(rest, left),
    );
  }
  return words.length > 0 && (first === '*' || first === words[0]) && bySearch(rest, words.slice(1));
}

describe('topic matching', () => {
  it('agrees with the definition for every pattern and key', () => {
    const word = fc.constantFrom('a', 'b', '');
    fc.assert(
      fc.property(
        fc.array(fc.oneof(word, fc.constantFrom('*', '#')), { minLength: 1, maxLength: 7 }),
        fc.array(word, { minLength: 1, maxLength: 7 }),
        (pattern, words) => {
          expect(matchesTopic(topicPattern(pattern.join('.')), words.join('.'))).to.equal(
            bySearch(pattern, words),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('takes time in proportion to pattern and key, whatever they are', () => {
    const pattern = topicPattern(`${'#.a.'.repeat(200)}b`);
    const key = 'a.'.repeat(4000).slice(0, -1);
    const before = process.cpuUsage();
    expect(matchesTopic(pattern, key)).to.equal(false);
    // A search of all possibilities would outlive the universe; a second of work leaves room for any machine.
    expect(process.cpuUsage(before).user / 1e6).to.be.below(1);
  });
});
