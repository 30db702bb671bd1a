import type { ReceivedEvent } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { BuildLedger } from './build-ledger.js';

const address = { agentName: 'a', objectName: 'build_adaptor-1', agentEpoch: 1 };
const status = (word: string, at: bigint) =>
  ({ address, at, change: { kind: 'status', status: word, oldStatus: '', caughtUp: false } }) as const;
const percent = (value: number, at: bigint) =>
  ({ address, at, change: { kind: 'percent', percent: value, caughtUp: false } }) as const;
const snapshot = (word: string, value: number, at: bigint) => ({ address, status: word, percent: value, at });
const told = (events: readonly ReceivedEvent[]) =>
  events.map(({ values }) => values['new_status'] ?? values['percent_complete'] ?? values['type']);

describe('BuildLedger', () => {
  it('tells what an answer adds to what was heard, once', () => {
    const ledger = new BuildLedger();
    expect(ledger.heard(status('BUILDING', 10n))).to.equal(true);
    expect(told(ledger.read(snapshot('FINISHING', 80, 20n)))).to.deep.equal([80, 'FINISHING']);
    expect(told(ledger.read(snapshot('FINISHING', 80, 20n)))).to.deep.equal([]);
    expect(told(ledger.read(snapshot('COMPLETED', 100, 30n)))).to.deep.equal([100, 'COMPLETED']);
    expect(ledger.live).to.deep.equal([]);
  });

  it('tells of a failure with both of its events', () => {
    expect(told(new BuildLedger().read(snapshot('FAILED', 0, 1n)))).to.deep.equal(['unknown', 'FAILED']);
  });

  it('drops events that come after an answer has told the same, or more', () => {
    const ledger = new BuildLedger();
    ledger.read(snapshot('FINISHING', 80, 20n));
    expect(ledger.heard(status('BUILDING', 5n))).to.equal(false);
    expect(ledger.heard(percent(50, 6n))).to.equal(false);
    expect(ledger.heard(status('FINISHING', 21n))).to.equal(false);
    expect(ledger.heard(percent(90, 22n))).to.equal(true);
    expect(ledger.heard(status('COMPLETED', 23n))).to.equal(true);
  });

  it('ignores an answer older than what was heard, unless it is the end', () => {
    const ledger = new BuildLedger();
    ledger.heard(status('FINISHING', 20n));
    expect(told(ledger.read(snapshot('BUILDING', 0, 10n)))).to.deep.equal([]);
    expect(told(ledger.read(snapshot('FAILED', 0, 10n)))).to.deep.equal(['unknown', 'FAILED']);
  });

  it('takes the word of agents that give no times', () => {
    const ledger = new BuildLedger();
    ledger.heard(status('BUILDING', 0n));
    expect(told(ledger.read(snapshot('FINISHING', 0, 0n)))).to.deep.equal(['FINISHING']);
  });

  it('says that the end of a build is unknown when its agent knows it no longer, once', () => {
    const ledger = new BuildLedger();
    ledger.heard(status('BUILDING', 1n));
    expect(told(ledger.lost(address))).to.deep.equal(['unknown']);
    expect(told(ledger.lost(address))).to.deep.equal([]);
  });

  it('has nothing to tell of builds that were over at the start, and forgets them with the agent', () => {
    const ledger = new BuildLedger();
    ledger.note(address);
    expect(told(ledger.read(snapshot('COMPLETED', 100, 1n)))).to.deep.equal([]);
    ledger.keep([]);
    expect(ledger.has(address)).to.equal(false);
  });

  it('knows which builds were silent for too long', () => {
    let now = 0;
    const ledger = new BuildLedger(() => now);
    ledger.heard(status('BUILDING', 1n));
    now = 9;
    expect(ledger.isSilent(10)).to.equal(false);
    now = 10;
    expect(ledger.isSilent(10)).to.equal(true);
  });
});
