import { expect } from 'chai';
import { describe, it } from 'mocha';
import { until } from '../testing/poll.test.fixture.js';
import { watchHeldUp } from './held-up.js';

describe('a watch for a broker that holds us up', () => {
  it('tells once when it takes nothing, and once when it does again; silence alone is no sign', async () => {
    const counts = {
      attempts: 1,
      reconnects: 0,
      failovers: 0,
      dropped: 0,
      resent: 0,
      poisoned: 0,
      malformed: 0,
    };
    let looks = 0;
    let accepted = 1;
    let underWay = 0;
    const connection = {
      state: 'open' as const,
      get statistics() {
        looks++;
        return { ...counts, accepted, released: 0, rejected: 0, waiting: 0, underWay, bytes: 0 };
      },
    };
    const told: boolean[] = [];
    const stop = watchHeldUp(connection, isHeldUp => told.push(isHeldUp), { patience: 50 });
    await until('it has looked three times as often as it has patience', () => looks >= 15);
    expect(told, 'with nothing to send').to.deep.equal([]);
    underWay = 2;
    await until('it is told', () => told.length === 1);
    looks = 0;
    await until('it has looked as often again', () => looks >= 15);
    accepted++;
    underWay--;
    await until('the end is told', () => told.length === 2);
    expect(told.slice(0, 2)).to.deep.equal([true, false]);
    stop();
  });
});
