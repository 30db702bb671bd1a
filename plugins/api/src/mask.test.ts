import { expect } from 'chai';
import { describe, it } from 'mocha';
import { createMask } from './mask.js';

describe('createMask', () => {
  it('hides every occurrence, the longest secret first', () => {
    const mask = createMask(['pass', 'password', '']);
    expect(mask('password=pass, passport')).to.equal('***=***, ***port');
    expect(mask.longest).to.equal(8);
  });

  it('takes secrets literally', () => {
    expect(createMask(['a.b', '$&'])('a.b axb $&')).to.equal('*** axb ***');
  });

  it('hides the lines of a secret of several lines', () => {
    expect(createMask(['BEGIN\r\nkey\nEND'])('key')).to.equal('***');
  });
});
