import { expect } from 'chai';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RunningBroker, startBroker } from '../broker/index.js';
import { BusConnection } from '../connection/index.js';
import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import { connectTo, onEachBroker, type TestBroker } from '../testing/brokers.test.fixture.js';
import { failure, until } from '../testing/poll.test.fixture.js';
import { RawPeer } from '../testing/raw-peer.test.fixture.js';
import { amqp10, type Binding, type Wire } from './index.js';
import { ownPort } from '../testing/own-port.test.fixture.js';

const never = new AbortController().signal;
const topic = (key: string): Binding => ({
  exchange: 'qmf.default.topic',
  exchangeType: 'topic',
  key,
  create: false,
});
const message = (subject: string, node = 'qmf.default.topic'): Envelope => ({
  to: { node, subject },
  headers: new Map([['qmf.opcode', 'test']]),
  contentType: 'amqp/map',
  body: { form: 'value', value: new Map([['a', 'b']]) },
});

/** A server of bytes: answers each connection as told. */
async function serve(answer: (socket: Socket) => void): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    answer(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `amqp://127.0.0.1:${port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('dialling over AMQP 1.0', () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown): unknown => uncaught.push(error);
  beforeEach(() => {
    uncaught.length = 0;
    process.on('uncaughtExceptionMonitor', note);
  });
  afterEach(() => {
    process.off('uncaughtExceptionMonitor', note);
    expect(uncaught).to.deep.equal([]);
  });

  it('a port where nobody listens is unreachable', async () => {
    const server = await serve(() => undefined);
    await server.close();
    const error = await failure(amqp10(server.url).dial(never));
    expect(error).to.include({ code: 'unreachable', retryable: true });
    expect(error.message).to.include(server.url);
  });

  it('a host that does not exist is unreachable', async () => {
    expect(await failure(amqp10('amqp://no-such-host.invalid').dial(never))).to.include({
      code: 'unreachable',
    });
  });

  const strangers: readonly (readonly [string, string | Buffer])[] = [
    ['an AMQP 0-9-1 header', Buffer.from('AMQP\0\0\x09\x01', 'latin1')],
    ['an AMQP 0-10 header', Buffer.from('AMQP\x01\x01\0\x0a', 'latin1')],
    ['an AMQP 1.0 header without SASL', Buffer.from('AMQP\0\x01\0\0', 'latin1')],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
    [
      'a SASL header and garbage',
      Buffer.concat([Buffer.from('AMQP\x03\x01\0\0', 'latin1'), Buffer.from('0000000702010000', 'hex')]),
    ],
    [
      'a SASL header and a frame of zeros',
      Buffer.concat([Buffer.from('AMQP\x03\x01\0\0', 'latin1'), Buffer.alloc(64)]),
    ],
  ];
  for (const [what, bytes] of strangers) {
    it(`a server that answers with ${what} is unreachable, and not a matter of credentials`, async () => {
      const server = await serve(socket => socket.write(bytes));
      const error = await failure(
        amqp10(server.url.replace('//', '//user:hush@')).dial(AbortSignal.timeout(60_000)),
      );
      expect(error).to.be.instanceOf(QmfError).with.property('code', 'unreachable');
      expect(error.message).to.not.include('hush');
      await server.close();
    });
  }

  it('a server that hangs up is unreachable', async () => {
    const server = await serve(socket => socket.destroy());
    expect(await failure(amqp10(server.url).dial(never))).to.include({ code: 'unreachable' });
    await server.close();
  });

  it('a server that stays silent is given up when the signal says so, and its socket closed', async () => {
    let gone = false;
    const server = await serve(socket => {
      socket.resume();
      socket.on('close', () => {
        gone = true;
      });
    });
    const connection = new BusConnection(amqp10(server.url), { dialTimeout: 50, retry: { maxAttempts: 1 } });
    connection.start();
    const error = await failure(connection.ready());
    expect(error).to.include({ code: 'unreachable' });
    expect(error.message).to.include('did not answer within 0.05 s');
    await until('the socket is closed', () => gone);
    await connection.close();
    await server.close();
  });

  it('an aborted signal dials nothing', async () => {
    expect(await failure(amqp10('amqp://127.0.0.1:1').dial(AbortSignal.abort()))).to.include({
      code: 'aborted',
    });
  });

  describe('with users', () => {
    let broker: RunningBroker;
    beforeEach(async () => {
      broker = await startBroker({ users: { alice: 'wonder%land' } });
    });
    afterEach(() => broker.stop());

    it('a wrong password is refused, for good, and never repeated', async () => {
      const url = broker.url.replace('//', '//alice:hush-hush@');
      const transport = amqp10(url);
      expect(transport.description).to.equal(broker.url);
      const connection = new BusConnection(transport);
      connection.start();
      const error = await failure(connection.ready());
      expect(error).to.include({ code: 'not_authorised', retryable: false });
      expect(JSON.stringify([error.message, error.stack, String(error.cause), error.cause])).to.not.include(
        'hush-hush',
      );
      expect(connection.state).to.equal('failed');
      await connection.close();
    });

    it('no password at all is refused too', async () => {
      expect(await failure(amqp10(broker.url).dial(AbortSignal.timeout(60_000)))).to.include({
        code: 'not_authorised',
      });
    });

    it('the right one, percent-encoded, opens', async () => {
      const wire = await amqp10(broker.url.replace('//', '//alice:wonder%25land@')).dial(never);
      await wire.close();
      expect(await wire.closed).to.equal(undefined);
    });
  });

  it('works by the name localhost too', async () => {
    const broker = await startBroker();
    const wire = await amqp10(`localhost:${broker.port}`).dial(never);
    await wire.close();
    await broker.stop();
  });
});

onEachBroker('a wire', start => {
  let broker: TestBroker;
  let wire: Wire;
  const malformed: QmfError[] = [];

  beforeEach(async () => {
    malformed.length = 0;
    broker = await start();
    wire = await amqp10(broker.url).dial(never);
    wire.onMalformed?.(error => malformed.push(error));
  });
  afterEach(async () => {
    await wire.close();
    await broker.stop();
  });

  it('§9.8 receives what its binding matches, one link for each binding', async () => {
    const got: (string | undefined)[] = [];
    await wire.bind(topic('test.a.#'), ({ to }) => got.push(`a ${to.subject}`));
    await wire.bind(topic('test.b'), ({ to }) => got.push(`b ${to.subject}`));
    for (const subject of ['test.c', 'test.a', 'test.b', 'test.a.x.y']) await wire.send(message(subject));
    await until('three arrived', () => got.length === 3);
    expect(got.sort()).to.deep.equal(['a test.a', 'a test.a.x.y', 'b test.b']);
  });

  it('stops receiving when a binding is given up', async () => {
    const got: (string | undefined)[] = [];
    const unbind = await wire.bind(topic('test.gone'), () => got.push('gone'));
    await wire.bind(topic('test.stays'), () => got.push('stays'));
    unbind();
    for (const subject of ['test.gone', 'test.stays']) await wire.send(message(subject));
    await until('one arrived', () => got.length > 0);
    expect(got).to.deep.equal(['stays']);
  });

  it('carries all that an envelope holds', async () => {
    const got: Envelope[] = [];
    await wire.bind(topic('test.whole'), envelope => got.push(envelope));
    const sent: Envelope = {
      ...message('test.whole'),
      replyTo: { node: 'qmf.default.topic', subject: 'direct-console.1' },
      correlationId: '17',
      ttl: 60_000,
    };
    await wire.send(sent);
    const [envelope] = await until('it arrived', () => got.length > 0 && got);
    expect(envelope).to.deep.include({
      to: sent.to,
      replyTo: sent.replyTo,
      correlationId: '17',
      contentType: 'amqp/map',
      headers: sent.headers,
      body: sent.body,
    });
  });

  it('§9.8 a node that does not exist is refused, and the wire goes on', async () => {
    expect(
      await failure(wire.bind({ ...topic('k'), exchange: 'no.such.exchange' }, () => undefined)),
    ).to.include({ code: 'address_refused' });
    expect(await failure(wire.send(message('k', 'no.such.exchange')))).to.include({
      code: 'address_refused',
    });
    expect(await failure(wire.send(message('k', 'no.such.exchange')))).to.include({
      code: 'address_refused',
    });
    await wire.send(message('k'));
  });

  it('a megabyte goes through', async () => {
    const got: Envelope[] = [];
    await wire.bind(topic('test.big'), envelope => got.push(envelope));
    const bytes = Buffer.alloc(1_000_000, 0x61);
    await wire.send({ ...message('test.big'), contentType: 'x', body: { form: 'data', bytes } });
    const [envelope] = await until('it arrived', () => got.length > 0 && got);
    expect(envelope?.body.form === 'data' && Buffer.compare(envelope.body.bytes, bytes)).to.equal(0);
  });

  it('messages that are no messages are dropped and told of; the next one arrives', async function () {
    if (!('stats' in broker)) this.skip(); // qpidd reads them itself, and passes none on
    const got: (string | undefined)[] = [];
    await wire.bind(topic('test.raw'), ({ to }) => got.push(to.subject));
    const raw = await RawPeer.connect(broker.port);
    // A sound properties section, so that it is routed, and bodies that only a reader of bodies refuses: a map of odd length, text that is no UTF-8, a boolean as key.
    for (const body of ['005377c10301a100', '005377a102c328', '005377c103024141']) {
      raw.sendBytes('qmf.default.topic', Buffer.concat([subjectOnly('test.raw'), Buffer.from(body, 'hex')]));
    }
    raw.send('qmf.default.topic', { subject: 'test.raw', body: { form: 'none' } });
    await until('the good one arrived', () => got.length === 1);
    expect(malformed.map(({ code }) => code)).to.deep.equal([
      'malformed_message',
      'malformed_message',
      'malformed_message',
    ]);
    await raw.close();
  });

  it('opens many reply addresses and closes those unused, losing nothing', async () => {
    const raw = await RawPeer.connect(broker.port);
    const inboxes = [];
    for (let count = 0; count < 80; count++) inboxes.push(await raw.dynamicQueue());
    await Promise.all(inboxes.map(({ address }) => wire.send({ ...message('x'), to: { node: address } })));
    await Promise.all(inboxes.map(inbox => inbox.next()));
    for (const inbox of inboxes.slice(0, 5)) {
      await wire.send({ ...message('x'), to: { node: inbox.address } });
      await inbox.next();
    }
    await raw.close();
  });

  it('makes the exchanges of another domain where it is asked to (§9.10)', async () => {
    const exchange = `qmf.test-${process.pid}.topic`;
    const got: (string | undefined)[] = [];
    await wire.bind({ ...topic('k.#'), exchange, create: true }, ({ to }) => got.push(to.subject));
    await wire.send(message('k.1', exchange));
    await until('it arrived', () => got.length === 1);
  });
});

/** A properties section with nothing but a subject. */
function subjectOnly(subject: string): Buffer {
  const text = Buffer.from(subject);
  const items = Buffer.concat([Buffer.from([0x40, 0x40, 0x40, 0xa1, text.length]), text]);
  return Buffer.concat([Buffer.from([0x00, 0x53, 0x73, 0xc0, items.length + 1, 4]), items]);
}

describe('a wire and its broker', () => {
  it('counts a full queue as released, and a rejected message as rejected (§9.25)', async () => {
    const fault = { next: 'none' as 'none' | 'release' | 'reject' };
    const broker = await startBroker({ faults: { publish: () => fault.next } });
    const wire = await amqp10(broker.url).dial(never);
    fault.next = 'release';
    expect(await failure(wire.send(message('a')))).to.include({ code: 'message_released', retryable: true });
    fault.next = 'reject';
    expect(await failure(wire.send(message('a')))).to.include({ code: 'message_rejected', retryable: false });
    fault.next = 'none';
    await wire.send(message('a'));
    await wire.close();
    await broker.stop();
  });

  it('fails what is under way when the broker goes, and tells why it ended', async () => {
    const broker = await startBroker();
    const wire = await amqp10(broker.url).dial(never);
    await wire.bind(topic('#'), () => undefined);
    const sends = Array.from({ length: 50 }, () =>
      wire.send(message('a')).then(
        () => 'sent',
        (error: unknown) => (error instanceof QmfError ? error.code : 'odd'),
      ),
    );
    broker.dropConnections();
    const ended = await wire.closed;
    expect(ended).to.include({ code: 'connection_lost' });
    expect(new Set(await Promise.all(sends))).to.deep.equal(new Set(['connection_lost']));
    expect(await failure(wire.send(message('a')))).to.include({ code: 'connection_lost' });
    expect(await failure(wire.bind(topic('a'), () => undefined))).to.include({ code: 'connection_lost' });
    await wire.close();
    await broker.stop();
  });

  it('comes back when the broker restarts on the same port', async () => {
    const first = await startBroker({ port: ownPort() });
    const connection = await connectTo(first.url);
    const got: (string | undefined)[] = [];
    await connection.bind(topic('test.#'), ({ to }) => got.push(to.subject));
    await first.stop();
    await until('it noticed', () => connection.state !== 'open');
    const kept = ['test.1', 'test.2'].map(subject =>
      connection.send(message(subject), { whileAway: 'keep' }),
    );
    const second = await startBroker({ port: first.port });
    await Promise.all(kept);
    await until('they arrived', () => got.length === 2);
    expect(got).to.deep.equal(['test.1', 'test.2']);
    await connection.close();
    expect(await until('the broker noticed', () => second.stats().connections === 0)).to.equal(true);
    await second.stop();
  });

  it('ends the wire when the broker takes a binding away', async () => {
    const broker = await startBroker();
    const connection = await connectTo(broker.url);
    await connection.bind(topic('test.#'), () => undefined);
    const states: string[] = [];
    connection.onStatus(({ kind }) => states.push(kind));
    broker.dropConnections();
    await until('it is back', () => states.includes('open'));
    expect(states).to.deep.equal(['waiting', 'dialling', 'open']);
    await connection.close();
    await broker.stop();
  });

  it('a dialect that goes against what the broker says is used, and warned of once', async () => {
    const broker = await startBroker();
    const warned: string[] = [];
    const onWarning = (text: string): unknown => warned.push(text);
    for (const dialect of ['embedded', 'artemis', undefined] as const) {
      const transport = amqp10(broker.url, { onWarning, ...(dialect === undefined ? {} : { dialect }) });
      for (let dial = 0; dial < 2; dial++) await (await transport.dial(never)).close();
    }
    expect(warned).to.have.lengthOf(1);
    expect(warned[0])
      .to.match(/calls itself imagefactory-embedded-broker [\d.]+ and is spoken to in the dialect 'artemis'/)
      .and.to.include("'embedded' is its own");
    await broker.stop();
  });

  it('a virtual host of RabbitMQ without its prefix is refused, instead of another one being used', async () => {
    const broker = await startBroker();
    const dial = (vhost: string): Promise<Wire> =>
      amqp10(`${broker.url}/${vhost}`, { dialect: 'rabbitmq3', onWarning: () => undefined }).dial(never);
    const error = await failure(dial('images'));
    expect(error).to.include({ code: 'address_refused' });
    expect(error.message).to.match(/end the address in \/vhost:images$/);
    for (const right of ['vhost:images', '%2F']) await (await dial(right)).close();
    await broker.stop();
  });

  it('a form of bodies that is forced holds before there is a broker', () => {
    expect(new BusConnection(amqp10('localhost', { bodyForm: 'data' })).bodyForm).to.equal('data');
    expect(new BusConnection(amqp10('localhost')).bodyForm).to.equal('value');
  });
});
