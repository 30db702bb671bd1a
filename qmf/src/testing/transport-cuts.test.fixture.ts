import { randomBytes } from 'node:crypto';
import { getActiveResourcesInfo } from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import type { Binding, Wire } from '../transport/index.js';
import { watchSockets } from './chopped-input.test.fixture.js';
import {
  type CuttableProxy,
  type Direction,
  type Ending,
  startProxy,
} from './cuttable-proxy.test.fixture.js';
import { failure, until } from './poll.test.fixture.js';
import type { TransportSubject } from './transport-suite.test.fixture.js';

const never = (): AbortSignal => new AbortController().signal;
const exchange = 'qmf.cuts.topic';
const binding = (key: string): Binding => ({ exchange, exchangeType: 'topic', key, create: true });
const message = (bytes: Uint8Array = Buffer.alloc(90)): Envelope => ({
  to: { node: exchange, subject: 'k' },
  headers: new Map(),
  body: { form: 'data', bytes },
});

/** How a promise ended, in one word. */
const ending = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof QmfError ? error.code : `not one of ours: ${String(error)}`),
  );

/** What would keep this process alive, beside what the tests themselves do. */
const held = (): number =>
  getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap' || name === 'Timeout').length;

/** What cuts, halves and silences do to a transport; defines the tests inside the caller's `describe`. */
export function transportCuts(subject: TransportSubject): void {
  let broker: Awaited<ReturnType<TransportSubject['start']>>;
  const stray: unknown[] = [];
  const note = (error: unknown): unknown => stray.push(error);

  beforeEach(async () => {
    broker = await subject.start();
    // So that the exchange is there.
    const wire = await subject.transport(broker.url).dial(never());
    await wire.bind(binding('none'), () => undefined);
    await wire.close();
    stray.length = 0;
    process.on('uncaughtExceptionMonitor', note);
    process.on('unhandledRejection', note);
  });
  afterEach(async () => {
    process.off('uncaughtExceptionMonitor', note);
    process.off('unhandledRejection', note);
    await broker.stop();
    expect(stray).to.deep.equal([]);
  });

  const throughProxy = async (use: (proxy: CuttableProxy) => Promise<void>): Promise<void> => {
    const proxy = await startProxy(broker.url);
    try {
      await use(proxy);
    } finally {
      await proxy.stop();
    }
  };

  for (const direction of ['to broker', 'from broker'] as const) {
    for (const end of ['reset', 'end'] as const) {
      it(`settles a dial that is cut at any byte (${direction}, ${end}), and leaves nothing behind`, async () => {
        await turn(); // mocha's own timer starts only now
        const before = held();
        for (let bytes = 0; bytes < 420; bytes += 11) await cutDial(bytes, direction, end);
        await until('nothing is left', () => held() <= before);
      });

      it(`settles all that is under way when it is cut at any byte (${direction}, ${end})`, async () => {
        await turn(); // mocha's own timer starts only now
        const before = held();
        for (let bytes = 0; bytes < 1_300; bytes += 37) await cutTraffic(bytes, direction, end);
        await until('nothing is left', () => held() <= before);
      });
    }
  }

  const cutDial = (bytes: number, direction: Direction, end: Ending): Promise<void> =>
    throughProxy(async proxy => {
      proxy.limit(direction, bytes, end);
      let wire: Wire | undefined;
      const dialled = ending(
        subject
          .transport(proxy.url)
          .dial(never())
          .then(async opened => {
            wire = opened;
            await opened.bind(binding('k'), () => undefined);
          }),
      );
      expect(await dialled, `after ${bytes} bytes`).to.be.oneOf(['unreachable', 'connection_lost', 'done']);
      await wire?.close();
      await until('the sockets are closed', () => proxy.open === 0);
    });

  const cutTraffic = (bytes: number, direction: Direction, end: Ending): Promise<void> =>
    throughProxy(async proxy => {
      const wire = await subject.transport(proxy.url).dial(never());
      await wire.bind(binding('k'), () => undefined);
      await wire.send(message());
      proxy.limit(direction, bytes, end);
      const work = [
        ...Array.from({ length: 8 }, () => ending(wire.send(message()))),
        ending(wire.bind(binding('late'), () => undefined)),
        ending(wire.send({ ...message(), to: { node: exchange, subject: 'late' } })),
      ];
      const more = setInterval(() => work.push(ending(wire.send(message()))), 1);
      expect(await wire.closed, `after ${bytes} bytes`).to.have.property('code', 'connection_lost');
      clearInterval(more);
      for (const outcome of await Promise.all(work)) expect(outcome).to.be.oneOf(['done', 'connection_lost']);
      await wire.close();
      await until('the sockets are closed', () => proxy.open === 0);
    });

  it('finds a peer that went silent, whatever we do meanwhile, and stays with one that is only idle', async () => {
    const silent = async (prepare: (proxy: CuttableProxy, wire: Wire) => () => void): Promise<void> =>
      throughProxy(async proxy => {
        const wire = await subject.transport(proxy.url, { idleTimeout: 2_000 }).dial(never());
        await wire.bind(binding('k'), () => undefined);
        await wire.send(message());
        const done = prepare(proxy, wire);
        const reason = await wire.closed;
        done();
        expect(reason?.code).to.equal('connection_lost');
        expect(reason?.message).to.match(/nothing came .*for 2 s/);
        await wire.close();
      });
    const nothing = (): void => undefined;
    const idle = await subject.transport(broker.url, { idleTimeout: 2_000 }).dial(never());
    let ended = false;
    void idle.closed.then(() => (ended = true));
    await Promise.all([
      // Longer than the timeout: that is the point.
      new Promise(resolve => setTimeout(resolve, 2_500)),
      // idle
      silent(proxy => {
        proxy.stall();
        return nothing;
      }),
      // sending all the time, which the network takes
      silent((proxy, wire) => {
        proxy.limit('from broker', 0, 'silence');
        const sending = setInterval(() => void ending(wire.send(message())), 50);
        return () => clearInterval(sending);
      }),
      // in the middle of a frame
      ...[3, 9, 60].map(bytes =>
        silent((proxy, wire) => {
          proxy.limit('from broker', bytes, 'silence');
          void ending(wire.send(message()));
          void ending(wire.send(message()));
          return nothing;
        }),
      ),
    ]);
    expect(ended).to.equal(false);
    await idle.send(message());
    await idle.close();
  });

  it('leaves bodies as they were delivered while more come in', async () => {
    const wire = await subject.transport(broker.url).dial(never());
    const received: Envelope[] = [];
    await wire.bind(binding('k'), envelope => received.push(envelope));
    const sent = Array.from({ length: 400 }, (_, index) => randomBytes((index * 7919) % 9_000));
    for (let from = 0; from < sent.length; from += 40)
      await Promise.all(sent.slice(from, from + 40).map(bytes => wire.send(message(bytes))));
    await until('all have come', () => received.length === sent.length);
    for (const [index, { body }] of received.entries()) {
      const bytes = body.form === 'data' ? body.bytes : Buffer.alloc(0);
      expect(Buffer.compare(bytes, sent[index] ?? Buffer.alloc(0)), `number ${index}`).to.equal(0);
    }
    await wire.close();
  });

  it('sends without delay on every socket, the redialled ones too, and gathers what it writes', async () => {
    for (let dial = 0; dial < 3; dial++) {
      const seen: { noDelay: boolean | undefined; gathered: number }[] = [];
      const wire = await watchSockets(
        socket => {
          const state: (typeof seen)[number] = { noDelay: undefined, gathered: 0 };
          seen.push(state);
          const [setNoDelay, cork] = [socket.setNoDelay.bind(socket), socket.cork.bind(socket)];
          socket.setNoDelay = on => {
            state.noDelay = on ?? true;
            return setNoDelay(on);
          };
          socket.cork = () => {
            state.gathered++;
            cork();
          };
        },
        () => subject.transport(broker.url).dial(never()),
      );
      await wire.bind(binding('k'), () => undefined);
      await wire.send(message());
      const before = seen[0]?.gathered ?? 0;
      await Promise.all(Array.from({ length: 20 }, () => wire.send(message())));
      expect(seen.map(({ noDelay }) => noDelay)).to.deep.equal([true]);
      expect(seen[0]?.gathered).to.be.greaterThan(before);
      if (broker.dropConnections !== undefined) {
        broker.dropConnections();
        expect((await wire.closed)?.code).to.equal('connection_lost');
        expect((await failure(wire.send(message()))).code).to.equal('connection_lost');
      }
      await wire.close();
    }
  });
}
