import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { QmfError, type QmfErrorCode } from '../errors.js';
import { mapContent } from '../message/content.js';
import { headersFor } from '../message/headers.js';
import { unknownUserIds } from '../message/user-ids.js';
import { silentLog } from '../session/session-log.js';
import { ConsoleSession } from '../console/index.js';
import { onEachBroker, connectTo, type TestBroker } from '../testing/brokers.test.fixture.js';
import { until } from '../testing/poll.test.fixture.js';
import { RawPeer } from '../testing/raw-peer.test.fixture.js';
import { Gadget } from '../testing/widgets.test.fixture.js';
import { uint32, type Value } from '../value/value.js';
import { AgentBench } from './agent.test.fixture.js';
import { type Namesake, Namesakes } from './namesakes.js';

/** What is believed of a heartbeat when the question that follows fails with this code. */
async function believedAfter(code: QmfErrorCode): Promise<Namesake[]> {
  const heard: Namesake[] = [];
  const asked = Promise.reject(new QmfError(code, 'for the test'));
  const namesakes = new Namesakes({
    name: () => 'a:b:c',
    start: '1',
    ask: () => asked,
    showUp: () => undefined,
    onNamesake: other => void heard.push(other),
    log: silentLog,
    now: () => 0,
  });
  const values = new Map<string, Value>([
    ['_epoch', uint32(7)],
    ['imagefactory.start', '0'],
  ]);
  namesakes.receive({
    to: { node: 'qmf.default.topic', subject: 'agent.ind.heartbeat.a.b.c' },
    headers: headersFor('_agent_heartbeat_indication', { agent: 'a:b:c' }),
    ...mapContent(new Map([['_values', values]]), 'value'),
    userIds: unknownUserIds,
  });
  await asked.catch(() => undefined);
  await Promise.resolve();
  return heard;
}

onEachBroker('an agent that is not alone with its name', start => {
  let broker: TestBroker;
  const open: { close(): Promise<void> }[] = [];
  beforeEach(async () => {
    broker = await start();
  });
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
    await broker.stop();
  });

  async function agent(heard: Namesake[], more: object = {}): Promise<AgentBench> {
    const options = { instance: 'copied', onNamesake: (other: Namesake) => void heard.push(other), ...more };
    const bench = await AgentBench.start(broker, options);
    open.push(bench);
    return bench;
  }

  for (const strictSecurity of [false, true]) {
    it(`finds that out, and so does the other, and just the later one yields; ${strictSecurity ? '' : 'not '}under strict security`, async () => {
      const [first, second]: [Namesake[], Namesake[]] = [[], []];
      await agent(first, { epoch: 9, strictSecurity });
      await agent(second, { epoch: 3, strictSecurity });
      await until('both know', () => first.length > 0 && second.length > 0);
      expect(first[0]).to.include({ yields: false, epoch: 3 });
      expect(second[0]).to.include({ yields: true, epoch: 9 });
    });
  }

  it('does not believe a heartbeat alone, which anybody may have sent', async () => {
    const heard: Namesake[] = [];
    const { agent: session, connection } = await agent(heard);
    const peer = await RawPeer.connect(broker.port);
    const own = await peer.listen('qmf.default.topic', session.directSubject);
    const values = new Map<string, Value>([
      ['_epoch', uint32(7)],
      ['imagefactory.start', '0'],
    ]);
    peer.send('qmf.default.topic', {
      subject: 'agent.ind.heartbeat.example_com.gadgetd.copied',
      contentType: 'amqp/map',
      applicationProperties: new Map<string, Value>([
        ['qmf.opcode', '_agent_heartbeat_indication'],
        ['qmf.agent', session.name],
      ]),
      body: { form: 'value', value: new Map<string, Value>([['_values', values]]) },
    });
    const question = await own.next();
    expect(question.replyTo, 'it asks where just an agent of its name listens').to.equal(
      `qmf.default.topic/${session.directSubject}`,
    );
    // Its own answer comes there too; what comes after it was read later.
    expect((await own.next()).correlationId).to.equal(question.correlationId);
    await connection.ready();
    expect(heard).to.deep.equal([]);
    await peer.close();
  });

  it('asks in vain, and believes the heartbeat only if the broker refuses to take the question', async () => {
    for (const code of ['not_authorised', 'address_refused', 'message_rejected'] as const)
      expect(await believedAfter(code), code).to.deep.equal([{ epoch: 7, start: '0', yields: true }]);
    for (const code of ['connection_lost', 'message_released', 'timeout'] as const)
      expect(await believedAfter(code), code).to.deep.equal([]);
  });

  it('has another name, address and objects after rename(), and answers under the old name of an object', async () => {
    const { agent: session, gadget } = await agent([]);
    const connection = await connectTo(broker.url);
    const console = new ConsoleSession(connection, { requestTimeout: 4_000 });
    await console.open();
    const old = { ...gadget.address };
    await session.rename('new');
    expect(session.name).to.equal('example.com:gadgetd:new');
    expect([gadget.address.agentName, gadget.addressMap._agent_name]).to.deep.equal([
      session.name,
      session.name,
    ]);
    const found = await console.findAgent(({ info }) => info.instance === 'new');
    const [shown] = await found.objects(Gadget);
    expect(shown?.address).to.deep.equal(gadget.address);
    expect((await found.query({ address: old })).length, 'the address of before').to.equal(1);
    console.close();
    await connection.close();
  });
});
