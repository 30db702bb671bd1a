import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { startBroker } from '../broker/index.js';
import { agentInfoFromValue } from '../message/agent-info.js';
import { directSubjectOf } from '../message/keys.js';
import { onEachBroker, type TestBroker } from '../testing/brokers.test.fixture.js';
import { failure, until } from '../testing/poll.test.fixture.js';
import { uint32, type Value } from '../value/value.js';
import { isNamedSo, judge } from './agent-claims.js';
import { ConsoleBench, object, type ScriptedAgent } from './console.test.fixture.js';
import type { ConsoleAgent } from './console-agent.js';

onEachBroker('a console that hears two things of one agent', start => {
  let broker: TestBroker;
  let bench: ConsoleBench;
  let agent: ScriptedAgent;
  let known: ConsoleAgent;
  /** @param claimPatience milliseconds; an agent that answers has as long as the test may take */
  const begin = async (claimPatience = 60_000): Promise<void> => {
    bench = await ConsoleBench.start(broker, { claimPatience });
    await bench.session.open();
    ({ agent, known } = await bench.knownAgent());
  };
  beforeEach(async () => {
    broker = await start();
  });
  afterEach(async () => {
    await bench.close();
    await broker.stop();
  });

  /** A heartbeat under the agent's name, as anybody may send it who has the right to send any. */
  const forge = (attributes: Readonly<Record<string, Value | undefined>>): void => {
    agent.attributes = attributes;
    agent.heartbeat();
    agent.attributes = {};
  };
  /** Resolves when a message was read that was sent after all before it. */
  const allRead = async (): Promise<void> => {
    const seen = bench.session.events();
    agent.event('end');
    await seen.next();
    await seen.return?.();
  };

  it('calls it where it was, after a heartbeat of the same start with another address', async () => {
    await begin();
    const elsewhere = await bench.peer.listen('qmf.default.topic', 'direct-agent.route.forged');
    for (const address of ['direct-agent.route.forged', undefined]) {
      forge({ _direct_subject: address });
      await allRead();
      await known.query('{class:Gadget}');
    }
    expect(elsewhere.messages).to.deep.equal([]);
    expect(bench.changes).to.deep.equal(['added scripted', 'contested scripted']);
    expect(bench.warnings.join()).to.include('at another address; it is not believed');
  });

  it('calls it where it was, after a heartbeat of a later start with another address, as long as it answers', async () => {
    await begin();
    const elsewhere = await bench.peer.listen('qmf.default.topic', 'direct-agent.route.forged');
    forge({ _direct_subject: 'direct-agent.route.forged', _epoch: uint32(9) });
    await bench.changed('contested scripted');
    await known.query('{class:Gadget}');
    expect(elsewhere.messages).to.deep.equal([]);
    expect(known.info.epoch).to.equal(1);
  });

  it('follows a stock agent that comes back at another address, once nobody answers at the old one', async () => {
    await begin(100);
    agent.scripts.clear();
    const moved = `direct-agent.route.moved-${agent.route}`;
    agent.epoch = 2;
    agent.attributes = { _direct_subject: moved };
    agent.heartbeat();
    await bench.changed('restarted scripted');
    await agent.listenTo(moved);
    agent.behave();
    await known.query('{class:Gadget}');
    expect(agent.requests.at(-1)?.subject).to.equal(moved);
  });

  it('asks the agent before it believes that it was restarted, and fails no call for a forged restart', async () => {
    await begin();
    agent.scripts.set('_method_request', () => undefined);
    const address = { agentName: agent.name, objectName: 'g1', agentEpoch: 1 };
    const call = known.invoke(address, 'start', undefined, {}, { timeout: 60_000 });
    const outcome = failure(call);
    await until('it was called', () =>
      agent.requests.some(
        ({ applicationProperties }) => applicationProperties?.get('qmf.opcode') === '_method_request',
      ),
    );
    agent.scripts.set('_agent_locate_request', request => {
      agent.answer(request, '_agent_locate_response', object({ _values: agent.values() }));
    });
    forge({ _epoch: uint32(7) });
    await bench.changed('contested scripted');
    expect(known.info.epoch).to.equal(1);
    expect(bench.changes).to.not.include('restarted scripted');
    agent.epoch = 2;
    // The agent is asked about one such message in a second.
    await until('it was believed', () => {
      agent.heartbeat();
      return bench.changes.includes('restarted scripted');
    });
    expect(await outcome).to.include({ code: 'agent_unknown' });
  });

  it('says that two agents have the name, when two starts answer at one address', async () => {
    await begin();
    agent.scripts.set('_agent_locate_request', request => {
      for (const name of ['one', 'two']) {
        agent.attributes = { 'imagefactory.start': name };
        agent.answer(request, '_agent_locate_response', object({ _values: agent.values() }));
      }
    });
    // An answer that comes too long after the first is not waited for, so the question may have to be asked again.
    let claims = 0;
    await until('both were noticed', () => {
      forge({ 'imagefactory.start': `claim ${claims++}`, _epoch: uint32(2) });
      return bench.changes.includes('contested scripted');
    });
    expect(bench.warnings.join()).to.include('several agents are on the bus under this name');
  });

  it('takes no other attributes from the same start: its filter and its choice of agents rest on them', async () => {
    await begin();
    bench.session.setAgentFilter('[eq, kind, [quote, a]]');
    agent.attributes = { kind: 'a' };
    const keep = agent.attributes;
    agent.heartbeat();
    await until(
      'it is known again',
      () => bench.changes.filter(change => change === 'added scripted').length === 2,
    );
    forge({ ...keep, kind: 'b', 'qmf.agent_capability': uint32(0) });
    forge({ ...keep, _product: 'imagefactory', _vendor: 'redhat.com' });
    await allRead();
    const [now] = bench.session.agents();
    expect(now?.info).to.include({ product: 'scripted', capability: 1 });
  });
});

