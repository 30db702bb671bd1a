import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { startBroker } from '../broker/index.js';
import { onEachBroker, type TestBroker } from '../testing/brokers.test.fixture.js';
import { failure, until } from '../testing/poll.test.fixture.js';
import { opcodeIn } from '../testing/raw-peer.test.fixture.js';
import { WidgetResized } from '../testing/widgets.test.fixture.js';
import { uint32 } from '../value/value.js';
import { ConsoleBench, object, ScriptedAgent } from './console.test.fixture.js';
import type { ReceivedEvent } from './received-event.js';
import { ownPort } from '../testing/own-port.test.fixture.js';

onEachBroker('a console finds agents', start => {
  let broker: TestBroker;
  let bench: ConsoleBench;
  beforeEach(async () => {
    broker = await start();
    bench = await ConsoleBench.start(broker);
  });
  afterEach(async () => {
    await bench.close();
    await broker.stop();
  });
  const isMine =
    (agent: ScriptedAgent) =>
    ({ agent: name }: { agent: string }) =>
      name === agent.name;

  it('by its locate request at open, with binary attributes (§9.6) and no app id (§9.1)', async () => {
    const agent = (await ScriptedAgent.start(bench.peer)).behave();
    await bench.session.open();
    const found = await bench.session.findAgent(({ name }) => name === agent.name);
    expect(found.info).to.include({
      vendor: 'example.com',
      product: 'scripted',
      epoch: 1,
      heartbeatInterval: 60,
      capability: 1,
      directSubject: `direct-agent.route.${agent.route}`,
    });
    const [request] = agent.requests;
    expect(request).to.include({
      contentType: 'amqp/list',
      correlationId: 'agent-locate',
      subject: 'console.request.agent_locate',
    });
    expect(request?.replyTo, '§9.23').to.match(/^qmf\.default\.topic\/direct-console\.[0-9a-f-]{36}$/);
    expect(request?.userId, '§9.24').to.equal(undefined);
    expect(request?.body).to.deep.equal({ form: 'value', value: [] });
  });

  it('by heartbeats, and by those without _direct_subject, epoch and the rest (§9.21)', async () => {
    await bench.session.open();
    const agent = await ScriptedAgent.start(bench.peer);
    agent.attributes = {
      _direct_subject: undefined,
      _schema_updated: undefined,
      'qmf.agent_capability': undefined,
      _epoch: undefined,
    };
    agent.heartbeat();
    const found = await bench.session.findAgent(({ name }) => name === agent.name);
    expect(found.info).to.include({ capability: 0, epoch: 0 });
    expect(found.info.directSubject).to.equal(undefined);
  });

  it('and asks again after a reconnect', async function () {
    if (!('dropConnections' in broker)) this.skip();
    await bench.session.open();
    let reconnects = 0;
    const unlisten = bench.session.onReconnect(() => reconnects++);
    (broker as Awaited<ReturnType<typeof startBroker>>).dropConnections();
    await until('it is back', () => reconnects === 1);
    unlisten();
  });

  it('that match its filter, whatever the broker lets through', async () => {
    bench.session.setAgentFilter('[eq, _product, [quote, wanted]]');
    await bench.session.open();
    const wanted = (await ScriptedAgent.start(bench.peer, 'wanted')).behave();
    const other = (await ScriptedAgent.start(bench.peer, 'other')).behave();
    other.heartbeat();
    wanted.heartbeat();
    await bench.changed('added wanted');
    expect(bench.changes).to.deep.equal(['added wanted']);
    bench.session.setAgentFilter('[eq, _product, [quote, other]]');
    await bench.changed('added other');
    expect(bench.changes).to.deep.equal(['added wanted', 'removed wanted', 'added other']);
    const asked = other.requests.filter(message => message.correlationId === 'agent-locate').at(-1);
    expect(asked?.body).to.deep.equal({ form: 'value', value: ['eq', '_product', ['quote', 'other']] });
    bench.session.setAgentFilter(undefined);
    await until(
      'both are known',
      () => bench.changes.filter(change => change === 'added wanted').length === 2,
    );
  });

  it('sees a restart by the epoch and a new class by _schema_updated, once each', async () => {
    await bench.session.open();
    const { agent, known } = await bench.knownAgent();
    agent.heartbeat();
    agent.schemaUpdated = 2_000n;
    agent.heartbeat();
    agent.heartbeat();
    agent.schemaUpdated = 3_000n;
    agent.epoch = 2;
    agent.heartbeat();
    agent.heartbeat();
    await bench.changed('restarted scripted');
    await until('all heartbeats were read', () => known.info.epoch === 2);
    expect(bench.changes).to.deep.equal(['added scripted', 'schemaUpdated scripted', 'restarted scripted']);
  });

  it('fails calls to a run that is over', async () => {
    await bench.session.open();
    const { agent, known } = await bench.knownAgent();
    agent.scripts.set('_query_request', () => {
      agent.epoch = 2;
      agent.heartbeat();
    });
    expect(await failure(known.query('{class:Gadget}'))).to.include({ code: 'agent_unknown' });
  });

  it('reaches agents without _direct_subject by their name on the direct exchange', async () => {
    await bench.session.open();
    const agent = (await ScriptedAgent.start(bench.peer)).behave();
    agent.attributes = { _direct_subject: undefined };
    agent.heartbeat();
    const known = await bench.session.findAgent(({ name }) => name === agent.name);
    expect(await known.query('{class:Gadget}')).to.have.length(1);
    expect(agent.requests.at(-1)).to.include({ subject: agent.name, to: 'qmf.default.direct' });
  });

  it('gives events of agents not known yet in order once they are known, and asks for them (§9.30)', async () => {
    await bench.session.open();
    const events: ReceivedEvent[] = [];
    const agent = await ScriptedAgent.start(bench.peer);
    bench.session.onEvent(event => {
      if (event.agent === agent.name) events.push(event);
    });
    const before = agent.requests.length;
    for (const name of ['a', 'b', 'c']) agent.event(name);
    await until('it asks who that is', () =>
      agent.requests.slice(before).some(message => message.correlationId === 'agent-locate'),
    );
    expect(events).to.deep.equal([]);
    agent.heartbeat();
    agent.event('d');
    await until('all arrived', () => events.length === 4);
    expect(events.map(({ values }) => values['name'])).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(events[0]).to.include({
      packageName: 'com.example',
      className: 'WidgetResized',
      severity: 0,
      timestamp: 5n,
    });
  });

  it('reads events as every peer sends them, and drops what is none', async () => {
    await bench.session.open();
    const { agent } = await bench.knownAgent();
    const all: ReceivedEvent[] = [];
    bench.session.onEvent(event => {
      if (isMine(agent)(event)) all.push(event);
    });
    agent.event('no severity', { _severity: null, _timestamp: null });
    for (const body of ['text', object({}), [1, 2].map(uint32), [null], null]) agent.indicate('_event', body);
    agent.indicate('_data', [agent.gadget('unsolicited')]);
    agent.indicate('_event', [object({ _values: object({ plain: true }) })]);
    agent.event('last');
    await until('the last arrived', () => all.some(({ values }) => values['name'] === 'last'));
    expect(
      all.map(({ values, severity, className }) => [values['name'] ?? values['plain'], severity, className]),
    ).to.deep.equal([
      ['no severity', 5, 'WidgetResized'],
      [true, 5, ''],
      ['last', 0, 'WidgetResized'],
    ]);
    expect(bench.session.statistics.unreadableMessages).to.be.at.least(4);
    expect(bench.warnings.length).to.be.at.least(1);
  });

  it('gives typed events of one class; leaving the loop stops listening; close ends the stream', async () => {
    await bench.session.open();
    const { agent } = await bench.knownAgent();
    const events = bench.session.events(WidgetResized);
    agent.indicate('_event', [
      object({
        _values: object({}),
        _schema_id: object({ _package_name: 'com.example', _class_name: 'Other', _type: '_event' }),
      }),
    ]);
    agent.event('a');
    agent.event('b');
    for await (const event of events) {
      expect(event.values.name).to.equal('a');
      break;
    }
    expect(await events.next()).to.deep.equal({ done: true, value: undefined });
    const rest = bench.session.events();
    const changes = bench.session.agentChanges();
    bench.session.close();
    for await (const event of rest) expect.fail(event.className);
    for await (const change of changes) expect.fail(change.kind);
    for await (const event of bench.session.events()) expect.fail(event.className);
  });

  it("a listener's bug costs neither other listeners nor the session", async () => {
    await bench.session.open();
    bench.session.onAgentChange(() => {
      throw new Error('a bug');
    });
    const { agent } = await bench.knownAgent();
    bench.session.onEvent(() => {
      throw new Error('another bug');
    });
    const seen: unknown[] = [];
    bench.session.onEvent(event => {
      if (isMine(agent)(event)) seen.push(event.values['name']);
    });
    agent.event('a');
    agent.event('b');
    await until('both arrived', () => seen.length === 2);
    expect(bench.warnings.join())
      .to.match(/a bug/)
      .and.match(/another bug/);
  });

  it('ignores hostile messages of every kind, and goes on', async () => {
    await bench.session.open();
    const { agent, known } = await bench.knownAgent();
    for (const opcode of [
      '_agent_heartbeat_indication',
      '_agent_locate_response',
      '_query_response',
      '_method_response',
      '_exception',
      '_data_indication',
      '_subscribe_response',
      '_nonsense',
    ]) {
      for (const body of [null, 'x', [], object({}), object({ _values: 'x' }), [null]]) {
        for (const key of [
          'agent.ind.x',
          String(agent.requests[0]?.replyTo).split('/')[1] ?? 'agent.ind.y',
        ]) {
          bench.peer.send('qmf.default.topic', {
            subject: key,
            correlationId: '1',
            applicationProperties: object({
              'qmf.opcode': opcode,
              'qmf.agent': 'x:y:z',
              'qmf.content': '_event',
            }),
            body: { form: 'value', value: body },
          });
        }
      }
    }
    bench.peer.send('qmf.default.topic', {
      subject: 'agent.ind.x',
      body: { form: 'data', bytes: Buffer.from('AM2s\0\0\0\x01\x09') },
    });
    bench.peer.send('qmf.default.topic', {
      subject: 'agent.ind.x',
      applicationProperties: object({ 'qmf.opcode': uint32(1) }),
      body: { form: 'none' },
    });
    expect(await known.query('{class:Gadget}')).to.have.length(1);
  });

  it('knows fifty agents at once and asks them all', async () => {
    await bench.session.open();
    const agents = await Promise.all(
      Array.from({ length: 50 }, (_, index) => ScriptedAgent.start(bench.peer, `many${index}`)),
    );
    for (const agent of agents) agent.behave().heartbeat();
    const found = await Promise.all(
      agents.map(({ name }) => bench.session.findAgent(agent => agent.name === name)),
    );
    const answers = await Promise.all(found.map(agent => agent.query('{class:Gadget}')));
    expect(answers.map(([item]) => item?.address?.agentName)).to.deep.equal(agents.map(({ name }) => name));
  });
});

