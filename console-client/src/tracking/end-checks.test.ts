import { type ConsoleAgent, type DataAddress, QmfError } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { EndAnswer } from './end-check.js';
import { EndChecks } from './end-checks.js';
import { Clock } from '../testing/clock.test.fixture.js';

const address: DataAddress = { agentName: 'v:p:i', objectName: 'build_adaptor-1', agentEpoch: 0 };

/** The answer to the question with that number, from 0: a status, or an error, or a status after so many milliseconds. */
type Answer = (asked: number) => string | QmfError | { readonly status: string; readonly after: number };

class Bench {
  readonly clock = new Clock();
  readonly askedAt: number[] = [];
  readonly agent: ConsoleAgent;
  reconnect: () => void = () => undefined;
  readonly checks = new EndChecks(
    {
      onReconnect: listener => {
        this.reconnect = listener;
        return () => (this.reconnect = () => undefined);
      },
    },
    5_000,
    this.clock,
  );

  constructor(answer: Answer) {
    const parts = {
      object: async (_class: unknown, _address: unknown, { timeout }: { timeout: number }) => {
        this.askedAt.push(this.clock.now());
        const given = answer(this.askedAt.length - 1);
        if (given instanceof QmfError) {
          if (given.code === 'timeout') await this.#pass(timeout);
          throw given;
        }
        const { status, after } = typeof given === 'string' ? { status: given, after: 0 } : given;
        if (after > 0) await this.#pass(after);
        const values = { status, percent_complete: 9, finished_image: '/one' };
        return { values, updateTime: 7n };
      },
    };
    this.agent = parts as unknown as ConsoleAgent; // all of it that is used
  }

  #pass(milliseconds: number): Promise<void> {
    return new Promise(resolve => void this.clock.after(milliseconds, resolve));
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

  it('says after 5 s that the agent is silent', async () => {
    const silent = new Bench(() => new QmfError('timeout', 'no answer'));
    expect(await silent.check()).to.deep.equal({ kind: 'silent' });
    expect(silent.clock.now()).to.equal(5_000);
    expect(silent.askedAt).to.deep.equal([0, 1_000, 2_000, 3_000, 4_000]);
  });

  it('asks again when a question or its answer was lost', async () => {
    const lost = new Bench(asked => (asked < 1 ? new QmfError('timeout', 'no answer') : 'FAILED'));
    expect(await lost.check()).to.have.property('kind', 'over');
    expect(lost.askedAt).to.deep.equal([0, 1_000]);
    const broken = new Bench(asked => (asked < 2 ? new QmfError('connection_lost', 'gone') : 'FAILED'));
    expect(await broken.check()).to.have.property('kind', 'over');
    expect(broken.askedAt).to.deep.equal([0, 500, 1_500]);
  });

  it('takes an answer that is slower than the repetitions', async () => {
    const slow = new Bench(() => ({ status: 'COMPLETED', after: 3_500 }));
    expect(await slow.check()).to.have.property('kind', 'over');
    expect(slow.clock.now()).to.equal(3_500);
  });

  it('asks at once when the connection is back', async () => {
    const bench: Bench = new Bench(asked =>
      asked === 0 ? new QmfError('connection_lost', 'gone') : 'COMPLETED',
    );
    const check = bench.checks.check(bench.agent, address);
    await new Promise(resolve => setImmediate(resolve));
    expect(bench.askedAt).to.deep.equal([0]);
    bench.reconnect();
    expect(await check, 'no time has passed').to.have.property('kind', 'over');
    expect(bench.askedAt).to.deep.equal([0, 0]);
    bench.reconnect();
    await new Promise(resolve => setImmediate(resolve));
    expect(bench.askedAt, 'nothing is open').to.deep.equal([0, 0]);
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
