import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { onEachBroker, type TestBroker } from '../testing/brokers.test.fixture.js';
import { until } from '../testing/poll.test.fixture.js';
import { ConsoleBench, type ScriptedAgent } from './console.test.fixture.js';

onEachBroker('a console that gets a message twice', start => {
  let broker: TestBroker;
  let bench: ConsoleBench;
  let seen: unknown[];
  beforeEach(async () => {
    broker = await start();
    bench = await ConsoleBench.start(broker);
    await bench.session.open();
    seen = [];
  });
  afterEach(async () => {
    await bench.close();
    await broker.stop();
  });
  const listenTo = (agent: ScriptedAgent): void => {
    bench.session.onEvent(event => {
      if (event.agent === agent.name) seen.push(event.values['name']);
    });
  };
  const raise = (agent: ScriptedAgent, name: string, messageId: string | undefined): void => {
    agent.messageId = messageId;
    agent.event(name);
  };

  it('tells a resent event once, by agent and message id, and counts it', async () => {
    const { agent } = await bench.knownAgent();
    const { agent: other } = await bench.knownAgent('other');
    listenTo(agent);
    listenTo(other);
    raise(agent, 'one', 'id-1');
    raise(agent, 'one', 'id-1');
    raise(agent, 'two', 'id-2');
    raise(agent, 'one', 'id-1');
    raise(agent, 'end', 'id-3');
    await until('the last is here', () => seen.includes('end'));
    raise(other, "another agent's", 'id-1');
    await until("the other's is here", () => seen.includes("another agent's"));
    expect(seen).to.deep.equal(['one', 'two', 'end', "another agent's"]);
    expect(bench.session.duplicateEvents).to.equal(2);
    expect(bench.session.statistics).to.include({ duplicateEvents: 2, duplicateAnswers: 0 });
  });

  it('tells equal events with different ids, or with none, each time', async () => {
    const { agent } = await bench.knownAgent();
    listenTo(agent);
    for (const id of ['id-1', 'id-2', undefined, undefined]) raise(agent, 'same', id);
    raise(agent, 'end', undefined);
    await until('the last is here', () => seen.includes('end'));
    expect(seen).to.deep.equal(['same', 'same', 'same', 'same', 'end']);
    expect(bench.session.duplicateEvents).to.equal(0);
  });

  it('takes ids anew from an agent that was restarted', async () => {
    const { agent } = await bench.knownAgent();
    listenTo(agent);
    raise(agent, 'first run', '1');
    await until('the event is here', () => seen.length === 1);
    agent.epoch = 2;
    agent.heartbeat();
    await bench.changed('restarted scripted');
    raise(agent, 'second run', '1');
    await until('the other is here', () => seen.length === 2);
    expect(seen).to.deep.equal(['first run', 'second run']);
  });

  it('takes a resent part of an answer once', async () => {
    const { agent, known } = await bench.knownAgent();
    agent.scripts.set('_query_request', request => {
      const part = (id: string, more: object): void => {
        agent.messageId = id;
        agent.answer(request, '_query_response', [agent.gadget(id)], { 'qmf.content': '_data', ...more });
      };
      part('p1', { partial: null });
      part('p1', { partial: null });
      part('p2', {});
    });
    const objects = await known.query({ what: 'OBJECT', where: [] });
    expect(objects.map(({ address }) => address?.objectName)).to.deep.equal(['p1', 'p2']);
    expect(bench.session.statistics).to.include({ duplicateAnswers: 1 });
  });
});
