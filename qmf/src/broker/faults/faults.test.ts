import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { QmfError } from '../../errors.js';
import type { Envelope } from '../../message/envelope.js';
import { failure, until } from '../../testing/poll.test.fixture.js';
import { amqp10, type Amqp10Options, type Binding, type Wire } from '../../transport/index.js';
import { type Int, int32 } from '../../value/value.js';
import { type RunningBroker, startBroker } from '../index.js';

const topic = 'qmf.default.topic';
const never = new AbortController().signal;
const said = { condition: 'amqp:link:detach-forced', description: 'as the test wants it' };

describe('fault switches of the embedded broker', () => {
  let broker: RunningBroker;
  let wire: Wire;
  let received: number[];
  const wires: Wire[] = [];

  const dial = async (options?: Amqp10Options): Promise<Wire> => {
    const opened = await amqp10(broker.url, options).dial(never);
    wires.push(opened);
    return opened;
  };
  const binding = (key: string): Binding => ({ exchange: topic, exchangeType: 'topic', key, create: false });
  const send = (count: number, key = 'k', on = wire): Promise<void> =>
    on.send({
      to: { node: topic, subject: key },
      headers: new Map([['count', int32(count)]]),
      body: { form: 'none' },
    });
  const countIn = ({ headers }: Envelope): number => Number((headers.get('count') as Int).value);
  /** What was received, once a message sent behind it all has come. */
  const receivedUpTo = async (count: number): Promise<number[]> => {
    await until(`number ${count} has come`, () => received.includes(count));
    return received;
  };
  const codes = async (sends: readonly Promise<void>[]): Promise<string[]> =>
    Promise.all(
      sends.map(sent =>
        sent.then(
          () => 'sent',
          (error: unknown) => (error instanceof QmfError ? error.code : 'odd'),
        ),
      ),
    );

  beforeEach(async () => {
    broker = await startBroker();
    wire = await dial();
    received = [];
    await wire.bind(binding('#'), envelope => received.push(countIn(envelope)));
  });
  afterEach(async () => {
    await Promise.all(wires.splice(0).map(each => each.close()));
    await broker.stop();
  });

  it('answers messages with each outcome, and tells how often', async () => {
    const { faults } = broker;
    const rules = [
      faults.publish('release', { subject: 'a.#' }),
      faults.publish('reject', { subject: 'b' }),
      faults.publish('modify', { subject: 'c' }),
      faults.publish({ do: 'modify', undeliverableHere: true }, { subject: 'd' }),
      faults.publish({ do: 'reject', error: { condition: 'amqp:not-allowed' } }, { subject: 'e' }),
      faults.publish('drop', { subject: 'f', address: topic }),
      faults.publish('drop', { address: 'amq.topic' }),
    ];
    const keys = ['a.1', 'a.2', 'b', 'c', 'd', 'f', 'k'];
    expect(await codes(keys.map((key, index) => send(index, key)))).to.deep.equal([
      'message_released',
      'message_released',
      'message_rejected',
      'message_released',
      'message_rejected',
      'sent',
      'sent',
    ]);
    expect((await failure(send(9, 'e'))).message).to.match(/amqp:not-allowed/);
    expect(await receivedUpTo(6)).to.deep.equal([6]);
    expect(rules.map(({ hits }) => hits)).to.deep.equal([2, 1, 1, 1, 1, 1, 0]);
  });

  it('strikes as often as told, after as many as told, until it is taken back', async () => {
    broker.faults.publish('release', { skip: 1, times: 2 });
    const sends = (): Promise<string[]> => codes([0, 1, 2, 3].map(count => send(count)));
    expect(await sends()).to.deep.equal(['sent', 'message_released', 'message_released', 'sent']);
    const rule = broker.faults.publish('reject');
    expect(await codes([send(0)])).to.deep.equal(['message_rejected']);
    rule.off();
    expect(await codes([send(0)])).to.deep.equal(['sent']);
    broker.faults.publish('reject');
    broker.faults.clear();
    expect(await codes([send(0)])).to.deep.equal(['sent']);
  });

  it('duplicates and delays what comes in', async () => {
    broker.faults.publish('duplicate', { times: 1 });
    broker.faults.publish({ do: 'delay', milliseconds: 20 }, { times: 1 });
    await Promise.all([send(1), send(2), send(3)]);
    expect(await receivedUpTo(2)).to.deep.equal([1, 1, 3, 2]);
  });

  it('leaves messages unsettled, routed or not; they fail when the connection ends', async () => {
    broker.faults.publish('never-settle', { times: 1 });
    broker.faults.publish('swallow', { times: 1 });
    const unsettled = codes([send(1), send(2)]);
    await send(3);
    expect(await receivedUpTo(3)).to.deep.equal([1, 3]);
    broker.dropConnections();
    expect(await unsettled).to.deep.equal(['connection_lost', 'connection_lost']);
  });

  it('drops, duplicates and delays what goes out', async () => {
    const dropped = broker.faults.deliver('drop', { subject: 'lost' });
    broker.faults.deliver('duplicate', { subject: 'twice' });
    broker.faults.deliver({ do: 'delay', milliseconds: 20 }, { subject: 'late', times: 1 });
    await Promise.all([send(1, 'lost'), send(2, 'twice'), send(3, 'late'), send(4)]);
    expect(await receivedUpTo(4)).to.deep.equal([2, 2, 3, 4]);
    expect(dropped.hits).to.equal(1);
  });

  it('refuses links by role and address', async () => {
    broker.faults.attach(
      { do: 'refuse', error: { condition: 'amqp:unauthorized-access' } },
      { role: 'sender', address: topic, times: 1 },
    );
    expect(await codes([send(1)])).to.deep.equal(['not_authorised']);
    expect(await codes([send(2)])).to.deep.equal(['sent']);
    broker.faults.attach({ do: 'refuse', error: { condition: 'amqp:not-found' } }, { role: 'receiver' });
    expect((await failure(wire.bind(binding('x'), () => undefined))).code).to.equal('address_refused');
  });

  it('detaches links, at any time and with a message', async () => {
    await send(1);
    expect(broker.faults.detach(said, { role: 'sender' })).to.equal(1);
    // Its answer comes behind the detach.
    await wire.send({ to: { node: 'amq.topic', subject: 'k' }, headers: new Map(), body: { form: 'none' } });
    await send(2); // on a new link
    broker.faults.publish({ do: 'detach', error: said });
    expect((await failure(send(3))).message).to.match(/as the test wants it/);
    expect((await wire.closed)?.code).to.equal('connection_lost');
  });

  it('ends sessions and connections, with a reason and without', async () => {
    for (const end of [
      () => broker.faults.endSessions(said),
      () => broker.faults.endSessions(),
      () => broker.faults.close(said),
      () => broker.faults.close(),
    ]) {
      const ending = await dial();
      await send(1, 'k', ending);
      await until('the others are gone', () => broker.stats().connections <= 2);
      end();
      expect((await ending.closed)?.code).to.equal('connection_lost');
    }
    for (const fault of ['cut', { do: 'close' }, { do: 'end-session', error: said }] as const) {
      const ending = await dial();
      broker.faults.publish(fault, { times: 1 });
      expect(await codes([send(1, 'k', ending)])).to.deep.equal(['connection_lost']);
      expect((await ending.closed)?.code).to.equal('connection_lost');
    }
  });

  it('cuts, ignores and closes connections that come in', async () => {
    broker.faults.connect('cut', { times: 1 });
    expect((await failure(dial())).code).to.equal('unreachable');
    broker.faults.connect('ignore', { times: 1 });
    expect((await failure(amqp10(broker.url).dial(AbortSignal.timeout(50)))).code).to.equal('aborted');
    broker.faults.connect({ do: 'close', error: { condition: 'amqp:connection:forced' } }, { times: 1 });
    const closed = await failure(dial());
    expect(closed.code).to.equal('unreachable');
    expect(closed.message).to.match(/amqp:connection:forced/);
    await dial();
  });

  it('withholds credit, and gives it later', async () => {
    const rule = broker.faults.withholdCredit({ address: topic });
    const sends = codes([send(1), send(2)]);
    const other = dial();
    const unhindered = (await other).send({
      to: { node: 'amq.topic', subject: 'k' },
      headers: new Map(),
      body: { form: 'none' },
    });
    await unhindered;
    expect(received).to.deep.equal([]);
    rule.off();
    expect(await sends).to.deep.equal(['sent', 'sent']);
  });

  it('freezes what is connected, and lets it go on', async () => {
    await send(1);
    const thaw = broker.faults.freeze();
    const sent = send(2);
    const other = await dial(); // came later
    await send(3, 'k', other);
    expect(received).to.deep.equal([1]);
    thaw();
    await sent;
    expect(await receivedUpTo(2)).to.have.members([1, 2, 3]);
  });
});
