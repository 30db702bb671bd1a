import { expect } from 'chai';
import { describe, it } from 'mocha';
import { until } from '../testing/poll.test.fixture.js';
import { watchSilence } from './silence.js';

/** A socket that says at each look what it has read, and notes the looks. */
function socket(bytesAt: (look: number) => number) {
  let looks = -1; // the first is taken before the watch begins
  return {
    get bytesRead() {
      return bytesAt(++looks);
    },
    get looks() {
      return looks;
    },
  };
}

/** Looks after which the watch told, if it does. */
async function toldAfter(bytesAt: (look: number) => number): Promise<number> {
  const watched = socket(bytesAt);
  let told: number | undefined;
  const stop = watchSilence(watched, 8, () => {
    expect(told, 'told twice').to.equal(undefined);
    told = watched.looks;
  });
  const looks = await until('it is told', () => told);
  stop();
  return looks;
}

describe('the watch over a silent peer', () => {
  it('tells at the seventh look in a row, of eight in the time, that finds nothing new', async () => {
    expect(await toldAfter(() => 100)).to.equal(7);
  });

  it('begins anew with every byte', async () => {
    expect(await toldAfter(look => Math.min(look, 20))).to.equal(27);
    expect(await toldAfter(look => Math.min(Math.floor(look / 6), 3))).to.equal(25);
  });

  it('looks no more when it has told, was stopped, or is switched off', async () => {
    const [told, stopped, off] = [socket(() => 0), socket(() => 0), socket(() => 0)];
    let calls = 0;
    watchSilence(stopped, 8, () => calls++)();
    watchSilence(off, 0, () => calls++);
    watchSilence(told, 8, () => calls++);
    const later = socket(() => 0);
    await until('one that began later has told', () => calls > 0);
    let laterCalls = 0;
    watchSilence(later, 8, () => laterCalls++);
    await until('the last has told', () => laterCalls > 0);
    expect([told.looks, stopped.looks, off.looks, calls]).to.deep.equal([7, 0, -1, 1]);
  });
});
