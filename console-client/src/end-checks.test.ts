import { type ConsoleAgent, type DataAddress, QmfError, type Timers } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type EndAnswer, EndChecks } from './end-checks.js';

const address: DataAddress = { agentName: 'v:p:i', objectName: 'build_adaptor-1', agentEpoch: 0 };

/** A clock that goes on when everything waits for it. */
class Clock implements Timers {
  #now = 0;
  #tasks: { readonly at: number; readonly run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delay: number, run: () => void): () => void {
    const task = { at: this.#now + delay, run };
    this.#tasks.push(task);
    return () => (this.#tasks = this.#tasks.filter(other => other !== task));
  }

  /** Runs until the promise has settled. */
  async settle<T>(promise: Promise<T>, between: () => void = () => undefined): Promise<T> {
    const state = { settled: false };
    const settled = promise.finally(() => (state.settled = true));
    for (;;) {
      await new Promise(resolve => setImmediate(resolve));
      if (state.settled) return settled;
      this.#tasks.sort((left, right) => left.at - right.at);
      const next = this.#tasks.shift();
      if (next === undefined) throw new Error('everything waits, and for nothing');
      this.#now = next.at;
      between();
      next.run();
    }
  }
}

/** What an agent answers to the question with that number, from 0: a status, or an error. */
type Answer = (asked: number) => string | QmfError;

class Bench {
  readonly clock = new Clock();
  readonly checks = new EndChecks(5_000, this.clock);
  readonly askedAt: number[] = [];
  readonly agent: ConsoleAgent;

  constructor(answer: Answer) {
    const parts = {
      object: async (_class: unknown, _address: unknown, { timeout }: { timeout: number }) => {
        this.askedAt.push(this.clock.now());
        const given = answer(this.askedAt.length - 1);
        if (typeof given === 'string') {
          const values = { status: given, percent_complete: 9, finished_image: '/one' };
          return Promise.resolve({ values, updateTime: 7n });
        }
        if (given.code === 'timeout')
          await new Promise<void>(resolve => void this.clock.after(timeout, resolve));
        throw given;
      },
    };
    this.agent = parts as unknown as ConsoleAgent; // all of it that is used
  }

  check(between?: () => void): Promise<EndAnswer> {
    return this.clock.settle(this.checks.check(this.agent, address), between);
  }
}

describe('the check of an announced end', () => {
  it('costs one question, however many ask', async () => {
    const bench = new Bench(() => 'COMPLETED');
    const answers = await bench.clock.settle(
      Promise.all([1, 2, 3].map(() => bench.checks.check(bench.agent, address))),
    );
    for (const answer of answers) {
      expect(answer).to.deep.equal({
        kind: 'over',
        standing: { status: 'COMPLETED', percent: 9, finishedImage: '/one', at: 7n },
      });
    }
    expect(bench.askedAt).to.deep.equal([0]);
    await bench.check();
    expect(bench.askedAt, 'nothing is remembered').to.have.lengthOf(2);
  });

  it('waits a little for agents that tell of an end before it can be read', async () => {
    const bench = new Bench(asked => (asked < 2 ? 'BUILDING' : 'FAILED'));
    expect(await bench.check()).to.have.property('kind', 'over');
    expect(bench.askedAt).to.deep.equal([0, 500, 1_500]);
  });

  it('finds out a forged one, with few questions', async () => {
    const bench = new Bench(() => 'BUILDING');
    expect(await bench.check()).to.deep.equal({ kind: 'running' });
    expect(bench.askedAt).to.deep.equal([0, 500, 1_500, 3_500]);
  });

  it('asks once more for an announcement that came after the last question', async () => {
    const bench: Bench = new Bench(() => (bench.clock.now() < 5_000 ? 'BUILDING' : 'COMPLETED'));
    const late = { done: false };
    const answer = await bench.check(() => {
      if (bench.clock.now() < 5_000 || late.done) return;
      late.done = true;
      void bench.checks.check(bench.agent, address);
    });
    expect(answer).to.have.property('kind', 'over');
  });

  it('says after 5 s that the agent is silent, and asks again when its connection comes back', async () => {
    const silent = new Bench(() => new QmfError('timeout', 'no answer'));
    expect(await silent.check()).to.deep.equal({ kind: 'silent' });
    expect(silent.clock.now()).to.be.within(5_000, 5_500);
    const away = new Bench(asked => (asked < 2 ? new QmfError('connection_lost', 'gone') : 'FAILED'));
    expect(await away.check()).to.have.property('kind', 'over');
  });

  it('says at once that the agent knows no such build', async () => {
    for (const error of [
      new QmfError('schema_unknown', 'no object'),
      new QmfError('agent_exception', 'no object', { agentCode: 1 }),
    ]) {
      const bench = new Bench(() => error);
      expect(await bench.check()).to.deep.equal({ kind: 'unknown' });
      expect(bench.askedAt).to.deep.equal([0]);
    }
  });
});
