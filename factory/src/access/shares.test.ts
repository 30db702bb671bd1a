import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type FairLimits, FairQueue, OverQuota, Quota } from './index.js';

const wide: FairLimits = {
  ...{ running: 100, runningEach: 100, waiting: 1_000, waitingEach: 1_000 },
  ...{ bytes: 1_000_000, bytesEach: 1_000_000, startsPerTurn: 1_000 },
};
const turn = () => new Promise<void>(resolve => setImmediate(resolve));

/** Jobs that end when they are told to. */
class Jobs {
  readonly started: string[] = [];
  readonly refused: string[] = [];
  readonly #ends = new Map<string, () => void>();

  constructor(readonly queue: FairQueue) {}

  add(caller: string, name: string, bytes = 0): void {
    this.queue
      .run(caller, bytes, () => {
        this.started.push(name);
        return new Promise<void>(resolve => this.#ends.set(name, resolve));
      })
      .catch((error: unknown) => {
        expect(error).to.be.instanceOf(OverQuota);
        this.refused.push(`${name}: ${error instanceof Error ? error.message : ''}`);
      });
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    await turn();
  }
}

describe('a fair queue', () => {
  it('gives a caller its turn after one job of each other, however many they have', async () => {
    const jobs = new Jobs(new FairQueue({ ...wide, running: 1 }, 'calls'));
    for (let number = 0; number < 500; number++) jobs.add('greedy', `g${number}`);
    jobs.add('anna', 'a0');
    jobs.add('bert', 'b0');
    jobs.add('anna', 'a1');
    for (const name of ['g0', 'g1', 'a0', 'b0', 'g2']) await jobs.end(name);
    expect(jobs.started).to.deep.equal(['g0', 'g1', 'a0', 'b0', 'g2', 'a1']);
  });

  it('keeps places free for others: one caller has only its own at a time', async () => {
    const jobs = new Jobs(new FairQueue({ ...wide, running: 4, runningEach: 2 }, 'calls'));
    for (let number = 0; number < 10; number++) jobs.add('greedy', `g${number}`);
    expect(jobs.started).to.deep.equal(['g0', 'g1']);
    jobs.add('anna', 'a0');
    expect(jobs.started, 'at once').to.deep.equal(['g0', 'g1', 'a0']);
    await jobs.end('g1');
    expect(jobs.started).to.deep.equal(['g0', 'g1', 'a0', 'g2']);
  });

  it('refuses the excess at once, by caller and in total, by number and by bytes', async () => {
    const limits = { ...wide, running: 1, waitingEach: 2, waiting: 3, bytesEach: 100, bytes: 150 };
    const jobs = new Jobs(new FairQueue(limits, 'calls'));
    for (let number = 0; number < 4; number++) jobs.add('greedy', `g${number}`);
    await turn();
    expect(jobs.refused).to.deep.equal([
      'g3: too many of your calls wait already (2); wait for answers before you send more',
    ]);
    jobs.add('anna', 'a0');
    jobs.add('bert', 'b0');
    await turn();
    expect(jobs.refused[1]).to.equal('b0: too many calls of all callers wait already (3); try again later');
    for (const name of ['g0', 'g1', 'a0', 'g2']) await jobs.end(name);
    expect(jobs.queue.size).to.equal(0);
    jobs.add('greedy', 'h0');
    jobs.add('greedy', 'h1', 120);
    jobs.add('greedy', 'h2', 1);
    jobs.add('anna', 'c0', 31);
    jobs.add('anna', 'c1', 30);
    await turn();
    expect(jobs.refused.slice(2)).to.have.lengthOf(2);
    expect(jobs.refused[2]).to.match(/^h2: too many of your calls/);
    expect(jobs.refused[3]).to.match(/^c0: too many calls of all/);
  });

  it('begins only some jobs in a turn of the event loop', async () => {
    const queue = new FairQueue({ ...wide, startsPerTurn: 10 }, 'calls');
    let started = 0;
    const all = Array.from({ length: 100 }, () =>
      queue.run('anna', 0, () => {
        started++;
        return Promise.resolve();
      }),
    );
    let turns = 0;
    for (let before = 0; started < 100; turns++) {
      expect(started - before).to.be.at.most(10);
      before = started;
      await turn();
    }
    expect(turns).to.be.at.least(9);
    await Promise.all(all);
    expect(queue.size).to.equal(0);
  });

  it('begins fewer in a turn while many wait, so that others are heard sooner', async () => {
    const limits = { ...wide, startsPerTurn: 10, crowd: { waiting: 20, startsPerTurn: 2 } };
    const queue = new FairQueue(limits, 'calls');
    let started = 0;
    for (let number = 0; number < 50; number++) {
      void queue.run('anna', 0, () => {
        started++;
        return Promise.resolve();
      });
    }
    const perTurn: number[] = [];
    for (let before = 0; started < 50; ) {
      perTurn.push(started - before);
      before = started;
      await turn();
    }
    const crowded = perTurn.filter(count => count === 2).length;
    expect(crowded, perTurn.join()).to.be.at.least(9);
    expect(Math.max(...perTurn), perTurn.join()).to.equal(10);
  });

  it('gives results and errors of its jobs, thrown ones too, and goes on', async () => {
    const queue = new FairQueue({ ...wide, running: 1 }, 'calls');
    const failing = queue.run('anna', 0, () => {
      throw new Error('a bug');
    });
    const next = queue.run('anna', 0, () => Promise.resolve(5));
    expect(await failing.catch((error: unknown) => String(error))).to.equal('Error: a bug');
    expect(await next).to.equal(5);
  });

  it('starts every job that it takes, keeps its limits, and serves no caller twice while another waits', async () => {
    const order = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(20)), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(order, async orders => {
        const queue = new FairQueue(
          { ...wide, running: 3, runningEach: 2, waitingEach: 10, bytesEach: 60 },
          'calls',
        );
        const running = new Map<string, number>();
        let done = 0;
        let refused = 0;
        const all = orders.map(([caller, bytes]) =>
          queue
            .run(caller, bytes, async () => {
              running.set(caller, (running.get(caller) ?? 0) + 1);
              expect(running.get(caller)).to.be.at.most(2);
              expect([...running.values()].reduce((sum, count) => sum + count)).to.be.at.most(3);
              await turn();
              running.set(caller, (running.get(caller) ?? 0) - 1);
              done++;
            })
            .catch((error: unknown) => {
              expect(error).to.be.instanceOf(OverQuota);
              refused++;
            }),
        );
        await Promise.all(all);
        await turn();
        expect(done + refused).to.equal(orders.length);
        expect(queue.size).to.equal(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a quota', () => {
  it('bounds each caller and all together, and takes back once', () => {
    const quota = new Quota({ total: 10, each: 4 }, 'subscriptions', 'cancel one');
    const give = quota.take('anna', 3);
    expect(() => quota.take('anna', 2)).to.throw(
      OverQuota,
      'you have 3 subscriptions of at most 4 already; cancel one',
    );
    quota.take('bert', 4);
    quota.take('carl', 3);
    expect(() => quota.take('dora', 1)).to.throw(
      OverQuota,
      'all callers have 10 subscriptions of at most 10 already; try again later',
    );
    give();
    give();
    expect(quota.total).to.equal(7);
    quota.take('dora', 3);
  });

  it('lets a caller that holds nothing have one thing beyond its share', () => {
    const quota = new Quota({ total: 10, each: 4 }, 'bytes', 'ask for less');
    const give = quota.take('anna', 50);
    expect(() => quota.take('anna', 1)).to.throw(OverQuota, 'you have 50');
    expect(() => quota.take('bert', 1)).to.throw(OverQuota, 'all callers have 50');
    give();
    quota.take('bert', 1);
    expect(() => quota.take('anna', 10), 'only where there is room').to.throw(OverQuota);
  });
});
