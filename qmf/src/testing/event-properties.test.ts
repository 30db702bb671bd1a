import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import type { AgentSession } from '../agent/index.js';
import type { BusConnection } from '../connection/index.js';
import { ConsoleSession, type ReceivedEvent } from '../console/index.js';
import { Int } from '../value/value.js';
import { connectTo, onEachBroker, type TestBroker } from './brokers.test.fixture.js';
import { startFactory, StatusEvent } from './factory.test.fixture.js';

onEachBroker('application properties of an event', start => {
  const event = { addr: {}, event: 'STATUS', old_status: 'A', new_status: 'B' };
  let broker: TestBroker;
  let connections: readonly BusConnection[];
  let agent: AgentSession;
  let session: ConsoleSession;

  beforeEach(async () => {
    broker = await start();
    const [ofAgent, ofConsole] = await Promise.all([connectTo(broker.url), connectTo(broker.url)]);
    connections = [ofAgent, ofConsole];
    agent = await startFactory(ofAgent, 'properties', 'value');
    session = new ConsoleSession(ofConsole);
    await session.open();
  });

  afterEach(async () => {
    session.close();
    agent.close();
    await Promise.all(connections.map(connection => connection.close()));
    await broker.stop();
  });

  /** The next events of the agent. */
  const next = (count: number): Promise<readonly ReceivedEvent[]> =>
    new Promise(resolve => {
      const received: ReceivedEvent[] = [];
      const unlisten = session.onEvent(one => {
        if (one.agent !== agent.name || received.push(one) < count) return;
        unlisten();
        resolve(received);
      });
    });

  it('reach consoles beside those of QMF; the next event is without them', async () => {
    const received = next(2);
    const properties = { 'x-sequence': new Int('int64', 5_000_000_000), 'x-note': 'first' };
    await agent.raise(StatusEvent, event, { properties });
    await agent.raise(StatusEvent, event);
    const [first, second] = await received;
    expect(first?.properties.get('x-sequence')).to.include({ value: 5_000_000_000 });
    expect(first?.properties.get('x-note')).to.equal('first');
    expect(first?.properties.get('qmf.agent')).to.equal(agent.name);
    expect(first?.values).to.deep.equal(second?.values);
    expect([...(second?.properties.keys() ?? [])])
      .to.include('qmf.agent')
      .and.not.include('x-note');
  });

  it('are refused if QMF has them already', async () => {
    const refused = await agent
      .raise(StatusEvent, event, { properties: { 'qmf.agent': 'another' } })
      .catch((error: unknown) => error);
    expect(refused).to.include({ code: 'invalid_argument' });
    expect(refused).to.have.property('message').that.includes('qmf.agent');
  });
});
