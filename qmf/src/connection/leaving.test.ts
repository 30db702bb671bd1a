import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import type { Envelope } from '../message/envelope.js';
import { failure } from '../testing/poll.test.fixture.js';
import { BusConnection } from './bus-connection.js';
import { FakeTimers, turn } from './fake-timers.test.fixture.js';
import { ScriptedBroker } from './scripted-broker.test.fixture.js';

const message = (subject: string): Envelope => ({
  to: { node: 'e', subject },
  headers: new Map(),
  body: { form: 'none' },
});
const binding = { exchange: 'e', exchangeType: 'topic', key: 'k', create: false } as const;
const keep = { whileAway: 'keep' } as const;

describe('leaving the bus', () => {
  let timers: FakeTimers;
  let broker: ScriptedBroker;
  let connection: BusConnection;
  let kinds: string[];

  beforeEach(async () => {
    timers = new FakeTimers();
    broker = new ScriptedBroker('amqp://a');
    connection = new BusConnection(broker, { timers });
    kinds = [];
    connection.onStatus(({ kind }) => kinds.push(kind));
    connection.start();
    broker.answerDial();
    await turn();
    kinds = [];
  });

  it('waits until everything has been accepted, and takes nothing new but what is kept', async () => {
    const kept = connection.send(message('kept'), keep);
    const request = connection.send(message('request'), { whileAway: 'fail' });
    const draining = connection.drain();
    const late = connection.send(message('late'), keep);
    expect(connection.state).to.equal('draining');
    expect(await failure(connection.send(message('no'), { whileAway: 'fail' }))).to.include({
      code: 'closed',
    });
    expect(await failure(connection.bind(binding, () => undefined))).to.include({ code: 'closed' });
    expect(await failure(connection.ready())).to.include({ code: 'closed' });
    broker.open?.unsettled.forEach(({ resolve }) => resolve());
    expect(await draining).to.deep.equal({ left: 0 });
    await Promise.all([kept, request, late]);
    expect(kinds).to.deep.equal(['draining', 'closed']);
    expect(broker.wires[0]?.state).to.equal('closed');
    expect(timers.pending).to.equal(0);
  });

  it('is done at once when nothing is under way', async () => {
    expect(await connection.drain()).to.deep.equal({ left: 0 });
    expect(connection.state).to.equal('closed');
  });

  it('tells at its deadline what is left, and that fails', async () => {
    const kept = failure(connection.send(message('a'), keep));
    const accepted = connection.send(message('b'), keep);
    broker.open?.sent[1]?.resolve();
    await accepted;
    const draining = connection.drain({ timeout: 1_000 });
    await timers.pass(999);
    expect(connection.state).to.equal('draining');
    await timers.pass(1);
    expect(await draining).to.deep.equal({ left: 1 });
    expect(await kept).to.include({ code: 'closed' });
  });

  it('does not come back when the wire breaks meanwhile', async () => {
    const kept = failure(connection.send(message('a'), keep));
    const draining = connection.drain();
    broker.open?.break();
    expect(await draining).to.deep.equal({ left: 1 });
    expect(await kept).to.include({ code: 'closed' });
    await timers.pass(60_000);
    expect(broker.dials).to.equal(1);
  });

  it('waits for no broker that is away', async () => {
    broker.open?.break();
    await turn();
    const kept = failure(connection.send(message('a'), keep));
    expect(await connection.drain()).to.deep.equal({ left: 1 });
    expect(await kept).to.include({ code: 'closed' });
  });

  it('gives the same to everybody who asks, also after its end', async () => {
    const kept = failure(connection.send(message('a'), keep));
    const draining = [connection.drain(), connection.drain()];
    await connection.close();
    expect(await Promise.all([...draining, connection.drain()])).to.deep.equal(Array(3).fill({ left: 1 }));
    expect(await kept).to.include({ code: 'closed' });
  });

  it('flushes what was kept before when it begins in the moment of opening', async () => {
    broker.open?.break();
    await turn();
    const kept = connection.send(message('a'), keep);
    let draining: Promise<{ left: number }> | undefined;
    connection.onStatus(({ kind }) => {
      if (kind === 'open') draining = connection.drain();
    });
    await timers.pass(1_000);
    broker.answerDial();
    await turn();
    broker.open?.sent[0]?.resolve();
    await kept;
    expect(await draining).to.deep.equal({ left: 0 });
  });

  it('closes at the end of a block with `await using`', async () => {
    await connection[Symbol.asyncDispose]();
    expect(connection.state).to.equal('closed');
  });

  it('tells how many messages were dropped, at most once a second and at the end', async () => {
    const small = new BusConnection(broker, { timers, outboxLimit: 1 });
    const told: number[] = [];
    small.onDropped(count => told.push(count));
    const drop = (count: number): void => {
      for (let sent = 0; sent < count; sent++) {
        small.send(message('p'), { ...keep, importance: 'progress' }).catch(() => undefined);
      }
    };
    drop(4);
    expect(told).to.deep.equal([]);
    await timers.pass(1_000);
    drop(2);
    await timers.pass(1_000);
    await timers.pass(5_000);
    drop(1);
    await small.close();
    expect(told).to.deep.equal([3, 2, 1]);
    expect(small.statistics).to.include({ dropped: 6, waiting: 0, bytes: 0 });
  });

  it('bounds the requests that wait for the broker', async () => {
    const requests = Array.from({ length: 5_000 }, () =>
      connection.send(message('r'), { whileAway: 'fail' }),
    );
    expect(await failure(connection.send(message('r'), { whileAway: 'fail' }))).to.include({
      code: 'outbox_full',
    });
    broker.open?.sent.forEach(({ resolve }) => resolve());
    await Promise.all(requests);
    await connection.close();
  });
});
