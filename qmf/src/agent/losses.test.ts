import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { Losses } from './losses.js';

describe('Losses', () => {
  let warnings: string[];
  let debugged: number;
  let isAway: boolean;
  let now: number;
  let losses: Losses;
  const full = new QmfError('outbox_full', 'no room');
  const released = new QmfError('message_released', 'queue full');
  beforeEach(() => {
    [warnings, debugged, isAway, now] = [[], 0, false, 0];
    const log = {
      warn: (text: string) => void warnings.push(text),
      debug: () => {
        debugged++;
      },
    };
    losses = new Losses(
      log,
      () => isAway,
      () => now,
    );
  });

  it('says once what was dropped while the broker was away', () => {
    isAway = true;
    for (let count = 0; count < 500; count++) losses.count('progress event', 'a Percent', full);
    losses.count('answer', 'an answer', full);
    expect(warnings).to.deep.equal([]);
    isAway = false;
    losses.tell();
    losses.tell();
    expect(warnings).to.deep.equal([
      '500 progress events dropped while the broker was away',
      '1 answer dropped while the broker was away',
    ]);
    expect(losses.counts).to.include({ droppedProgress: 500, dropped: 1 });
    expect(debugged).to.equal(501);
  });

  it('warns of a kind of losses at once, then once a minute with their number', () => {
    for (let count = 0; count < 100; count++) losses.count('event', 'a Status', released);
    losses.count('answer', 'an answer to x', released);
    now = 60_000;
    losses.count('event', 'a Status', released);
    expect(warnings).to.deep.equal([
      'a Status did not reach everybody: queue full',
      'an answer to x was lost: queue full',
      'a Status did not reach everybody: queue full (and 99 more since the last warning)',
    ]);
    expect(losses.counts.released).to.equal(102);
  });

  it('warns of a heartbeat only when the broker refuses it, and counts by what the broker said', () => {
    losses.count('heartbeat', 'a heartbeat', released);
    losses.count('event', 'a Status', new QmfError('message_rejected', 'no'));
    losses.count('event', 'a Status', new QmfError('closed', 'closed'));
    expect(warnings).to.have.lengthOf(2);
    for (let count = 0; count < 5; count++)
      losses.count('heartbeat', 'a heartbeat', new QmfError('not_authorised', 'no right'));
    expect(warnings.slice(2)).to.deep.equal(['a heartbeat was lost: no right']);
    expect(losses.counts).to.deep.equal({
      droppedProgress: 0,
      dropped: 0,
      released: 1,
      rejected: 6,
      lost: 1,
    });
  });
});
