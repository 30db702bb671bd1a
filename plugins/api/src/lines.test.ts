import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { LineSplitter, maxLineLength, Tail } from './lines.js';

function split(chunks: readonly Uint8Array[], reserve = 0): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter(line => lines.push(line), reserve);
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

describe('LineSplitter', () => {
  it('ends lines at line feeds and carriage returns and leaves out empty ones', () => {
    expect(split([Buffer.from('a\r\nb\rc\n\nd')])).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat(20)), (text, cuts) => {
        const bytes = Buffer.from(text.replaceAll(/\p{Cs}/gu, ''));
        const chunks: Uint8Array[] = [];
        let rest: Uint8Array = bytes;
        for (const cut of cuts) {
          chunks.push(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        expect(split([...chunks, rest])).to.deep.equal(split([bytes]));
      }),
    );
  });

  it('keeps a line without end in bounds, and the next one whole', () => {
    const long = Buffer.alloc(100_000, 'x');
    const lines = split([long, long, Buffer.from('\nnext')], 10);
    expect(lines.map(line => line.length)).to.deep.equal([maxLineLength + 10, 4]);
  });
});

describe('Tail', () => {
  it('keeps the last bytes only', () => {
    const tail = new Tail(5);
    for (const word of ['abc', 'defg', 'hi']) tail.push(Buffer.from(word));
    expect(tail.toString()).to.equal('efghi');
  });
});
