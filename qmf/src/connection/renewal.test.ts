import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Wire } from '../transport/index.js';
import { BusConnection } from './bus-connection.js';
import { FakeTimers, turn } from './fake-timers.test.fixture.js';
import { FakeTransport } from './fake-transport.test.fixture.js';

/** Counts renewals of the wires that it opens. */
class RenewableTransport extends FakeTransport {
  renewals = 0;
  override async dial(signal: AbortSignal): Promise<Wire> {
    const wire = await super.dial(signal);
    wire.renewBindings = () => {
      this.renewals++;
      return Promise.resolve();
    };
    return wire;
  }
}

function opened(renewal: number) {
  const timers = new FakeTimers();
  const transport = new RenewableTransport();
  const retry = { initialDelay: 0, maxDelay: 0 };
  // With a random 1 the pauses are as long as they may be.
  const connection = new BusConnection(transport, { renewal, retry, timers, random: () => 1 });
  connection.start();
  return { timers, transport, connection };
}

describe('the renewal of bindings', () => {
  it('comes again and again while the wire is open, and on the next one', async () => {
    const { timers, transport, connection } = opened(1_000);
    await turn();
    await timers.pass(999);
    expect(transport.renewals).to.equal(0);
    await timers.pass(2_001);
    expect(transport.renewals).to.equal(3);
    transport.wire.break();
    await timers.pass(1_500);
    expect([transport.dials, transport.renewals]).to.deep.equal([2, 4]);
    await connection.close();
    await timers.pass(5_000);
    expect([transport.renewals, timers.pending]).to.deep.equal([4, 0]);
  });

  it('never comes where it is not wanted', async () => {
    const { timers, transport, connection } = opened(0);
    await timers.pass(100_000);
    expect(transport.renewals).to.equal(0);
    await connection.close();
  });
});
