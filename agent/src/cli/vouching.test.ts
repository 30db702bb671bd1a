import type { ConnectionStatus, UserIds } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { recordingLogger } from '@imagefactory/factory/testing';
import { requireVouching } from './vouching.js';

const vouched: UserIds = { kind: 'vouched' };
const unverified: UserIds = { kind: 'unverified', reason: 'it checks nothing', remedy: 'use another' };

/** A connection that opens to brokers one after the other. */
class Moving {
  userIds: UserIds = unverified;
  #listener: (status: ConnectionStatus) => void = () => undefined;

  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    this.#listener = listener;
    return () => undefined;
  }

  open(userIds: UserIds): void {
    this.userIds = userIds;
    this.#listener({ kind: 'open', broker: 'amqp://b', peer: {} });
  }
}

describe('an access list and the broker', () => {
  const start = () => {
    const connection = new Moving();
    const log = recordingLogger();
    const refusals = { count: 0 };
    requireVouching(connection, log, () => refusals.count++);
    return { connection, log, refusals };
  };

  it('does not begin where user ids mean nothing, and says what to do', () => {
    const { connection, log, refusals } = start();
    connection.open(unverified);
    connection.open(unverified);
    expect(refusals.count).to.equal(1);
    expect(log.lines).to.deep.equal([
      'error: the agent does not start: --acl means nothing at amqp://b: it checks nothing; use another, or take the names as they come with --acl-unverified-users',
    ]);
  });

  it('goes on at a broker that vouches, and says so when it has moved to one that does not', () => {
    const { connection, log, refusals } = start();
    connection.open(vouched);
    expect(log.lines).to.deep.equal([]);
    connection.open({ ...unverified, kind: 'forgeable-by-translation' });
    connection.open(vouched);
    expect(refusals.count).to.equal(0);
    expect(log.lines).to.have.length(1);
    expect(log.lines[0]).to.match(/^warn: all calls are refused until .* --acl means nothing at amqp:\/\/b/);
  });
});
