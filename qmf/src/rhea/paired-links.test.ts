import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'mocha';
import rhea, { type Receiver, type Sender } from 'rhea';
import { discard } from './discard.js';
import { on } from './events.js';
import { openPairedSender } from './paired-links.js';

describe('openPairedSender', () => {
  it('gives a receiver a sender of the same name, and each the attach that is meant for it', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const connection = rhea.create_container({ id: randomUUID() }).connect({
      host: '127.0.0.1',
      port: (silent.address() as AddressInfo).port,
      reconnect: false,
    });
    const session = connection.create_session();
    const receiver = session.open_receiver({ name: 'pair', source: { address: 'node' } });
    const sender = openPairedSender(session, receiver, { target: { address: 'node' } });
    const lone = session.open_sender({ name: 'lone', target: { address: 'node' } });
    const attached: unknown[] = [];
    for (const link of [receiver, sender, lone]) {
      on(link, 'receiver_open', () => attached.push(link));
      on(link, 'sender_open', () => attached.push(link));
    }
    // As rhea keeps them, which its typings leave out.
    const internals = session as unknown as {
      on_attach(frame: { performative: object }): void;
      remove_link(link: Sender | Receiver): void;
      readonly links: object;
    };
    const attach = (handle: number, name: string, role: boolean): void =>
      internals.on_attach({ performative: { name, role, handle } });
    attach(0, 'pair', true); // the peer is the receiver
    attach(1, 'pair', false);
    attach(2, 'lone', true);
    expect(attached).to.deep.equal([sender, receiver, lone]);
    for (const link of [receiver, sender, lone]) internals.remove_link(link);
    expect(internals.links).to.deep.equal({});
    discard(connection);
    silent.close();
  });
});
