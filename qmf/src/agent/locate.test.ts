import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { startBroker } from '../broker/index.js';
import { encodeList } from '../codec/amqp010.js';
import type { BareMessage } from '../codec/amqp10-message.js';
import { BusConnection } from '../connection/index.js';
import { defineData, defineEvent, Severity } from '../schema/index.js';
import { agentOf } from '../message/headers.js';
import { connectTo, onEachBroker, type TestBroker } from '../testing/brokers.test.fixture.js';
import { failure, until } from '../testing/poll.test.fixture.js';
import { type Inbox, opcodeIn, RawPeer } from '../testing/raw-peer.test.fixture.js';
import { WidgetResized } from '../testing/widgets.test.fixture.js';
import { amqp10 } from '../transport/index.js';
import { int32, type Value } from '../value/value.js';
import { AgentSession } from './agent-session.js';
import {
  AgentBench,
  bodyList,
  bodyMap,
  dataList,
  exceptionIn,
  object,
  opcodeOf,
  requestHeaders,
  value,
} from './agent.test.fixture.js';
import { mapOf, bigintOf, integerOf } from '../value/text.js';

const attributesOf = (message: BareMessage) => mapOf(bodyMap(message).get('_values'))!;

onEachBroker('locating an agent', start => {
  let broker: TestBroker;
  let bench: AgentBench;
  beforeEach(async () => {
    broker = await start();
    bench = await AgentBench.start(broker);
  });
  afterEach(async () => {
    await bench.close();
    await broker.stop();
  });

  const locate = (body: Parameters<typeof bench.send>[1], more: Partial<BareMessage> = {}) =>
    bench.send('_agent_locate_request', body, {
      subject: 'console.request.agent_locate',
      contentType: 'amqp/list',
      ...more,
    });
  const own = (message: BareMessage): boolean =>
    agentOf(message.applicationProperties ?? new Map<string, Value>()) === bench.agent.name;
  const about = (...predicate: Value[]) =>
    value(['and', ['eq', '_name', ['quote', bench.agent.name]], predicate]);

  it('answers without a predicate, with all that consoles need (§3.2), echoing the id', async () => {
    locate(value([]), { correlationId: 'agent-locate' });
    const answer = await bench.inbox.next(own);
    expect(answer).to.include({ correlationId: 'agent-locate', contentType: 'amqp/map' });
    expect(opcodeOf(answer)).to.equal('_agent_locate_response');
    const attributes = attributesOf(answer);
    expect(attributes.get('_vendor')).to.equal('example.com');
    expect(attributes.get('_product')).to.equal('gadgetd');
    expect(attributes.get('_name')).to.equal(bench.agent.name);
    expect(attributes.get('_direct_subject')).to.equal(bench.agent.directSubject);
    expect(attributes.get('_heartbeat_interval')).to.deep.include({ type: 'uint32', value: 3_600 });
    expect(attributes.get('_epoch')).to.deep.include({ type: 'uint32', value: 1 });
    expect(attributes.get('qmf.agent_capability')).to.deep.include({ type: 'uint32', value: 1 });
    for (const name of ['_timestamp', '_schema_updated']) {
      expect(attributes.get(name)).to.have.property('type', 'uint64');
      expect(Number(bigintOf(attributes.get(name))! / 1_000_000n)).to.be.closeTo(Date.now(), 60_000);
    }
  });

  for (const [what, body] of [
    ['in a data section', dataList([])],
    ['as a sequence', { form: 'sequence', list: [] } as const],
    ['without a body', { form: 'none' } as const],
  ] as const) {
    it(`§9.4 §9.26 takes an empty predicate ${what}`, async () => {
      locate(body);
      const answer = await bench.inbox.next(own);
      expect(answer.body.form).to.equal(body.form === 'data' ? 'data' : 'value');
    });
  }

  it('§9.1 §9.33 answers a request without app id and method, with binary headers', async () => {
    locate(value([]), {
      applicationProperties: object({ 'qmf.opcode': Buffer.from('_agent_locate_request') }),
    });
    await bench.inbox.next(own);
  });

  it('answers a predicate that matches, and stays silent on one that does not', async () => {
    locate(about('eq', '_product', ['quote', 'nothing']), { correlationId: 'no' });
    locate(about('eq', '_product', ['quote', Buffer.from('gadgetd')]), { correlationId: 'yes' });
    expect((await bench.inbox.next(own)).correlationId).to.equal('yes');
    expect(bench.inbox.messages.filter(own)).to.deep.equal([]);
  });

  it('evaluates it without the attributes of the moment (§3.1)', async () => {
    locate(about('exists', '_epoch'), { correlationId: 'no' });
    locate(about('exists', '_direct_subject'), { correlationId: 'yes' });
    expect((await bench.inbox.next(own)).correlationId).to.equal('yes');
  });

  for (const [what, body] of [
    ['an unknown operator', value(['near', '_vendor', ['quote', 'x']])],
    ['too few operands', value(['eq', '_vendor'])],
    ['an operand that is a number', value(['eq', int32(1), int32(2)])],
    ['an empty list inside', value(['not', []])],
    ['a map for a list', value(new Map())],
    ['text', value('eq')],
  ] as const) {
    it(`§9.15 answers ${what} with an exception`, async () => {
      locate(body);
      const { text, code } = exceptionIn(await bench.inbox.next(own));
      expect(text).to.not.equal('');
      expect(code).to.equal(4);
    });
  }

  it('§9.15 answers an undecodable data section with an exception, in a data section', async () => {
    locate({ form: 'data', bytes: Buffer.from('00000004ffffffff', 'hex') });
    const answer = await bench.inbox.next(own);
    expect(opcodeOf(answer)).to.equal('_exception');
    expect(answer.body.form).to.equal('data');
    expect(answer.contentType).to.equal('amqp/map');
  });

  it('§9.13 hears requests on all three bindings', async () => {
    const query = value(object({ _what: 'SCHEMA_ID' }));
    bench.send('_query_request', query, { correlationId: '1' });
    await bench.inbox.answerTo('1');
    bench.send('_query_request', query, { subject: 'console.anything', correlationId: '2' });
    await bench.inbox.answerTo('2');
    bench.console.send('qmf.default.direct', {
      subject: bench.agent.name,
      replyTo: bench.replyTo,
      correlationId: '3',
      applicationProperties: requestHeaders('_query_request'),
      body: query,
    });
    await bench.inbox.answerTo('3');
  });

  it('answers no more once it is closed, while another session on the connection does', async () => {
    const instance = randomUUID();
    const other = new AgentSession(bench.connection, {
      vendor: 'example.com',
      product: 'other',
      instance,
      interval: 3_600,
    });
    await other.open();
    bench.agent.close();
    bench.agent.close();
    locate(value([]), { correlationId: '1' });
    const answer = await bench.inbox.next(
      message =>
        agentOf(message.applicationProperties ?? new Map<string, Value>())?.endsWith(instance) === true,
    );
    expect(answer.correlationId).to.equal('1');
    expect(bench.inbox.messages.filter(own)).to.deep.equal([]);
    expect(await failure(bench.agent.open())).to.include({ code: 'closed' });
    other.close();
  });
});

