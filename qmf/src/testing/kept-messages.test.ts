import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RunningBroker, startBroker } from '../broker/index.js';
import type { BusConnection } from '../connection/index.js';
import { QmfError } from '../errors.js';
import { amqp10 } from '../transport/index.js';
import { connectTo } from './brokers.test.fixture.js';
import { until } from './poll.test.fixture.js';

const topic = 'qmf.default.topic';

describe('kept messages at a broker that misbehaves', () => {
  let broker: RunningBroker;
  let connection: BusConnection;
  let received: string[];
  let ends: string[];

  beforeEach(async () => {
    broker = await startBroker();
    connection = await connectTo(broker.url);
    received = [];
    ends = [];
    const listener = await amqp10(broker.url).dial(new AbortController().signal);
    await listener.bind(
      { exchange: topic, exchangeType: 'topic', key: '#', create: false },
      ({ to, messageId }) => received.push(`${to.subject} ${messageId}`),
    );
  });
  afterEach(async () => {
    await connection.close();
    await broker.stop();
  });

  function keep(subjects: readonly string[]): Promise<void>[] {
    return subjects.map(subject =>
      connection
        .send(
          { to: { node: topic, subject }, headers: new Map(), body: { form: 'none' } },
          { whileAway: 'keep' },
        )
        .then(
          () => void ends.push(`${subject} accepted`),
          (error: unknown) => void ends.push(`${subject} ${QmfError.from(error, 'closed').code}`),
        ),
    );
  }

  const firsts = (): string[] => [...new Set(received)].map(text => text.split(' ')[0] ?? '');

  it('over which the connection ends three times in a row are dropped, and the others go out', async () => {
    const poison = broker.faults.publish('cut', { subject: 'poison' });
    await Promise.all(keep(['a', 'poison', 'b', 'c']));
    expect(ends.toSorted()).to.deep.equal([
      'a accepted',
      'b accepted',
      'c accepted',
      'poison message_rejected',
    ]);
    expect(poison.hits).to.equal(3);
    expect(connection.statistics).to.include({ poisoned: 1, accepted: 3, waiting: 0 });
    poison.off();
    await Promise.all(keep(['d']));
    expect(ends.at(-1)).to.equal('d accepted');
  });

  it('go out in their order after their link was detached, whether they were under way or waited for credit', async () => {
    await Promise.all(keep(['0']));
    const unsettled = broker.faults.publish('never-settle', { subject: '1' });
    const credit = broker.faults.withholdCredit({ address: topic });
    const subjects = Array.from({ length: 700 }, (_, number) => String(number + 1));
    const sent = keep(subjects);
    await until('one is under way', () => unsettled.hits === 1);
    broker.faults.clear();
    credit.off();
    broker.faults.detach({ condition: 'amqp:link:detach-forced' }, { role: 'sender' });
    await Promise.all(sent);
    await until('all have come', () => firsts().length === 701);
    expect(firsts()).to.deep.equal(['0', ...subjects]);
    expect(ends).to.deep.equal(['0', ...subjects].map(subject => `${subject} accepted`));
    expect(connection.statistics).to.include({ reconnects: 1, accepted: 701, released: 0, rejected: 0 });
  });

  it('go out later when a queue was full for a moment, and at no other time is one lost over the size of another', async () => {
    broker.faults.publish('release', { subject: 'a', times: 1 });
    broker.faults.publish('modify', { subject: 'b', times: 2 });
    broker.faults.publish(
      { do: 'detach', error: { condition: 'amqp:link:message-size-exceeded' } },
      { subject: 'd', times: 1 },
    );
    await Promise.all(keep(['a', 'b']));
    const large = connection.send(
      {
        to: { node: topic, subject: 'd' },
        headers: new Map(),
        body: { form: 'data', bytes: new Uint8Array(10_000) },
      },
      { whileAway: 'keep' },
    );
    const others = keep(['c', 'e']);
    expect(await large.catch((error: unknown) => QmfError.from(error, 'closed').code)).to.equal(
      'message_rejected',
    );
    await Promise.all(others);
    await until('all have come', () => firsts().length === 4);
    expect(firsts()).to.deep.equal(['a', 'b', 'c', 'e']);
  });

  it('are told from one another by an id that stays', async () => {
    broker.faults.publish('never-settle', { times: 1 });
    const sent = keep(['a']);
    await until('it came', () => received.length === 1);
    broker.faults.close({ condition: 'amqp:connection:forced' });
    await Promise.all(sent);
    await until('the connection is back', () => connection.state === 'open');
    expect(connection.statistics).to.include({ resent: 1, accepted: 1 });
    expect(new Set(received).size).to.equal(1);
  });
});
