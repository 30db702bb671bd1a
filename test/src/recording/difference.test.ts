import { expect } from 'chai';
import { describe, it } from 'mocha';
import { difference } from './difference.js';

function recording(...messages: string[]): string {
  const lines = messages.map(message => `        {\n          "value": "${message}"\n        }`);
  const stream = `    {\n      "from": "agent",\n      "to": "topic/key",\n      "messages": [\n${lines.join(',\n')}\n      ]\n    }`;
  return `{\n  "scenario": "s",\n  "streams": [\n${stream}\n  ]\n}\n`;
}

describe('the difference of two recordings', () => {
  it('is empty where they are equal', () => {
    expect(difference(recording('a', 'b'), recording('a', 'b'))).to.deep.equal([]);
  });

  it('names the stream and the message, and shows the lines around', () => {
    expect(difference(recording('a', 'b'), recording('a', 'c'))).to.deep.equal([
      '  agent → topic/key, message 2:',
      '            },',
      '            {',
      '  -           "value": "b"',
      '  +           "value": "c"',
      '            }',
      '          ]',
    ]);
  });

  it('finds one more message among equal ones', () => {
    const changed = difference(recording('a', 'b', 'd'), recording('a', 'b', 'c', 'd'));
    expect(changed.filter(line => /^ {2}[+-]/.test(line))).to.deep.equal([
      '  +           "value": "c"',
      '  +         },',
      '  +         {',
    ]);
  });

  it('is cut where everything differs', () => {
    const many = (word: string): string =>
      recording(...Array.from({ length: 200 }, (_, index) => `${word}${index}`));
    const shown = difference(many('a'), many('b'));
    expect(shown).to.have.lengthOf(121);
    expect(shown.at(-1)).to.match(/and \d+ further lines/);
  });
});
