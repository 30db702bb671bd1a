import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { createScrubber } from './scrubber.js';

const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const shell = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

describe('createScrubber', () => {
  it('hides any secret, as it is and in the usual escapes', () => {
    // Long enough that no part of the frame around it is the secret itself.
    const secret = fc
      .string({ unit: 'grapheme', minLength: 6, maxLength: 30 })
      .filter(text => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(secret, text => {
        const scrub = createScrubber([text]);
        const forms = [
          text,
          JSON.stringify(text).slice(1, -1),
          JSON.stringify(JSON.stringify(text)).slice(3, -3),
          encodeURIComponent(text),
          new URLSearchParams([['', text]]).toString().slice(1),
          xml(text),
          shell(text).slice(1, -1),
        ];
        for (const form of forms) expect(scrub(`before ${form} after`), form).to.equal('before *** after');
      }),
    );
  });

  it('hides each line of a secret of several lines', () => {
    expect(createScrubber(['first line\nsecond line'])('1: first line, 2: second line')).to.equal(
      '1: ***, 2: ***',
    );
  });

  it('hides the longer of two that overlap whole, and marks nothing twice', () => {
    expect(createScrubber(['pass', 'password', '*'])('password pass *')).to.equal('*** *** ***');
  });

  it('leaves everything alone without secrets', () => {
    expect(createScrubber([])('text')).to.equal('text');
    expect(createScrubber([''])('text')).to.equal('text');
  });

  it('copes with half a surrogate pair', () => {
    expect(createScrubber(['a\uD800b'])('x a\uD800b y')).to.equal('x *** y');
  });
});
