import { expect } from 'chai';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { until } from '../testing/poll.test.fixture.js';
import { BusConnection } from './bus-connection.js';
import { FakeTransport } from './fake-transport.test.fixture.js';
import { RepeatedCuts } from './repeated-cuts.js';

describe('repeated cuts', () => {
  const reset = new QmfError('connection_lost', 'the connection ended: ECONNRESET');

  it('are named at the third in a row behind what was sent', () => {
    const cuts = new RepeatedCuts();
    expect([cuts.named(reset, 1, 10), cuts.named(reset, 2, 10)]).to.deep.equal([reset, reset]);
    const third = cuts.named(reset, 1, 10);
    expect(third).to.include({ code: 'connection_lost', cause: reset });
    expect(third.message).to.match(/ECONNRESET; 3 times in a row while messages were being sent/);
    expect(third.remedy).to.match(/reject-publish/);
  });

  it('are none when nothing was under way, or the connection had lasted', () => {
    const cuts = new RepeatedCuts();
    const ends = [
      [1, 10],
      [1, 10],
      [0, 10],
      [1, 10],
      [1, 10],
      [1, 100_000],
      [1, 10],
    ] as const;
    for (const [underWay, openFor] of ends) expect(cuts.named(reset, underWay, openFor)).to.equal(reset);
  });

  it('are told by the status of a connection', async () => {
    const transport = new FakeTransport(['open'], false);
    const connection = new BusConnection(transport, { retry: { initialDelay: 0, maxDelay: 0 } });
    const remedies: (string | undefined)[] = [];
    connection.onStatus(status => {
      if (status.kind === 'waiting') remedies.push(status.reason.remedy);
    });
    connection.start();
    const kept = connection.send(
      { to: { node: 'e', subject: 'k' }, headers: new Map(), body: { form: 'none' } },
      { whileAway: 'keep' },
    );
    kept.catch(() => undefined); // never accepted
    for (let cut = 1; cut <= 3; cut++) {
      await until('it is sent', () => transport.wires.length === cut && transport.wire.sent.length === 1);
      transport.wire.break(reset);
    }
    await until('all ends are told', () => remedies.length === 3);
    expect(remedies.map(remedy => remedy !== undefined)).to.deep.equal([false, false, true]);
    await connection.close();
  });
});
