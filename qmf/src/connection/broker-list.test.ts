import { expect } from 'chai';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { failure } from '../testing/poll.test.fixture.js';
import { BusConnection } from './bus-connection.js';
import { FakeTimers, turn } from './fake-timers.test.fixture.js';
import { ScriptedBroker } from './scripted-broker.test.fixture.js';

describe('a list of brokers', () => {
  const away = new QmfError('unreachable', 'nobody there');

  it('is refused when it is empty', () => {
    expect(() => new BusConnection([])).to.throw(QmfError, 'at least one broker');
  });

  it('is gone through without a pause, and the news tell which broker and why', async () => {
    const timers = new FakeTimers();
    const [a, b] = [new ScriptedBroker('amqp://a'), new ScriptedBroker('amqp://b')];
    const connection = new BusConnection([a, b], { timers, random: () => 1 });
    const news: unknown[] = [];
    const reading = (async () => {
      for await (const status of connection.status()) {
        const { kind, broker } = status;
        const reason = 'reason' in status ? status.reason.message : undefined;
        const movedFrom = kind === 'open' ? status.movedFrom : undefined;
        news.push([kind, broker, reason ?? movedFrom].filter(part => part !== undefined).join(' '));
      }
    })();
    connection.start();
    a.answerDial(away);
    await turn();
    b.answerDial();
    await turn();
    await timers.pass(60_000);
    const kept = connection.send(
      { to: { node: 'e', subject: 'm' }, headers: new Map(), body: { form: 'none' } },
      { whileAway: 'keep' },
    );
    b.open?.break(new QmfError('connection_lost', 'killed'));
    await turn();
    a.answerDial();
    await turn();
    expect(a.open?.subjects).to.deep.equal(['m']);
    a.open?.sent[0]?.resolve();
    await kept;
    expect(connection.broker).to.equal('amqp://a');
    expect(connection.statistics).to.include({ attempts: 3, reconnects: 1, failovers: 1, resent: 1 });
    await timers.pass(60_000);
    a.open?.break(new QmfError('connection_lost', 'killed'));
    await turn();
    b.answerDial(away);
    await turn();
    await connection.close();
    await reading;
    expect(news).to.deep.equal([
      'dialling amqp://a',
      'dialling amqp://b nobody there',
      'open amqp://b',
      'dialling amqp://a killed',
      'open amqp://a amqp://b',
      'dialling amqp://b killed',
      'waiting amqp://a none of the 2 brokers can be used: amqp://a: killed; amqp://b: nobody there',
      'closed amqp://a',
    ]);
  });

  it('waits only a moment for a silent broker that was silent before, while another one lets us in', async () => {
    const timers = new FakeTimers();
    const [dead, alive] = [new ScriptedBroker('amqp://dead'), new ScriptedBroker('amqp://alive')];
    const connection = new BusConnection([dead, alive], { timers, random: () => 1 });
    connection.start();
    await timers.pass(9_999);
    expect(alive.dials, 'dials of the second while the first may still answer').to.equal(0);
    await timers.pass(1);
    for (let round = 0; round < 3; round++) {
      alive.answerDial();
      await turn();
      await timers.pass(60_000);
      alive.open?.break(new QmfError('connection_lost', 'restarted'));
      await turn();
      await timers.pass(2_250); // and the pause after a round
      expect([dead.dials, alive.dials]).to.deep.equal([round + 2, round + 2]);
    }
    alive.answerDial(away);
    await turn();
    await timers.pass(9_999);
    expect(dead.dials, 'dials of the first').to.equal(5);
    expect(dead.isDialled, 'waits as long as ever where nobody lets us in').to.equal(true);
    await connection.close();
  });

  it('gives each its turn in the time that there is for the first connection', async () => {
    const timers = new FakeTimers();
    const brokers = ['amqp://a', 'amqp://b', 'amqp://c'].map(name => new ScriptedBroker(name));
    const connection = new BusConnection(brokers, { timers, firstRound: 4_000, random: () => 1 });
    const reasons: string[] = [];
    connection.onStatus(status => {
      if (status.kind === 'waiting') reasons.push(status.reason.message);
    });
    connection.start();
    await timers.pass(4_001);
    expect(brokers.map(({ dials }) => dials)).to.deep.equal([1, 1, 1]);
    expect(reasons).to.have.lengthOf(1);
    expect(reasons[0]).to.match(/: amqp:\/\/a did not answer within 1\.3 s; amqp:\/\/b .*; amqp:\/\/c .* s$/);
    await connection.close();
  });

  it('tells a reader that comes late how things are', async () => {
    const broker = new ScriptedBroker('amqp://a');
    const connection = new BusConnection(broker, { timers: new FakeTimers() });
    connection.start();
    broker.answerDial();
    await turn();
    expect((await connection.status().next()).value).to.include({ kind: 'open', broker: 'amqp://a' });
    await connection.close();
  });

  it('is given up when every broker refuses us, with the words of each', async () => {
    const brokers = ['amqp://a', 'amqp://b'].map(name => new ScriptedBroker(name));
    const connection = new BusConnection(brokers, { timers: new FakeTimers() });
    const ready = failure(connection.ready());
    connection.start();
    for (const broker of brokers) {
      broker.answerDial(new QmfError('not_authorised', `${broker.description} knows no such user`));
      await turn();
    }
    const error = await ready;
    expect(error).to.include({ code: 'not_authorised' });
    expect(error.message).to.match(/amqp:\/\/a knows no such user; amqp:\/\/b knows no such user$/);
    await connection.close();
  });

  it('dials a broker that throws us out at once about once a second', async () => {
    const timers = new FakeTimers();
    const broker = new ScriptedBroker('amqp://a');
    const connection = new BusConnection(broker, { timers, random: () => 1 });
    connection.start();
    for (let at = 0; at < 60_000; at += 50) {
      broker.answerDial();
      await turn();
      broker.open?.break();
      await timers.pass(50);
    }
    expect(broker.dials).to.be.within(50, 65);
    await connection.close();
  });
});