describe('the times of a console', () => {
  let broker: Awaited<ReturnType<typeof startBroker>>;
  let bench: ConsoleBench;
  let now: number;
  beforeEach(async () => {
    now = 1_000;
    broker = await startBroker({ port: ownPort() });
    bench = await ConsoleBench.start(broker, { maxAgentAge: 20, now: () => now });
    await bench.session.open();
  });
  afterEach(async () => {
    await bench.close();
    await broker.stop();
  });

  it('drops an agent that is silent for three of its intervals; any message of it counts (§6.4)', async () => {
    const { agent, known } = await bench.knownAgent();
    now += 100_000;
    agent.event('alive');
    await bench.session.events().next();
    now += 179_000;
    await known.query('{class:Gadget}');
    // It falls silent a little before, so its end tells that the house was kept.
    const witness = await ScriptedAgent.start(bench.peer, 'witness');
    witness.interval = 1;
    witness.heartbeat();
    await bench.changed('added witness');
    now += 180_000;
    await bench.changed('removed witness');
    expect(bench.changes).to.not.include('removed scripted');
    agent.scripts.clear();
    const pending = failure(known.query('{class:Gadget}'));
    now += 1;
    await bench.changed('removed scripted');
    expect(await pending).to.include({ code: 'agent_unknown' });
    agent.heartbeat();
    await until('it is back', () => bench.changes.at(-1) === 'added scripted');
  });

  it('drops nobody for silence while the bus is away', async () => {
    const { agent } = await bench.knownAgent();
    // An event that nobody claims is dropped when the house is kept, which tells that it was.
    (await ScriptedAgent.start(bench.peer, 'stranger')).event('lost');
    agent.event('seen');
    await bench.session.events().next();
    await broker.stop();
    await until('it noticed', () => bench.connection.state !== 'open');
    now += 1_000_000;
    await until('the house was kept', () => bench.session.droppedEvents === 1);
    expect(bench.changes).to.deep.equal(['added scripted']);
    broker = await startBroker({ port: broker.port });
    await until('it is back', () => bench.connection.state === 'open');
    expect(bench.session.agents().map(({ name }) => name)).to.deep.equal([agent.name]);
  });

  it('drops events whose agent nobody comes to know, and counts them; those of unwanted agents go uncounted', async () => {
    bench.session.setAgentFilter('[eq, kind, [quote, wanted]]');
    const stranger = await ScriptedAgent.start(bench.peer, 'stranger');
    const unwanted = await ScriptedAgent.start(bench.peer, 'unwanted');
    const seen: ReceivedEvent[] = [];
    bench.session.onEvent(event => seen.push(event));
    stranger.event('a');
    unwanted.event('b');
    unwanted.heartbeat();
    const probe = (await ScriptedAgent.start(bench.peer, 'wanted')).behave();
    probe.attributes = { kind: 'wanted' };
    probe.heartbeat();
    await bench.changed('added wanted');
    now += 10_001;
    await until('it was dropped', () => bench.session.droppedEvents > 0);
    expect(bench.session.droppedEvents).to.equal(1);
    stranger.attributes = { kind: 'wanted' };
    stranger.heartbeat();
    await until('it is known', () => bench.session.agents().length === 2);
    expect(seen).to.deep.equal([]);
  });

  it('findAgent meets its deadline, its signal, and the end of the session', async () => {
    const find = (options: Parameters<typeof bench.session.findAgent>[1]) =>
      failure(bench.session.findAgent(() => false, options));
    expect(await find({ timeout: 5 })).to.include({ code: 'timeout' });
    expect(await find({ signal: AbortSignal.abort() })).to.include({ code: 'aborted' });
    const waiting = find({});
    bench.session.close();
    expect(await waiting).to.include({ code: 'closed' });
    expect(await find({})).to.include({ code: 'closed' });
    expect(await failure(bench.session.open())).to.include({ code: 'closed' });
  });

  it('under strict security sends nothing to the direct exchange', async () => {
    const strict = await ConsoleBench.start(broker, { strictSecurity: true });
    const direct = await strict.peer.listen('qmf.default.direct', 'broker');
    await bench.session.open().catch(() => undefined);
    const witness = await ConsoleBench.start(broker);
    await strict.session.open();
    await witness.session.open();
    const message = await direct.next();
    expect(opcodeIn(message)).to.equal('_agent_locate_request');
    expect(message.correlationId, 'nobody can answer in the place of the broker').to.match(/^[0-9a-f-]{36}$/);
    expect(direct.messages, "that of the witness only, which came after the strict one's").to.deep.equal([]);
    await strict.close();
    await witness.close();
  });
});
