import { expect } from 'chai';
import { describe, it } from 'mocha';
import { bestMatches } from './agents.js';

const agents = [
  'redhat.com:imagefactory:5edbf641',
  'redhat.com:imagefactory:5edb',
  'redhat.com:imagefactory2:x',
  'apache.org:qpidd:41fc:7abd',
].map(name => ({ name }));

describe('bestMatches', () => {
  for (const [text, indices] of [
    ['redhat.com:imagefactory:5edb', [1]],
    ['redhat.com:imagefactory', [0, 1]],
    ['imagefactory', [0, 1]],
    ['imagef', [0, 1, 2]],
    ['5edb', [1]],
    ['5ed', [0, 1]],
    ['redhat.com', [0, 1, 2]],
    ['41fc:7abd', [3]],
    ['41fc', [3]],
    ['qpid', [3]],
    ['factory', []],
  ] as const) {
    it(`finds for ${text} ${indices.length} of ${agents.length}`, () => {
      expect(bestMatches(agents, text)).to.deep.equal(indices.map(index => agents[index]));
    });
  }
});
