import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { FaultProxy } from './fault-proxy.js';
import { until } from './until.js';

/** A server that greets with its name and sends everything back. */
async function echo(
  name: string,
): Promise<{ server: Server; port: number; heard: () => string; stop: () => void }> {
  let heard = '';
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    socket.write(name);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    port: (server.address() as AddressInfo).port, // a TCP server has no other kind of address
    heard: () => heard,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A client that remembers what it heard and how it ended. */
function dial(port: number): { socket: Socket; heard: () => string; error: () => string | undefined } {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  let heard = '';
  let error: string | undefined;
  socket.on('data', (bytes: Buffer) => (heard += bytes.toString()));
  socket.on('error', (reason: NodeJS.ErrnoException) => (error = reason.code ?? reason.message));
  return { socket, heard: () => heard, error: () => error };
}

/** Its end, orderly or not; `once` of Node.js takes an error for a failure. */
function closed(socket: Socket): Promise<void> {
  return until('the socket is closed', () => socket.closed);
}

describe('FaultProxy', () => {
  let target: Awaited<ReturnType<typeof echo>>;
  let proxy: FaultProxy;
  beforeEach(async () => {
    target = await echo('A');
    proxy = await FaultProxy.start({ host: '127.0.0.1', port: target.port });
  });
  afterEach(async () => {
    await proxy.stop();
    target.stop();
  });

  /** A connection over which a first answer has come. */
  async function joined(): Promise<ReturnType<typeof dial>> {
    const client = dial(proxy.port);
    await until('the greeting has come', () => client.heard() !== '');
    return client;
  }

  it('passes bytes both ways, and the ends of both sides', async () => {
    const client = await joined();
    client.socket.end('hello');
    await closed(client.socket);
    expect(client.heard()).to.equal('Ahello');
    await until('the connection is forgotten', () => proxy.connections === 0);
    expect(proxy.accepted).to.equal(1);
  });

  it('puts itself in place of host and port of an address', () => {
    const own = `127.0.0.1:${proxy.port}`;
    expect(proxy.through('amqp://u:p@host:1/v')).to.equal(`amqp://u:p@${own}/v`);
    expect(proxy.through('amqp091://host:1')).to.equal(`amqp091://${own}`);
  });

  for (const ending of ['reset', 'end'] as const) {
    it(`cuts after so many bytes to the broker (${ending})`, async () => {
      const client = await joined();
      const cut = proxy.cutAfter('toBroker', 3, ending);
      client.socket.write('hello');
      await cut;
      await closed(client.socket);
      expect(target.heard()).to.equal('hel');
      expect(client.error()).to.equal(ending === 'reset' ? 'ECONNRESET' : undefined);
      await joined(); // the next one is whole again
    });
  }

  it('cuts after so many bytes to the client, over more than one message', async () => {
    const client = await joined();
    const cut = proxy.cutAfter('toClient', 6, 'end');
    client.socket.write('1234');
    await until('the first have come back', () => client.heard() === 'A1234');
    client.socket.write('5678');
    await cut;
    await closed(client.socket);
    expect(client.heard()).to.equal('A123456');
  });

  it('cuts at once for no bytes, and not at all when that is taken back', async () => {
    const client = await joined();
    const never = proxy.cutAfter('toBroker', 3);
    proxy.dontCut();
    client.socket.write('hello');
    await until('all came back', () => client.heard() === 'Ahello');
    await proxy.cutAfter('toBroker', 0);
    await closed(client.socket);
    expect(client.error()).to.equal('ECONNRESET');
    expect(await Promise.race([never, Promise.resolve('open')])).to.equal('open');
  });

  it('stalls one direction while the other goes on, and gives up what it held', async () => {
    const client = await joined();
    proxy.stall('toClient');
    client.socket.write('hello');
    await until('it was heard', () => target.heard() === 'hello');
    expect(client.heard()).to.equal('A');
    proxy.resume();
    await until('it came back', () => client.heard() === 'Ahello');
    proxy.stall('toBroker');
    client.socket.write('world');
    const other = await joined(); // a stall of the present ones leaves others alone
    other.socket.write('!');
    await until('the other one was heard', () => target.heard() === 'hello!');
    proxy.resume();
    await until('the first one too', () => target.heard() === 'hello!world');
  });

  it('stalls connections yet to come', async () => {
    proxy.stall('both', 'all');
    const client = dial(proxy.port);
    client.socket.write('hello');
    await until('it is connected', () => proxy.connections === 1);
    const direct = dial(target.port);
    direct.socket.end('direct');
    await closed(direct.socket);
    expect([target.heard(), client.heard()]).to.deep.equal(['direct', '']);
    proxy.resume();
    await until('it came back', () => client.heard() === 'Ahello');
  });

  it('holds bytes back, and limits their rate', async () => {
    const client = await joined();
    proxy.delay(50);
    const before = performance.now();
    client.socket.write('hello');
    await until('it came back', () => client.heard() === 'Ahello');
    expect(performance.now() - before).to.be.at.least(99); // there and back; timers may be a fraction of a millisecond early
    proxy.delay(0);
    proxy.limitRate(100_000);
    const start = performance.now();
    client.socket.write('x'.repeat(10_000));
    await until('all of it came back', () => client.heard().length === 10_006);
    // The last piece of each direction leaves at once: at least 100 ms less two pieces of 20 ms.
    expect(performance.now() - start).to.be.at.least(60);
    proxy.limitRate();
  });

  it('refuses, accepts again on the same port, and leads elsewhere', async () => {
    const client = await joined();
    proxy.refuse();
    const refused = dial(proxy.port);
    await until('it is refused', () => refused.error() === 'ECONNREFUSED');
    client.socket.write('still');
    await until('the open one goes on', () => client.heard() === 'Astill');
    const other = await echo('B');
    const { port } = proxy;
    proxy.retarget(other.port);
    await proxy.accept();
    expect(proxy.port).to.equal(port);
    const moved = await joined();
    expect(moved.heard()).to.equal('B');
    other.stop();
    await closed(moved.socket);
  });

  it('resets a client when nobody is at the other end', async () => {
    target.stop();
    await until('it stopped', () => !target.server.listening);
    const client = dial(proxy.port);
    await until('it is reset', () => client.error() === 'ECONNRESET');
  });
});