describe('heartbeats', () => {
  let broker: Awaited<ReturnType<typeof startBroker>>;
  let peer: RawPeer;
  let inbox: Inbox;
  let connection: BusConnection;
  const session = (more: object = {}) =>
    new AgentSession(connection, {
      vendor: 'example.com',
      product: 'gadgetd',
      instance: 'i.1',
      interval: 1,
      epoch: 7,
      ...more,
    });
  let refusing = false;
  const reconnected = async () => {
    const states: string[] = [];
    const unlisten = connection.onStatus(({ kind }) => states.push(kind));
    broker.dropConnections();
    await until('it is back', () => states.includes('open'));
    unlisten();
  };
  const heartbeat = () => inbox.next(message => opcodeIn(message) === '_agent_heartbeat_indication');

  beforeEach(async () => {
    refusing = false;
    broker = await startBroker({
      faults: { attach: () => (refusing ? 'amqp:unauthorized-access' : undefined) },
    });
    peer = await RawPeer.connect(broker.port);
    inbox = await peer.listen('qmf.default.topic', 'agent.ind.#');
    connection = await connectTo(broker.url);
  });
  afterEach(async () => {
    await connection.close();
    await peer.close();
    await broker.stop();
  });

  it('come at open and at every interval, with ttl (§9.27) and key (§9.28)', async () => {
    const agent = session();
    await agent.open();
    const first = await heartbeat();
    const second = await heartbeat();
    agent.close();
    expect(first).to.include({
      subject: 'agent.ind.heartbeat.example_com.gadgetd.i_1',
      contentType: 'amqp/map',
    });
    expect(first.ttl).to.be.within(1_000, 2_000);
    expect(first.applicationProperties?.get('qmf.agent')).to.equal('example.com:gadgetd:i.1');
    const [before, after] = [first, second].map(attributesOf);
    expect(integerOf(before?.get('_epoch'))).to.equal(7);
    expect(bigintOf(after?.get('_timestamp'))! > bigintOf(before?.get('_timestamp'))!).to.equal(true);
    expect(bigintOf(after?.get('_schema_updated'))).to.equal(bigintOf(before?.get('_schema_updated')));
  });

  it('§9.12 have _schema_updated from the first on, which grows with a new class only', async () => {
    const agent = session({ interval: 3_600 });
    await agent.open();
    const first = attributesOf(await heartbeat());
    const classes = ['A', 'B'].map(name => defineData({ package: 'p', name, properties: {}, methods: {} }));
    agent.register(...classes);
    agent.register(...classes);
    const second = attributesOf(await heartbeat());
    expect(bigintOf(second.get('_schema_updated'))! > bigintOf(first.get('_schema_updated'))!).to.equal(true);
    agent.register(...classes);
    // An event is sent after any heartbeat that there might be.
    await agent.raise(WidgetResized, { name: 'x', size: 1 });
    await heartbeat();
    await inbox.next(message => opcodeIn(message) === '_data_indication');
    expect(inbox.messages).to.deep.equal([]);
    agent.close();
  });

  it('§9.30 come before the first event of a class', async () => {
    const agent = session({ interval: 3_600 });
    await agent.open();
    await agent.raise(WidgetResized, { name: 'x', size: 1 });
    await until('three arrived', () => inbox.messages.length === 3);
    expect(inbox.messages.map(opcodeIn)).to.deep.equal([
      '_agent_heartbeat_indication',
      '_agent_heartbeat_indication',
      '_data_indication',
    ]);
    agent.close();
  });

  it('come at once after a reconnect, with the same name and keys', async () => {
    const agent = session({ interval: 3_600 });
    await agent.open();
    const first = attributesOf(await heartbeat());
    await reconnected();
    const again = await RawPeer.connect(broker.port);
    const replies = await again.dynamicQueue();
    again.send('qmf.default.topic', {
      subject: agent.directSubject,
      replyTo: replies.address,
      correlationId: '1',
      applicationProperties: requestHeaders('_query_request'),
      body: value(object({ _what: 'SCHEMA_ID' })),
    });
    expect((await replies.next()).correlationId).to.equal('1');
    expect(first.get('_direct_subject')).to.equal(agent.directSubject);
    agent.close();
    await again.close();
  });

  it('start when the broker comes, if it was away at open', async () => {
    const late = new BusConnection(amqp10(broker.url), { retry: { initialDelay: 10, maxDelay: 20 } });
    const agent = new AgentSession(late, { vendor: 'v', product: 'late', instance: 'i' });
    await agent.open();
    late.start();
    const first = await heartbeat();
    expect(first.subject).to.equal('agent.ind.heartbeat.v.late.i');
    agent.close();
    await late.close();
  });

  it('carry more attributes, which cannot replace those of the protocol', async () => {
    const agent = session({ attributes: { hall: 7, _vendor: 'forged' } });
    await agent.open();
    const attributes = attributesOf(await heartbeat());
    expect(attributes.get('hall')).to.deep.include({ value: 7 });
    expect(attributes.get('_vendor')).to.equal('example.com');
    agent.close();
  });

  it('an open that the broker refuses leaves nothing behind', async () => {
    const agent = session();
    refusing = true;
    expect(await failure(agent.open())).to.include({ code: 'not_authorised' });
    refusing = false;
    await reconnected();
    expect(await failure(agent.open())).to.include({ code: 'closed' });
    expect(
      broker.stats().exchanges.find(({ name }) => name === 'qmf.default.topic')?.bindings,
      'that of the test',
    ).to.equal(0);
  });

  it('go as data sections where that is asked for (§9.11)', async () => {
    const agent = session({ bodyForm: 'data' });
    await agent.open();
    expect((await heartbeat()).body.form).to.equal('data');
    agent.close();
  });

  it('events have the shape that every console reads (§3.8)', async () => {
    const agent = session({ interval: 3_600 });
    await agent.open();
    const Alarm = defineEvent({
      package: 'com.example',
      name: 'Alarm',
      severity: Severity.EMERG,
      properties: { text: { type: 'string', optional: true } },
    });
    await agent.raise(Alarm, {});
    await agent.raise(Alarm, { text: 'x'.repeat(70_000) }, { severity: Severity.WARN });
    const event = () => inbox.next(message => opcodeIn(message) === '_data_indication');
    const first = await event();
    expect(first).to.include({
      contentType: 'amqp/list',
      subject: 'agent.ind.event.com_example.Alarm.emerg.example_com.gadgetd.i_1',
    });
    expect(first.correlationId).to.equal(undefined);
    expect(first.applicationProperties?.get('qmf.content')).to.equal('_event');
    const [item] = bodyList(first);
    expect([...item!.keys()]).to.have.members(['_schema_id', '_values', '_severity', '_timestamp']);
    expect(item!.get('_severity'), '§9.32').to.deep.include({ type: 'int32', value: 0 });
    expect(item!.get('_timestamp')).to.have.property('type', 'uint64');
    const second = await event();
    expect(second.subject).to.include('.warn.');
    const text = mapOf(bodyList(second)[0]!.get('_values'))!.get('text');
    expect(text, '§9.7').to.be.instanceOf(Uint8Array).with.length(70_000);
    agent.close();
  });

  it('an event that fits no class is refused, one that the broker refuses is logged and costs nothing', async () => {
    const warnings: string[] = [];
    const agent = session({ log: { debug: () => undefined, warn: (text: string) => warnings.push(text) } });
    const wrong = { name: 1, size: 'x' } as unknown as { name: string; size: number };
    expect(await failure(agent.raise(WidgetResized, wrong))).to.include({ code: 'invalid_argument' });
    await connection.close();
    await agent.raise(WidgetResized, { name: 'x', size: 1 });
    expect(warnings.join()).to.match(/a WidgetResized was lost/);
  });

  it('the 0-10 bytes of a list are what a data section holds', () => {
    expect(dataList(['eq'])).to.deep.equal({ form: 'data', bytes: encodeList(['eq']) });
  });
});
