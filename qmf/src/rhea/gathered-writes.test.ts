import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import rhea, { type Connection, type EventContext } from 'rhea';
import { gatherWrites } from './gathered-writes.js';

/** A connection that notes when it processes what is due and what it asks of its socket. */
function recorder(withSocket: boolean, write: () => void = () => undefined) {
  const calls: string[] = [];
  const connection = {
    registered: false,
    _register: () => undefined,
    _process: () => {
      connection.registered = false;
      calls.push('process');
      write();
    },
    create_session: () => ({ remove_link: () => undefined }),
    remove_session: () => undefined,
    ...(withSocket ? { socket: { cork: () => calls.push('cork'), uncork: () => calls.push('uncork') } } : {}),
  };
  // Only what gatherWrites touches is there.
  gatherWrites(connection as unknown as Connection);
  return { connection, calls };
}

describe('gatherWrites', () => {
  it('writes once in a turn, after what follows from its input by promises', async () => {
    const { connection, calls } = recorder(true);
    connection._register();
    await Promise.resolve();
    calls.push('answer');
    connection._register();
    expect(calls).to.deep.equal(['answer']);
    await turn();
    expect(calls).to.deep.equal(['answer', 'cork', 'process', 'uncork']);
  });

  it('begins anew with each turn', async () => {
    const { connection, calls } = recorder(true);
    connection._register();
    await turn();
    connection._register();
    await turn();
    expect(calls).to.deep.equal(['cork', 'process', 'uncork', 'cork', 'process', 'uncork']);
  });

  it('lets go of the socket when writing fails', async () => {
    const { connection, calls } = recorder(true, () => {
      throw new Error('cannot be written');
    });
    expect(() => connection._process()).to.throw('cannot be written');
    expect(calls).to.deep.equal(['cork', 'process', 'uncork']);
    await turn();
  });

  it('leaves a connection alone that has no socket yet', async () => {
    const { connection, calls } = recorder(false);
    connection._register();
    await turn();
    expect(calls).to.deep.equal(['process']);
  });

  it('answers the end of a link and of a session, although rhea forgets both at once', async () => {
    const container = rhea.create_container();
    const server = container.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // that of a server on a port
    const ended: string[] = [];
    container.on('receiver_open', ({ receiver }: EventContext) => {
      receiver?.close({ condition: 'amqp:resource-deleted', description: 'by the test' });
    });
    container.on('receiver_close', ({ session }: EventContext) => {
      ended.push('link');
      session?.close({ condition: 'amqp:not-found', description: 'by the test' });
    });
    container.on('session_close', () => ended.push('session'));
    const client = rhea.create_container();
    const connection = client.connect({ host: '127.0.0.1', port, reconnect: false });
    gatherWrites(connection);
    const session = connection.create_session();
    session.on('session_error', () => undefined);
    session.begin();
    const sender = session.open_sender('somewhere');
    sender.on('sender_error', () => undefined);
    // The peer answers a close behind everything else. Where it never ends the session, it has had no answer to its detach.
    session.once('session_close', () => setImmediate(() => connection.close()));
    setTimeout(() => connection.close(), 20_000).unref();
    await once(connection, 'connection_close');
    server.close();
    expect(ended).to.deep.equal(['link', 'session']);
  });

  it('is what rhea does: nothing is written before the turn ends, then everything', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // that of a server on a port
    const container = rhea.create_container();
    const connection = container.connect({ host: '127.0.0.1', port, reconnect: false });
    container.on('error', () => undefined);
    connection.on('disconnected', () => undefined);
    gatherWrites(connection);
    const [peer] = (await once(server, 'connection')) as [Socket];
    await once(peer, 'data');
    const { socket } = connection as unknown as { readonly socket: Socket };
    const written = socket.bytesWritten;
    connection.create_session().begin();
    connection.create_session().begin();
    await new Promise<void>(resolve => process.nextTick(resolve));
    expect(socket.bytesWritten).to.equal(written);
    await turn();
    expect(socket.bytesWritten).to.be.above(written);
    socket.destroy();
    server.close();
  });
});
