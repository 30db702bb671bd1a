import { type ConsoleAgent, type DataAddress, QmfError, type ReceivedEvent } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { AgentTracker } from './agent-tracker.js';
import { EndChecks } from './end-checks.js';
import { until } from '../testing/until.test.fixture.js';

const address: DataAddress = { agentName: 'v:p:i', objectName: 'build_adaptor-1', agentEpoch: 0 };

/** As much of an agent as a watch uses: one build of the status, or no answer at all. */
function agent(asked: string[], name: string, status?: string): ConsoleAgent {
  const object = { address, values: { status, percent_complete: 0 }, updateTime: 0n };
  const answer = async <T>(what: string, result: T): Promise<T> => {
    asked.push(`${name}: ${what}`);
    if (status === undefined) throw new QmfError('timeout', 'no answer');
    return Promise.resolve(result);
  };
  const parts = {
    name: address.agentName,
    objects: () => answer('running', status === 'BUILDING' ? [object] : []),
    addresses: () => answer('addresses', [object]),
    object: () => answer('build', object),
  };
  return parts as unknown as ConsoleAgent;
}

describe('a watch over an agent', () => {
  it('asks an agent that is gone once in a while only, and its new self where that is to be reached', async () => {
    const asked: string[] = [];
    const told: ReceivedEvent[] = [];
    let isThere = true;
    const watch = new AgentTracker({
      agent: agent(asked, 'first', 'BUILDING'),
      isThere: () => isThere,
      checks: new EndChecks({ onReconnect: () => () => undefined }),
      emit: ({ event }) => void told.push(event),
      silence: 60_000,
    });
    watch.watch();
    await until(() => asked.length === 2);
    await new Promise(resolve => setImmediate(resolve));
    expect(watch.isWaiting).to.equal(true);
    watch.isBack(agent(asked, 'silent'));
    isThere = false;
    await until(() => asked.length === 3);
    await new Promise(resolve => setTimeout(resolve, 300));
    expect(asked).to.deep.equal(['first: running', 'first: addresses', 'silent: addresses']);
    isThere = true;
    watch.isBack(agent(asked, 'second', 'COMPLETED'));
    await until(() => told.length === 2);
    expect(asked.slice(3)).to.deep.equal(['second: addresses', 'second: build']);
    expect(told.map(({ values }) => values['new_status'] ?? values['percent_complete'])).to.deep.equal([
      100,
      'COMPLETED',
    ]);
    watch.stop();
  });
});
