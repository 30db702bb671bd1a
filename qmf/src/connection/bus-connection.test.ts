import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import { failure, until } from '../testing/poll.test.fixture.js';
import type { Binding } from '../transport/index.js';
import { backoffDelay, defaultRetry } from './backoff.js';
import { BusConnection } from './bus-connection.js';
import { type Dial, FakeTransport } from './fake-transport.test.fixture.js';
import type { ConnectionOptions } from './options.js';

const refused = new QmfError('not_authorised', 'no');
const away = new QmfError('unreachable', 'away');
const binding = (key: string): Binding => ({ exchange: 'e', exchangeType: 'topic', key, create: false });
const message = (subject: string): Envelope => ({
  to: { node: 'e', subject },
  headers: new Map(),
  body: { form: 'none' },
});
const quick = { retry: { initialDelay: 0, maxDelay: 0 }, random: () => 0 };

function make(script?: readonly Dial[], options: ConnectionOptions = {}, prompt = true) {
  const transport = new FakeTransport(script, prompt);
  const connection = new BusConnection(transport, { ...quick, ...options });
  const kinds: string[] = [];
  connection.onStatus(status => kinds.push(status.kind));
  return { transport, connection, kinds };
}

describe('BusConnection', () => {
  it('opens, tells so, and closes', async () => {
    const { transport, connection, kinds } = make();
    expect(connection.state).to.equal('idle');
    connection.start();
    await connection.ready();
    await connection.close();
    expect(kinds).to.deep.equal(['dialling', 'open', 'closed']);
    expect(transport.wire.state).to.equal('closed');
  });

  it('dials again until the broker is there', async () => {
    const { connection, kinds, transport } = make([away, away, 'open']);
    connection.start();
    await connection.ready();
    expect(transport.dials).to.equal(3);
    expect(kinds).to.deep.equal(['dialling', 'waiting', 'dialling', 'waiting', 'dialling', 'open']);
    await connection.close();
  });

  it('gives up on refused credentials, and says why', async () => {
    const { connection, transport } = make([refused]);
    connection.start();
    expect(await failure(connection.ready())).to.equal(refused);
    expect(connection.state).to.equal('failed');
    expect(await failure(connection.ready())).to.equal(refused);
    expect(await failure(connection.send(message('a'), { whileAway: 'keep' }))).to.equal(refused);
    expect(transport.dials).to.equal(1);
    await connection.close();
    expect(connection.state).to.equal('closed');
  });

  it('tries refused credentials again where it is told to', async () => {
    const { connection, transport } = make([refused, refused, 'open'], {
      retry: { ...quick.retry, retryRefused: true },
    });
    connection.start();
    await connection.ready();
    expect(transport.dials).to.equal(3);
    await connection.close();
  });

  it('gives up after so many attempts, and fails what waits', async () => {
    const { connection, transport } = make([away], { retry: { ...quick.retry, maxAttempts: 3 } });
    const kept = failure(connection.send(message('a'), { whileAway: 'keep' }));
    connection.start();
    expect(await failure(connection.ready())).to.equal(away);
    expect(await kept).to.equal(away);
    expect(transport.dials).to.equal(3);
    await connection.close();
  });

  it('takes a broker that does not answer for away, and cancels the dial', async () => {
    const { connection, transport } = make(['silent', 'open'], { dialTimeout: 20 });
    const reasons: string[] = [];
    connection.onStatus(status => {
      if (status.kind === 'waiting') reasons.push(status.reason.message);
    });
    connection.start();
    await connection.ready();
    expect(reasons).to.deep.equal(['amqp://fake did not answer within 0.02 s']);
    expect(transport.pendingDials).to.equal(0);
    await connection.close();
  });

  it('takes a broker that never confirms a binding for away', async () => {
    const { connection, transport } = make(['open'], { dialTimeout: 20 });
    let hanging = true;
    transport.onBind = () => (hanging ? new Promise(() => undefined) : Promise.resolve());
    await connection.bind(binding('a'), () => undefined);
    connection.start();
    await until('it waits', () => connection.state === 'waiting' || transport.dials > 1);
    hanging = false;
    await connection.ready();
    expect(transport.wires[0]?.state).to.equal('closed');
    expect(transport.wire.bindings.size).to.equal(1);
    await connection.close();
  });

  it('closes the wire although a binding hangs', async () => {
    const { connection, transport } = make();
    transport.onBind = () => new Promise(() => undefined);
    await connection.bind(binding('a'), () => undefined);
    connection.start();
    await until('it dialled', () => transport.wires.length === 1);
    await connection.close();
    expect(transport.wire.state).to.equal('closed');
  });

  it('ready() meets its deadline and its signal, and leaves no listener', async () => {
    const { connection } = make(['silent']);
    connection.start();
    expect(await failure(connection.ready({ timeout: 10 }))).to.include({ code: 'timeout' });
    const abort = new AbortController();
    const waiting = failure(connection.ready({ signal: abort.signal }));
    abort.abort();
    expect(await waiting).to.include({ code: 'aborted' });
    expect(await failure(connection.ready({ signal: AbortSignal.abort() }))).to.include({ code: 'aborted' });
    const last = failure(connection.ready());
    await connection.close();
    expect(await last).to.include({ code: 'closed' });
    expect(await failure(connection.ready())).to.include({ code: 'closed' });
  });

  it('a deadline beyond what a timer holds is no deadline of a millisecond', async () => {
    const { connection } = make(['slow']);
    connection.start();
    await connection.ready({ timeout: Number.POSITIVE_INFINITY });
    await connection.close();
  });

  it('close() before start, twice, and while it waits', async () => {
    const unstarted = make().connection;
    await unstarted.close();
    await unstarted.close();
    unstarted.start();
    expect(unstarted.state).to.equal('closed');
    const { connection } = make([away], { retry: { initialDelay: 1e6, maxDelay: 1e6 }, random: () => 1 });
    connection.start();
    await until('it waits', () => connection.state === 'waiting');
    await connection.close();
    expect(connection.state).to.equal('closed');
  });

  describe('bindings', () => {
    it('are put in place again on each new wire', async () => {
      const { connection, transport } = make();
      await connection.bind(binding('a'), () => undefined);
      connection.start();
      await connection.ready();
      await connection.bind(binding('b'), () => undefined);
      transport.wire.break();
      await until('it is back', () => transport.wires.length === 2 && connection.state === 'open');
      expect([...transport.wire.bindings.keys()].map(({ key }) => key)).to.have.members(['a', 'b']);
      await connection.close();
    });

    it('asked for while others are being placed are placed too', async () => {
      const { connection, transport } = make();
      let late: Promise<unknown> | undefined;
      transport.onBind = async () => {
        late ??= connection.bind(binding('late'), () => undefined);
        await late;
      };
      await connection.bind(binding('a'), () => undefined);
      connection.start();
      await connection.ready();
      expect([...transport.wire.bindings.keys()].map(({ key }) => key)).to.have.members(['a', 'late']);
      await connection.close();
    });

    it('given up are taken off the wire, and not put on the next', async () => {
      const { connection, transport } = make();
      connection.start();
      await connection.ready();
      const unbind = await connection.bind(binding('a'), () => undefined);
      await connection.bind(binding('b'), () => undefined);
      unbind();
      expect([...transport.wire.bindings.keys()].map(({ key }) => key)).to.deep.equal(['b']);
      transport.wire.break();
      await until('it is back', () => transport.wires.length === 2 && connection.state === 'open');
      expect([...transport.wire.bindings.keys()].map(({ key }) => key)).to.deep.equal(['b']);
      await connection.close();
    });

    it('refused while open fail for their caller only', async () => {
      const { connection, transport } = make();
      connection.start();
      await connection.ready();
      transport.onBind = () => Promise.reject(new QmfError('address_refused', 'no such exchange'));
      expect(await failure(connection.bind(binding('a'), () => undefined))).to.include({
        code: 'address_refused',
      });
      transport.onBind = () => Promise.resolve();
      transport.wire.break();
      await until('it is back', () => transport.wires.length === 2 && connection.state === 'open');
      expect(transport.wire.bindings.size).to.equal(0);
      await connection.close();
    });

    it('refused at the start fail the connection', async () => {
      const { connection, transport } = make();
      transport.onBind = () => Promise.reject(new QmfError('address_refused', 'no such exchange'));
      await connection.bind(binding('a'), () => undefined);
      connection.start();
      expect(await failure(connection.ready())).to.include({ code: 'address_refused' });
      expect(transport.wire.state).to.equal('closed');
      await connection.close();
    });
  });

  describe('messages while the broker is away', () => {
    it('fail at once, or are kept and sent in order', async () => {
      const { connection, transport } = make();
      expect(await failure(connection.send(message('x'), { whileAway: 'fail' }))).to.include({
        code: 'connection_lost',
      });
      const kept = ['a', 'b', 'c'].map(subject => connection.send(message(subject), { whileAway: 'keep' }));
      connection.start();
      await Promise.all(kept);
      expect(transport.wire.subjects).to.deep.equal(['a', 'b', 'c']);
      await connection.close();
    });

    it('that were under way are sent again after a break, then after another, in order', async () => {
      const { connection, transport } = make(undefined, {}, false);
      connection.start();
      await connection.ready();
      const kept = ['a', 'b', 'c'].map(subject => connection.send(message(subject), { whileAway: 'keep' }));
      const failing = failure(connection.send(message('x'), { whileAway: 'fail' }));
      transport.wire.sent[0]?.resolve();
      transport.wire.break();
      // After the break, before its news.
      kept.push(connection.send(message('d'), { whileAway: 'keep' }));
      expect(await failing).to.include({ code: 'connection_lost' });
      await until('the second wire', () => transport.wires.length === 2 && connection.state === 'open');
      expect(transport.wire.subjects).to.deep.equal(['b', 'c', 'd']);
      transport.wire.break();
      await until('the third wire', () => transport.wires.length === 3 && connection.state === 'open');
      // One by one now: one of them may be what ends the connections.
      for (const expected of [['b'], ['b', 'c'], ['b', 'c', 'd']]) {
        expect(transport.wire.subjects).to.deep.equal(expected);
        transport.wire.sent.at(-1)?.resolve();
        await until('the next is sent', () => connection.statistics.underWay !== 0 || expected.length === 3);
      }
      await Promise.all(kept);
      await connection.close();
    });

    it('are not kept when the broker refused them for another reason', async () => {
      const { connection, transport } = make(undefined, {}, false);
      connection.start();
      await connection.ready();
      const sent = failure(connection.send(message('a'), { whileAway: 'keep' }));
      transport.wire.sent[0]?.reject(new QmfError('message_rejected', 'never'));
      expect(await sent).to.include({ code: 'message_rejected' });
      await connection.close();
    });

    it('fail when the connection closes', async () => {
      const { connection } = make();
      const kept = failure(connection.send(message('a'), { whileAway: 'keep' }));
      await connection.close();
      expect(await kept).to.include({ code: 'closed' });
      expect(await failure(connection.send(message('a'), { whileAway: 'keep' }))).to.include({
        code: 'closed',
      });
    });

    it('that a listener sends at the moment of opening come after those kept before', async () => {
      const { connection, transport } = make();
      connection.onStatus(status => {
        if (status.kind === 'open') void connection.send(message('new'), { whileAway: 'keep' });
      });
      const old = connection.send(message('old'), { whileAway: 'keep' });
      connection.start();
      await old;
      await until('both are sent', () => transport.wire.sent.length === 2);
      expect(transport.wire.subjects).to.deep.equal(['old', 'new']);
      await connection.close();
    });
  });

  it('the stream of states ends with closed, also when it is asked for afterwards', async () => {
    const { connection } = make();
    const kinds: string[] = [];
    const reading = (async () => {
      for await (const status of connection.status()) kinds.push(status.kind);
    })();
    connection.start();
    await connection.ready();
    await connection.close();
    await reading;
    expect(kinds).to.deep.equal(['dialling', 'open', 'closed']);
    const afterwards: string[] = [];
    for await (const status of connection.status()) afterwards.push(status.kind);
    expect(afterwards).to.deep.equal(['closed']);
  });

  it('goes on when a listener throws, and warns of it', async () => {
    const { connection } = make();
    const warnings: string[] = [];
    const onWarning = (warning: Error): unknown => warnings.push(warning.message);
    process.on('warning', onWarning);
    connection.onStatus(status => {
      if (status.kind === 'dialling') throw new Error('a bug of a listener');
    });
    connection.start();
    await connection.ready();
    await until('the warning', () => warnings.includes('a bug of a listener'));
    process.off('warning', onWarning);
    await connection.close();
  });
});

describe('backoffDelay', () => {
  it('is anything from nothing to a bound that doubles up to the cap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (attempt, random) => {
          const delay = backoffDelay(attempt, defaultRetry, () => random);
          expect(delay).to.be.within(0, Math.min(5_000, 250 * 2 ** Math.min(attempt - 1, 40)));
        },
      ),
    );
    const bounds = [1, 2, 3, 5, 6, 5_000].map(attempt => backoffDelay(attempt, defaultRetry, () => 1));
    expect(bounds).to.deep.equal([250, 500, 1_000, 4_000, 5_000, 5_000]);
  });

  it('starts with the initial delay, after a break as after a first refusal', async () => {
    for (const script of [[away, 'open'], ['open']] as Dial[][]) {
      const transport = new FakeTransport(script);
      const connection = new BusConnection(transport, {
        retry: { initialDelay: 8, maxDelay: 100 },
        random: () => 1,
      });
      const delays: number[] = [];
      connection.onStatus(status => {
        if (status.kind === 'waiting') delays.push(status.delay);
      });
      connection.start();
      await connection.ready();
      if (script.length === 1) transport.wire.break();
      await until('it waited', () => delays.length === 1);
      expect(delays).to.deep.equal([8]);
      await connection.close();
    }
  });
});
