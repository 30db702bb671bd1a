import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { decodeSchemaRequestV1 } from '../schema/v1.js';
import { onEachBroker } from '../testing/brokers.test.fixture.js';
import { failure, until } from '../testing/poll.test.fixture.js';
import { Gadget } from '../testing/widgets.test.fixture.js';
import { ConsoleBench, type Script, ScriptedAgent } from './console.test.fixture.js';
import type { ConsoleAgent } from './console-agent.js';

onEachBroker('a console whose answers are forged', start => {
  let bench: ConsoleBench;
  let agent: ScriptedAgent;
  let known: ConsoleAgent;
  beforeEach(async () => {
    ({ bench, agent, known } = await ConsoleBench.knowingAgent(start));
  });
  afterEach(() => bench.close());
  const data = { 'qmf.content': '_data' };

  it('takes none that counts or repeats correlation ids, from a peer that knows the reply key and the agent', async () => {
    agent.scripts.set('_query_request', request => {
      const earlier = agent.requests.slice(0, -1).map(({ correlationId }) => correlationId);
      const guesses = [...earlier, ...Array.from({ length: 100 }, (_, number) => String(number))];
      for (const correlationId of guesses) {
        if (correlationId === undefined) continue;
        agent.answer({ ...request, correlationId }, '_query_response', [agent.gadget('forged')], data);
      }
      agent.answer(request, '_query_response', [agent.gadget('real')], data);
    });
    for (let round = 0; round < 3; round++) {
      const [gadget] = await known.query('{class:Gadget}');
      expect(gadget?.values['name']).to.equal('real');
    }
    const ids = agent.requests.map(({ correlationId }) => correlationId).filter(id => id !== 'agent-locate');
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('takes none of another agent, though it has the correlation id', async () => {
    agent.scripts.set('_query_request', request =>
      agent.answer(request, '_query_response', [agent.gadget('forged')], { ...data, 'qmf.agent': 'x:y:z' }),
    );
    expect(await failure(known.query('{class:Gadget}', { timeout: 50 }))).to.include({ code: 'timeout' });
  });

  it('takes no sequence of QMFv1 that counts', async () => {
    const old = await ScriptedAgent.start(bench.peer, 'old');
    old.attributes = { 'qmf.agent_capability': undefined };
    const sequences: number[] = [];
    old.scripts.set('v1', ({ body }) => {
      if (body.form === 'data') sequences.push(decodeSchemaRequestV1(body.bytes).sequence);
    });
    old.heartbeat();
    const found = await bench.session.findAgent(({ name }) => name === old.name);
    for (const className of ['One', 'Two']) {
      const asked = found.schema({ ...Gadget.schema.id, className }, { timeout: 50 });
      expect(await failure(asked)).to.include({ code: 'timeout' });
    }
    await until('both questions arrived', () => sequences.length === 2);
    const [first = 0, second = 0] = sequences;
    expect(Math.abs(second - first), 'two random numbers of 32 bits').to.be.greaterThan(1);
  });

  it('§9.22 takes answers under the alias broker, of agents without _direct_subject alone', async () => {
    const underAlias: Script = (request, from) =>
      from.answer(request, '_query_response', [from.gadget('g')], { ...data, 'qmf.agent': 'broker' });
    agent.scripts.set('_query_request', underAlias);
    expect(await failure(known.query('{class:Gadget}', { timeout: 50 }))).to.include({ code: 'timeout' });
    const ofBroker = await ScriptedAgent.start(bench.peer, 'ofBroker');
    ofBroker.attributes = { _direct_subject: undefined };
    ofBroker.scripts.set('_query_request', underAlias);
    ofBroker.heartbeat();
    const found = await bench.session.findAgent(({ name }) => name === ofBroker.name);
    expect(await found.query('{class:Gadget}')).to.have.length(1);
  });
});
