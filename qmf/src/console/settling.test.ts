import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { startBroker } from '../broker/index.js';
import { BusConnection } from '../connection/index.js';
import { FakeTransport } from '../connection/fake-transport.test.fixture.js';
import { QmfError } from '../errors.js';
import { failure, until } from '../testing/poll.test.fixture.js';
import { opcodeIn } from '../testing/raw-peer.test.fixture.js';
import type { ConsoleAgent } from './console-agent.js';
import { ConsoleBench, object, type ScriptedAgent } from './console.test.fixture.js';
import { ConsoleSession } from './console-session.js';

describe('every call of a console settles', () => {
  let broker: Awaited<ReturnType<typeof startBroker>>;
  let bench: ConsoleBench;
  let agent: ScriptedAgent;
  let known: ConsoleAgent;
  beforeEach(async () => {
    ({ broker, bench, agent, known } = await ConsoleBench.knowingAgent(startBroker));
    agent.scripts.delete('_query_request');
  });
  afterEach(() => bench.close());
  const gadget = { agentName: '', objectName: 'g1', agentEpoch: 0 };
  const call = (timeout?: number, signal?: AbortSignal) =>
    known.invoke(gadget, 'echo', undefined, {}, { timeout, signal });
  const requests = () => agent.requests.filter(request => opcodeIn(request) === '_method_request').length;
  const arrived = () => until('the call is with the agent', () => requests() === 1);

  it('when the bus breaks under it: it may have been executed, and is not repeated', async () => {
    const calling = failure(call());
    await arrived();
    broker.dropConnections();
    expect(await calling).to.include({ code: 'connection_lost', retryable: true, mayHaveBeenExecuted: true });
    await until('the bus is back', () => bench.connection.state === 'open');
    expect(bench.session.statistics.pendingRequests).to.equal(0);
    expect(requests()).to.equal(1);
  });

  it('when the bus is away already: it was not executed', async () => {
    const calling = new Promise(resolve => {
      const unlisten = bench.connection.onStatus(({ kind }) => {
        if (kind === 'open') return;
        unlisten();
        resolve(failure(call()));
      });
    });
    broker.dropConnections();
    expect(await calling).to.include({ code: 'connection_lost', mayHaveBeenExecuted: false });
  });

  it('when its agent is restarted', async () => {
    const calling = failure(call());
    await arrived();
    agent.epoch = 2;
    agent.heartbeat();
    expect(await calling).to.include({ code: 'agent_unknown', retryable: true, mayHaveBeenExecuted: true });
  });

  it('when its agent is no longer wanted', async () => {
    const calling = failure(call());
    await arrived();
    bench.session.setAgentFilter('[eq, _product, [quote, other]]');
    expect(await calling).to.include({ code: 'agent_unknown', mayHaveBeenExecuted: true });
  });

  it('when the session closes', async () => {
    const calling = failure(call());
    await arrived();
    bench.session.close();
    expect(await calling).to.include({ code: 'closed', mayHaveBeenExecuted: true });
  });

  it('at its deadline, and when its signal fires', async () => {
    expect(await failure(call(30))).to.include({ code: 'timeout', mayHaveBeenExecuted: true });
    const stop = new AbortController();
    const calling = failure(call(undefined, stop.signal));
    stop.abort();
    expect(await calling).to.include({ code: 'aborted', mayHaveBeenExecuted: true });
    expect(await failure(call(undefined, stop.signal))).to.include({ mayHaveBeenExecuted: false });
  });

  it('when the agent refuses it: that is its answer', async () => {
    agent.scripts.set('_method_request', request =>
      agent.answer(request, '_exception', object({ _values: object({ error_text: 'no' }) })),
    );
    expect(await failure(call())).to.include({ code: 'agent_exception', mayHaveBeenExecuted: false });
  });

  it('and a query never says that it may have been executed', async () => {
    const asking = failure(known.query({ what: 'OBJECT', where: [] }));
    broker.dropConnections();
    expect(await asking).to.include({ code: 'connection_lost', mayHaveBeenExecuted: false });
  });
});

describe('a console whose bus is gone for good', () => {
  const refused = new QmfError('not_authorised', 'who are you?');

  it('ends its streams and searches with the reason', async () => {
    const connection = new BusConnection(new FakeTransport([refused]));
    const session = new ConsoleSession(connection);
    const gone: QmfError[] = [];
    session.onBusGone(reason => gone.push(reason));
    await session.open();
    const events = failure(session.events().next());
    const changes = failure(session.agentChanges().next());
    const search = failure(session.findAgent(() => true));
    connection.start();
    expect(await Promise.all([events, changes, search])).to.deep.equal([refused, refused, refused]);
    expect(gone).to.deep.equal([refused]);
    session.close();
    await connection.close();
  });

  it('ends its streams in peace when the connection was closed', async () => {
    const connection = new BusConnection(new FakeTransport());
    const session = new ConsoleSession(connection);
    await session.open();
    connection.start();
    await connection.ready();
    const events = session.events().next();
    const search = failure(session.findAgent(() => true));
    await connection.close();
    expect(await events).to.deep.equal({ done: true, value: undefined });
    expect(await search).to.include({ code: 'closed' });
    session.close();
  });
});
