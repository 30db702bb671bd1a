import { expect } from 'chai';
import { describe, it } from 'mocha';
import { sparing } from './sparing.js';

describe('the events of the embedded broker', () => {
  it('have few warnings of many, and say how many were left out', () => {
    let now = 0;
    const lines: string[] = [];
    const say = sparing(
      ({ message }: { readonly level: string; readonly message: string }) => lines.push(message),
      () => now,
    );
    const warn = (count: number): void => {
      for (let number = 0; number < count; number++) say({ level: 'warn', message: 'cut off' });
    };
    warn(1_000);
    expect(lines).to.deep.equal(new Array(20).fill('cut off'));
    say({ level: 'debug', message: 'opened' });
    now = 7_000;
    warn(1_000);
    expect(lines.slice(20)).to.deep.equal([
      'opened',
      'cut off (980 warnings before it were left out)',
      'cut off',
    ]);
    now = 3_600_000;
    warn(21);
    expect(lines.slice(23, 25)).to.deep.equal(['cut off (998 warnings before it were left out)', 'cut off']);
    expect(lines).to.have.lengthOf(43);
    now = 0;
    warn(1);
    now = 3_000;
    warn(1);
    expect(lines.slice(43), 'after the clock was set back').to.deep.equal([
      'cut off (2 warnings before it were left out)',
    ]);
  });
});
