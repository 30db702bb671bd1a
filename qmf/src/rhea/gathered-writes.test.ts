import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Connection } from 'rhea';
import { gatherWrites } from './gathered-writes.js';

/** A connection that notes when it writes and what it asks of its socket. */
function recorder(withSocket: boolean) {
  const calls: string[] = [];
  const connection = {
    output: () => calls.push('output'),
    ...(withSocket ? { socket: { cork: () => calls.push('cork'), uncork: () => calls.push('uncork') } } : {}),
  };
  // Only what gatherWrites touches is there.
  gatherWrites(connection as unknown as Connection);
  return { connection, calls };
}

const nextTick = (): Promise<void> => new Promise(resolve => process.nextTick(resolve));

describe('gatherWrites', () => {
  it('sends the first frame of a turn at once and the others together', async () => {
    const { connection, calls } = recorder(true);
    connection.output();
    expect(calls).to.deep.equal(['output']);
    connection.output();
    connection.output();
    expect(calls).to.deep.equal(['output', 'cork', 'output', 'output']);
    await nextTick();
    expect(calls).to.deep.equal(['output', 'cork', 'output', 'output', 'uncork']);
  });

  it('begins anew with each turn', async () => {
    const { connection, calls } = recorder(true);
    connection.output();
    await nextTick();
    connection.output();
    await nextTick();
    expect(calls).to.deep.equal(['output', 'output']);
  });

  it('leaves a connection alone that has no socket yet', async () => {
    const { connection, calls } = recorder(false);
    connection.output();
    connection.output();
    await nextTick();
    expect(calls).to.deep.equal(['output', 'output']);
  });
});
