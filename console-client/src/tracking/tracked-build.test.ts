import type { ReceivedEvent } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { AddressedChange } from './build-change.js';
import { filledIn } from './filled-in.js';
import type { Standing } from './standing.js';
import { TrackedBuild } from './tracked-build.js';
import { TrackedBuilds } from './tracked-builds.js';

const address = { agentName: 'a', objectName: 'build_adaptor-1', agentEpoch: 1 };
const status = (word: string, at: bigint) =>
  ({ address, at, change: { kind: 'status', status: word, oldStatus: '', caughtUp: false } }) as const;
const percent = (value: number, at: bigint) =>
  ({ address, at, change: { kind: 'percent', percent: value, caughtUp: false } }) as const;
const snapshot = (word: string, value: number, at: bigint): Standing => ({
  ...{ status: word, percent: value, finishedImage: '', at },
});
const told = (events: readonly ReceivedEvent[]) =>
  events.map(({ values }) => values['new_status'] ?? values['percent_complete'] ?? values['type']);

/** The builds of an agent, of which each step returns the events that it has emitted. */
class Ledger {
  readonly builds: TrackedBuilds;
  #emitted: ReceivedEvent[] = [];

  constructor(now: () => number = () => 0) {
    this.builds = new TrackedBuilds(
      of =>
        new TrackedBuild(of, {
          emit: ({ event }) => void this.#emitted.push(event),
          check: () => Promise.resolve({ kind: 'silent' }),
          hasFailedUnseen: () => false,
          forget: () => undefined,
          now,
        }),
    );
  }

  heard(addressed: AddressedChange): boolean {
    return this.#step(build => build.hear(filledIn(addressed))).length > 0;
  }

  read(standing: Standing): readonly ReceivedEvent[] {
    return this.#step(build => build.read(standing));
  }

  lost(): readonly ReceivedEvent[] {
    return this.#step(build => build.lost());
  }

  #step(act: (build: TrackedBuild) => void): readonly ReceivedEvent[] {
    this.#emitted = [];
    act(this.builds.of(address));
    return this.#emitted;
  }
}

describe('a tracked build', () => {
  it('tells what an answer adds to what was heard, once', () => {
    const ledger = new Ledger();
    expect(ledger.heard(status('BUILDING', 10n))).to.equal(true);
    expect(told(ledger.read(snapshot('FINISHING', 80, 20n)))).to.deep.equal([80, 'FINISHING']);
    expect(told(ledger.read(snapshot('FINISHING', 80, 20n)))).to.deep.equal([]);
    expect(told(ledger.read(snapshot('COMPLETED', 100, 30n)))).to.deep.equal([100, 'COMPLETED']);
    expect(ledger.builds.live).to.deep.equal([]);
  });

  it('tells of a failure with both of its events', () => {
    expect(told(new Ledger().read(snapshot('FAILED', 0, 1n)))).to.deep.equal(['unknown', 'FAILED']);
  });

  it('drops events that come after an answer has told the same, or more', () => {
    const ledger = new Ledger();
    ledger.read(snapshot('FINISHING', 80, 20n));
    expect(ledger.heard(status('BUILDING', 5n))).to.equal(false);
    expect(ledger.heard(percent(50, 6n))).to.equal(false);
    expect(ledger.heard(status('FINISHING', 21n))).to.equal(false);
    expect(ledger.heard(percent(90, 22n))).to.equal(true);
    expect(ledger.heard(status('COMPLETED', 23n))).to.equal(true);
  });

  it('ignores an answer older than what was heard, unless it is the end', () => {
    const ledger = new Ledger();
    ledger.heard(status('FINISHING', 20n));
    expect(told(ledger.read(snapshot('BUILDING', 0, 10n)))).to.deep.equal([]);
    expect(told(ledger.read(snapshot('FAILED', 0, 10n)))).to.deep.equal(['unknown', 'FAILED']);
  });

  it('takes the word of agents that give no times', () => {
    const ledger = new Ledger();
    ledger.heard(status('BUILDING', 0n));
    expect(told(ledger.read(snapshot('FINISHING', 0, 0n)))).to.deep.equal(['FINISHING']);
  });

  it('says that the end of a build is unknown when its agent knows it no longer, once', () => {
    const ledger = new Ledger();
    ledger.heard(status('BUILDING', 1n));
    expect(told(ledger.lost())).to.deep.equal(['unknown']);
    expect(told(ledger.lost())).to.deep.equal([]);
  });

  it('has nothing to tell of builds that were over at the start, and forgets them with the agent', () => {
    const ledger = new Ledger();
    ledger.builds.of(address).note();
    expect(told(ledger.read(snapshot('COMPLETED', 100, 1n)))).to.deep.equal([]);
    ledger.builds.keep([]);
    expect(ledger.builds.get(address)).to.equal(undefined);
  });

  it('knows which builds were silent for too long', () => {
    let now = 0;
    const ledger = new Ledger(() => now);
    ledger.heard(status('BUILDING', 1n));
    now = 9;
    expect(ledger.builds.silentSince(now - 10)).to.deep.equal([]);
    now = 10;
    expect(ledger.builds.silentSince(now - 10)).to.have.lengthOf(1);
  });
});
