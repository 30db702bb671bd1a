import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import rhea, { type Session } from 'rhea';
import { discard } from './discard.js';
import { createSession } from './fresh-channels.js';

/** As rhea has them, which its typings leave out. */
interface Internals {
  remove_session(session: Session): void;
  readonly local_channel_map: object;
  readonly remote: { open: { channel_max: number } | undefined };
}

describe('createSession', () => {
  it('uses the number of a session that has ended when all others were used, and never one that is in use', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const connection = rhea.create_container({ id: randomUUID() }).connect({
      host: '127.0.0.1',
      port: (silent.address() as AddressInfo).port,
      reconnect: false,
    });
    const internals = connection as unknown as Internals;
    internals.remote.open = { channel_max: 3 };
    const numberOf = (session: Session): number =>
      (session as unknown as { local: { channel: number } }).local.channel;
    const numbers: number[] = [];
    const first = createSession(connection);
    numbers.push(numberOf(first));
    for (let count = 0; count < 5; count++) {
      const session = createSession(connection);
      numbers.push(numberOf(session));
      internals.remove_session(session);
    }
    expect(numbers).to.deep.equal([0, 1, 2, 3, 1, 2]);
    const held = [createSession(connection), createSession(connection), createSession(connection)];
    expect(held.map(numberOf)).to.deep.equal([3, 1, 2]);
    expect(Object.keys(internals.local_channel_map)).to.deep.equal(['0', '1', '2', '3']);
    discard(connection);
    silent.close();
  });
});
