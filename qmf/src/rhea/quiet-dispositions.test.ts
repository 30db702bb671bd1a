import { expect } from 'chai';
import { describe, it } from 'mocha';
import { BusConnection } from '../connection/index.js';
import { startBroker } from '../broker/index.js';
import { amqp10 } from '../transport/index.js';

describe('a disposition with a null state', () => {
  it('prints nothing', async () => {
    const printed: unknown[] = [];
    const original = console.error;
    console.error = (...words: unknown[]) => printed.push(...words);
    const broker = await startBroker();
    const connection = new BusConnection(amqp10(broker.url));
    try {
      connection.start();
      await connection.ready();
      const rule = broker.faults.publish(
        { do: 'detach', error: { condition: 'amqp:resource-deleted' } },
        { times: 1 },
      );
      const sends = [1, 2, 3].map(() =>
        connection.send(
          { to: { node: 'qmf.default.topic', subject: 'a' }, headers: new Map(), body: { form: 'none' } },
          { whileAway: 'keep' },
        ),
      );
      await Promise.allSettled(sends); // what became of them is not the point here
      expect(rule.hits).to.equal(1);
      expect(printed).to.deep.equal([]);
    } finally {
      console.error = original;
      await connection.close();
      await broker.stop();
    }
  });
});