describe('what a console makes of a message under a known name', () => {
  const name = 'v:p:i';
  const own = directSubjectOf(name);
  const info = (epoch: number, subject: string | undefined, start?: string) =>
    agentInfoFromValue(
      object({
        ...{ _vendor: 'v', _product: 'p', _instance: 'i', _epoch: uint32(epoch) },
        ...(subject === undefined ? {} : { _direct_subject: subject }),
        ...(start === undefined ? {} : { 'imagefactory.start': start }),
      }),
    );
  for (const [before, after, verdict] of [
    [info(1, 'x'), info(1, 'x'), 'same'],
    [info(1, 'x', 'a'), info(1, 'x', 'a'), 'same'],
    [info(1, 'x', 'a'), info(1, 'x', 'b'), 'ask-run'],
    [info(1, 'x'), info(2, 'x'), 'ask-run'],
    [info(2, own), info(1, own), 'ask-run'],
    [info(1, undefined), info(2, undefined), 'ask-run'],
    [info(1, 'x'), info(1, 'y'), 'refused'],
    [info(1, 'x'), info(1, undefined), 'refused'],
    [info(1, 'x'), info(2, 'y'), 'ask-old'],
    // Our agents' address follows from the name.
    [info(1, own), info(2, 'y'), 'refused'],
    [info(1, own), info(2, undefined), 'refused'],
    [info(7, 'forged'), info(1, own), 'restarted'],
    [info(1, 'forged'), info(1, own), 'restarted'],
  ] as const) {
    const shown = ({ epoch, directSubject, start }: typeof before) =>
      `${epoch} ${directSubject === own ? 'own' : directSubject} ${start ?? ''}`;
    it(`${shown(before)} then ${shown(after)}: ${verdict}`, () => {
      expect(judge(name, before, after)).to.equal(verdict);
    });
  }

  it('drops one whose attributes are of another agent', () => {
    expect(isNamedSo(name, info(1, own))).to.equal(true);
    expect(isNamedSo('x:p:i', info(1, own))).to.equal(false);
    expect(isNamedSo('x:p:i', agentInfoFromValue(new Map()))).to.equal(true);
  });
});

describe('a console among invented agents', () => {
  it('remembers so many, keeps those that it calls and those that stay, and says so', async () => {
    const broker = await startBroker();
    const bench = await ConsoleBench.start(broker, { agentLimits: { count: 20 } });
    await bench.session.open();
    const { known: called, agent: quiet } = await bench.knownAgent('called');
    await called.query('{class:Gadget}');
    const { agent: steady } = await bench.knownAgent('steady');
    steady.heartbeat();
    const invent = (number: number, more: Readonly<Record<string, Value>> = {}): void => {
      bench.peer.send('qmf.default.topic', {
        subject: 'agent.ind.heartbeat.v.p',
        contentType: 'amqp/map',
        applicationProperties: object({
          'qmf.opcode': '_agent_heartbeat_indication',
          'qmf.agent': `v:p:${number}`,
        }),
        body: {
          form: 'value',
          value: object({
            _values: object({ _vendor: 'v', _product: 'p', _instance: `${number}`, ...more }),
          }),
        },
      });
    };
    for (let number = 0; number < 1_000; number++) invent(number);
    invent(1_000, { padding: 'x'.repeat(20_000) });
    await until('the last is known', () => bench.session.agents().some(({ name }) => name === 'v:p:999'));
    const names = bench.session.agents().map(({ name }) => name);
    expect(names).to.have.lengthOf(20);
    expect(names).to.include(steady.name).and.to.include(quiet.name);
    expect(bench.warnings.filter(text => text.includes('more agents than the 20'))).to.have.lengthOf(1);
    await bench.close();
    await broker.stop();
  });

  it('reads no name that is longer than a routing key', async () => {
    const broker = await startBroker();
    const bench = await ConsoleBench.start(broker);
    await bench.session.open();
    const { agent } = await bench.knownAgent();
    bench.peer.send('qmf.default.topic', {
      subject: 'agent.ind.heartbeat',
      contentType: 'amqp/map',
      applicationProperties: object({
        'qmf.opcode': '_agent_heartbeat_indication',
        'qmf.agent': 'n'.repeat(256),
      }),
      body: { form: 'value', value: object({ _values: object({}) }) },
    });
    const events = bench.session.events();
    agent.event('end');
    await events.next();
    expect(bench.session.agents().some(({ name }) => name.startsWith('nn'))).to.equal(false);
    await bench.close();
    await broker.stop();
  });
});
