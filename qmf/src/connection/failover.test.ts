import { expect } from 'chai';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { defaultRetry, type RetryPolicy } from './backoff.js';
import { Failover } from './failover.js';

const away = new QmfError('unreachable', 'away');
const forbidden = new QmfError('not_authorised', 'no');
const lost = new QmfError('connection_lost', 'it broke');

/** Pauses are as long as they can be. */
function plan(brokers: readonly string[], policy: Partial<RetryPolicy> = {}): Failover {
  const retry = { ...defaultRetry, initialDelay: 100, maxDelay: 1_000, ...policy };
  return new Failover(brokers, retry, () => 1, 0);
}

/** What each failure leads to: the position that is dialled at once, the pause before it, or `given up`. */
function steps(failover: Failover, failures: readonly [QmfError, now: number, openFor?: number][]): string[] {
  return failures.map(([reason, now, openFor]) => {
    const next = failover.failed(reason, now, openFor);
    if (next.kind === 'give-up') return `given up: ${next.reason.code}`;
    return next.kind === 'dial' ? `${failover.present}` : `${failover.present} after ${next.delay}`;
  });
}

describe('Failover', () => {
  it('tries the next broker at once, and pauses only after a round', () => {
    const failures = Array.from({ length: 7 }, () => [away, 0] as [QmfError, number]);
    expect(steps(plan(['a', 'b', 'c']), failures)).to.deep.equal([
      '1',
      '2',
      '0 after 100',
      '1',
      '2',
      '0 after 200',
      '1',
    ]);
  });

  it('pauses longer from round to round up to the cap', () => {
    const failures = Array.from({ length: 6 }, () => [away, 0] as [QmfError, number]);
    expect(steps(plan(['a']), failures)).to.deep.equal(
      [100, 200, 400, 800, 1_000, 1_000].map(delay => `0 after ${delay}`),
    );
  });

  it('goes on to the next after a break, and comes to the broken one last', () => {
    expect(
      steps(plan(['a', 'b', 'c']), [
        [away, 0],
        [lost, 60_000, 60_000],
        [away, 60_000],
        [away, 60_000],
        [away, 60_000],
      ]),
    ).to.deep.equal(['1', '2', '0', '1 after 100', '2']);
  });

  it('begins anew after a connection that lasted', () => {
    const failover = plan(['a'], { stableAfter: 5_000 });
    expect(
      steps(failover, [
        [away, 0],
        [away, 0],
        [lost, 5_000, 5_000],
        [away, 5_000],
      ]),
    ).to.deep.equal(['0 after 100', '0 after 200', '0 after 100', '0 after 200']);
  });

  it('pauses longer where a broker lets us in and throws us out, up to about a second', () => {
    const failures = [1, 2, 3, 4, 5].map(at => [lost, at * 1_000, 10] as [QmfError, number, number]);
    expect(steps(plan(['a']), failures)).to.deep.equal([
      '0 after 100',
      '0 after 200',
      '0 after 400',
      '0 after 800',
      '0 after 800',
    ]);
    expect(steps(plan(['a', 'b']), failures.slice(1))).to.deep.equal([
      '1',
      '0 after 100',
      '1',
      '0 after 200',
    ]);
  });

  it('takes a broker that let us in for near again after a long time away', () => {
    const failover = plan(['a'], { maxDelay: 30_000 });
    for (let round = 0; round < 9; round++) failover.failed(away, 0);
    expect(steps(failover, [[lost, 100_000, 10]])).to.deep.equal(['0 after 800']);
  });

  it('leaves out who refused us, and gives up when all have', () => {
    const failover = plan(['a', 'b']);
    expect(
      steps(failover, [
        [forbidden, 0],
        [away, 0],
        [away, 0],
        [forbidden, 0],
      ]),
    ).to.deep.equal(['1', '1 after 100', '1 after 200', 'given up: not_authorised']);
  });

  it('asks who refused us again after a connection that lasted', () => {
    expect(
      steps(plan(['a', 'b']), [
        [forbidden, 0],
        [lost, 60_000, 60_000],
      ]),
    ).to.deep.equal(['1', '0']);
  });

  it('never gives up on refusals where it is told to try again', () => {
    const failures = Array.from({ length: 50 }, () => [forbidden, 0] as [QmfError, number]);
    expect(steps(plan(['a', 'b'], { retryRefused: true }), failures).filter(next => /given/.test(next))).to.be
      .empty;
  });

  it('gives up after so many vain rounds in a row; a broker that lets us in ends the row', () => {
    expect(
      steps(plan(['a', 'b'], { maxAttempts: 2 }), [
        [away, 0],
        [away, 0],
        [lost, 0, 1],
        [away, 0],
        [away, 0],
        [away, 0],
        [away, 0],
        [away, 0],
      ]),
    ).to.deep.equal([
      '1',
      '0 after 100',
      '1',
      '0 after 200',
      '1',
      '0 after 400',
      '1',
      'given up: unreachable',
    ]);
  });

  it('gives up after so long without a connection; the last pause ends then', () => {
    expect(
      steps(plan(['a'], { giveUpAfter: 250 }), [
        [away, 0],
        [away, 100],
        [away, 250],
      ]),
    ).to.deep.equal(['0 after 100', '0 after 150', 'given up: unreachable']);
    expect(
      steps(plan(['a'], { giveUpAfter: 250 }), [
        [lost, 4_000, 4_000],
        [away, 4_100],
        [away, 4_250],
      ]),
    ).to.deep.equal(['0 after 100', '0 after 150', 'given up: unreachable']);
  });

  it('tells what every broker said', () => {
    const one = plan(['amqp://a']).failed(forbidden, 0);
    expect(one).to.deep.include({ reason: forbidden });
    const failover = plan(['amqp://a', 'amqp://b'], { maxAttempts: 1 });
    failover.failed(forbidden, 0);
    const both = failover.failed(new QmfError('unreachable', 'amqp://b cannot be reached'), 0);
    expect(both).to.have.nested.property(
      'reason.message',
      'none of the 2 brokers can be used: amqp://a: no; amqp://b cannot be reached',
    );
    expect(both).to.have.nested.property('reason.code', 'unreachable');
  });
});
