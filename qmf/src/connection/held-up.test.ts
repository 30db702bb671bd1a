import { expect } from 'chai';
import { describe, it } from 'mocha';
import { startBroker } from '../broker/index.js';
import type { Envelope } from '../message/envelope.js';
import { until } from '../testing/poll.test.fixture.js';
import { amqp10 } from '../transport/index.js';
import { BusConnection } from './bus-connection.js';
import { watchHeldUp } from './held-up.js';

const message: Envelope = {
  to: { node: 'qmf.default.topic', subject: 'a' },
  headers: new Map(),
  body: { form: 'none' },
};

describe('a watch for a broker that holds us up', () => {
  it('tells once when it takes nothing, and once when it does again; silence alone is no sign', async () => {
    const broker = await startBroker();
    const connection = new BusConnection(amqp10(broker.url));
    connection.start();
    await connection.ready();
    const told: boolean[] = [];
    const stop = watchHeldUp(connection, isHeldUp => told.push(isHeldUp), { patience: 50 });
    await connection.send(message, { whileAway: 'keep' });
    await new Promise(resolve => setTimeout(resolve, 150));
    expect(told, 'with nothing to send').to.deep.equal([]);
    const rule = broker.faults.publish({ do: 'delay', milliseconds: 400 }, {});
    const sent = connection.send(message, { whileAway: 'keep' });
    await until('it is told', () => told.length === 1);
    rule.off();
    await sent;
    await until('the end is told', () => told.length === 2);
    expect(told).to.deep.equal([true, false]);
    stop();
    await connection.close();
    await broker.stop();
  });
});
