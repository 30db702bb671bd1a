import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { after, afterEach, before, describe, it } from 'mocha';
import rhea, { type Connection, type EventContext, type Receiver, type Sender } from 'rhea';
import { failure } from '../testing/poll.test.fixture.js';
import { type BrokerRole, type RunningBroker, startBroker } from './index.js';
import { conditionOf, outcomeOf, refusal } from './links.test.fixture.js';

const users = {
  factory: { password: 'f', role: 'agent' },
  operator: { password: 'o', role: 'console' },
  other: { password: 'o', role: 'console' },
  screen: { password: 's', role: 'watcher' },
  root: 'r',
} as const;
type User = keyof typeof users;

const topic = 'qmf.default.topic';
const direct = 'qmf.default.direct';
const agentName = 'vendor:product:instance';
const refused = 'amqp:unauthorized-access';

/** A, C, W: the role may. */
const bindings: readonly [exchange: string, key: string, roles: string][] = [
  [topic, 'agent.#', 'ACW'],
  [topic, 'agent.ind.heartbeat.*.#', 'ACW'],
  [topic, 'agent.*.#.direct-console.x', 'ACW'], // can match only what begins with agent
  [topic, 'agent.ind.event.org_apache_qpid_broker.bind.#', 'A'],
  [topic, '#', ''],
  [topic, '*.#', ''],
  [topic, '#.agent', ''],
  [topic, '*.ind.#', ''],
  [topic, '', ''],
  [topic, 'console.#', 'A'],
  [topic, 'direct-agent.route.1', 'A'],
  [topic, 'direct-agent.#', ''],
  [topic, 'direct-agent.route.*', ''],
  [topic, 'direct-console.mine', 'CW'],
  [topic, 'direct-console.#', ''],
  [topic, 'direct-console.*', ''],
  [topic, 'direct-console.a.#.b', ''],
  [topic, '*.mine', ''],
  [topic, 'other.key', ''],
  [direct, agentName, 'A'],
  [direct, 'a:b', ''],
  [direct, 'qmfc-v2-host.1.1', 'CW'],
  [direct, '#', 'CW'], // no wildcard on a direct exchange
  [direct, 'broker', ''],
  [direct, '', ''],
  ['amq.direct', 'direct-console.mine', 'CW'],
  ['amq.topic', '#', ''],
  ['amq.topic', 'agent.#', ''],
  ['qmf.lab.topic', 'agent.#', 'ACW'],
  ['qmf.lab.topic', '#', ''],
];

const query = '_query_request';
const publications: readonly [exchange: string, key: string, opcode: string | undefined, roles: string][] = [
  [topic, 'agent.ind.event.x', '_data_indication', 'A'],
  [topic, 'agent.ind.heartbeat.x', '_agent_heartbeat_indication', 'A'],
  [topic, 'agent.ind.heartbeat.x', query, 'A'],
  [topic, 'direct-console.x', '_method_response', 'A'],
  [topic, 'direct-console.x', query, 'A'],
  [topic, 'console.request.agent_locate', '_agent_locate_request', 'CW'],
  [topic, 'direct-agent.route.1', query, 'CW'],
  [topic, 'direct-agent.route.1', '_subscribe_request', 'CW'],
  [topic, 'direct-agent.route.1', '_method_request', 'C'],
  [topic, 'direct-agent.route.1', '_METHOD_REQUEST', 'C'],
  [topic, 'direct-agent.route.1', '_exception', 'C'],
  [topic, 'direct-agent.route.1', undefined, 'C'],
  [topic, 'other', query, ''],
  [topic, '', query, ''],
  [direct, agentName, query, 'CW'],
  [direct, agentName, '_method_request', 'C'],
  [direct, 'broker', '_agent_locate_request', 'CW'],
  [direct, 'broker', '_method_request', 'C'],
  [direct, 'qmfc-v2-host.1.1', '_query_response', 'A'],
  ['amq.direct', 'direct-console.x', '_query_response', 'A'],
  ['amq.topic', 'agent.x', query, ''],
];

const roles: readonly [letter: string, role: BrokerRole, user: User][] = [
  ['A', 'agent', 'factory'],
  ['C', 'console', 'operator'],
  ['W', 'watcher', 'screen'],
];

describe('roles at the embedded broker', () => {
  let broker: RunningBroker;
  const clients: Connection[] = [];

  const connectAs = (user: User | undefined, to = broker, id?: string): Connection => {
    const container = rhea.create_container(id === undefined ? {} : { id });
    container.on('error', () => undefined);
    const account = user === undefined ? undefined : users[user];
    const password = typeof account === 'string' ? account : account?.password;
    const connection = container.connect({
      host: to.host,
      port: to.port,
      reconnect: false,
      username: user ?? 'anonymous',
      ...(password === undefined ? {} : { password }),
    });
    for (const event of ['disconnected', 'connection_error', 'session_error', 'settled']) {
      connection.on(event, () => undefined);
    }
    clients.push(connection);
    return connection;
  };
  const bind = (connection: Connection, address: string, key: string, more: object = {}): Receiver => {
    return connection.open_receiver({ source: { address, filter: filterOf(key) }, ...more });
  };
  const send = async (link: Sender, message: object): Promise<string | undefined> => {
    if (!link.sendable()) await once(link, 'sendable');
    const answer = outcomeOf(link);
    const delivery = link.send({ body: 'text', ...message });
    await answer;
    return conditionOf({ error: (delivery.remote_state as { error?: unknown } | undefined)?.error });
  };
  const headers = (opcode: string | undefined): object =>
    opcode === undefined ? {} : { application_properties: { 'qmf.opcode': opcode } };

  before(async () => {
    broker = await startBroker({ users, exchanges: { 'qmf.lab.topic': 'topic' } });
  });
  afterEach(() => {
    for (const connection of clients.splice(0)) connection.close();
  });
  after(() => broker.stop());

  for (const [letter, role, user] of roles) {
    it(`lets a ${role} bind what is meant for it, and nothing that matches more`, async () => {
      const connection = connectAs(user);
      for (const [exchange, key, may] of bindings) {
        const link = bind(connection, exchange, key);
        expect(await refusal(link), `${exchange} ${key}`).to.equal(
          may.includes(letter) ? undefined : refused,
        );
        link.close();
      }
    });

    it(`lets a ${role} publish what is its own to say, to an exchange and through the relay`, async () => {
      const connection = connectAs(user);
      const relay = connection.open_sender({ target: {} });
      for (const [exchange, subject, opcode, may] of publications) {
        const expected = may.includes(letter) ? undefined : refused;
        const what = `${exchange} ${subject} ${String(opcode)}`;
        const message = { subject, ...headers(opcode) };
        const link = connection.open_sender(exchange);
        const attached = await refusal(link);
        if (attached === undefined) expect(await send(link, message), what).to.equal(expected);
        else expect(attached, what).to.equal(expected);
        expect(await send(relay, { to: exchange, ...message }), `${what} by relay`).to.equal(expected);
        link.close();
      }
    });

    it(`lets a ${role} make no queues or exchanges`, async () => {
      const connection = connectAs(user);
      for (const capability of ['queue', 'topic']) {
        const node = { address: `made-${capability}`, capabilities: [capability, 'create-on-demand'] };
        expect(await refusal(connection.open_sender({ target: node }))).to.equal(refused);
        expect(await refusal(connection.open_receiver({ source: node }))).to.equal(refused);
      }
      expect(await refusal(connection.open_receiver({ source: { address: '', dynamic: true } }))).to.equal(
        refused,
      );
    });
  }

  it('keeps a user without a role free of all this', async () => {
    const connection = connectAs('root');
    for (const [exchange, key] of bindings) {
      expect(await refusal(bind(connection, exchange, key))).to.equal(undefined);
    }
  });

  it('gives the key of one console to no other, in any kind of link, until it is free', async () => {
    const [operator, other] = [connectAs('operator'), connectAs('other')];
    const first = bind(operator, topic, 'direct-console.K', { name: 'answers' });
    expect(await refusal(first)).to.equal(undefined);
    expect(await refusal(bind(other, topic, 'direct-console.K'))).to.equal(refused);
    const shared = { address: topic, capabilities: ['shared'], filter: filterOf('direct-console.K') };
    expect(await refusal(other.open_receiver({ source: shared }))).to.equal(refused);
    // The same user may, from wherever it is.
    expect(await refusal(bind(connectAs('operator'), topic, 'direct-console.K'))).to.equal(undefined);
    operator.close();
    clients[2]?.close();
    await once(operator, 'connection_close');
    expect(await eventually(() => refusal(bind(other, topic, 'direct-console.K')))).to.equal(undefined);
  });

  it('lets nobody into the queue of another, by its name or by being called the same', async () => {
    const operator = connectAs('operator', broker, 'console-1');
    const own = bind(operator, topic, 'direct-console.Q', { name: 'answers' });
    expect(await refusal(own)).to.equal(undefined);
    const queue = 'console-1_answers';
    expect(broker.stats().queues.map(({ name }) => name)).to.include(queue);
    const group = { address: topic, capabilities: ['shared'], filter: filterOf('agent.#') };
    expect(await refusal(operator.open_receiver({ name: 'group', source: group }))).to.equal(undefined);
    for (const user of ['factory', 'other', 'screen'] as const) {
      const connection = connectAs(user, broker, 'console-1');
      expect(await refusal(connection.open_receiver(queue)), `${user} consumes`).to.equal(refused);
      expect(await refusal(connection.open_sender(queue)), `${user} publishes`).to.equal(refused);
      expect(await refusal(bind(connection, topic, 'agent.#', { name: 'answers' }))).to.equal(refused);
      expect(await refusal(connection.open_receiver({ name: 'group', source: group }))).to.equal(refused);
      const relay = connection.open_sender({ target: {} });
      expect(await send(relay, { to: queue, ...headers(query) }), `${user} by relay`).to.equal(refused);
      expect(await send(relay, { to: 'group', ...headers(query) }), `${user} by relay`).to.equal(refused);
    }
  });

  it('has answers sent to keys that the asker has bound alone', async () => {
    const [operator, screen] = [connectAs('operator'), connectAs('screen')];
    expect(await refusal(bind(operator, topic, 'direct-console.victim'))).to.equal(undefined);
    expect(await refusal(bind(screen, topic, 'direct-console.own'))).to.equal(undefined);
    expect(await refusal(bind(screen, topic, 'agent.ind.event.mine'))).to.equal(undefined);
    const link = screen.open_sender(topic);
    const ask = (replyTo: string | undefined): Promise<string | undefined> =>
      send(link, {
        subject: 'direct-agent.route.1',
        ...headers(query),
        ...(replyTo === undefined ? {} : { reply_to: replyTo }),
      });
    expect(await ask(`${topic}/direct-console.own`)).to.equal(undefined);
    expect(await ask(undefined)).to.equal(undefined);
    for (const replyTo of [
      `${topic}/direct-console.victim`,
      `${topic}/direct-console.unbound`,
      `${topic}/agent.ind.event.mine`,
      `${direct}/direct-console.own`,
      `nowhere/direct-console.own`,
      topic,
      'direct-console.own',
      '/direct-console.own',
    ]) {
      expect(await ask(replyTo), replyTo).to.equal(refused);
    }
  });

  it('lets a watcher send no call that an agent would read in its bytes', async () => {
    const screen = connectAs('screen');
    const link = screen.open_sender(topic);
    await once(link, 'sendable');
    const bytes = (...sections: readonly Buffer[]): Buffer => Buffer.concat(sections);
    const properties = section(0x73, [null, null, null, 'direct-agent.route.1']);
    const asks = opcodeSection(query);
    const calls = opcodeSection('_method_request');
    const body = Buffer.from([0, 0x53, 0x77, 0x40]);
    const forms: readonly Buffer[] = [
      bytes(properties, calls, body),
      bytes(properties, asks, calls, body),
      bytes(properties, asks, body, calls),
      bytes(properties, body),
      bytes(properties, asks, Buffer.from([0, 0x53, 0x77])),
    ];
    const delivered = bind(connectAs('root'), topic, 'direct-agent.#');
    let calling = 0;
    delivered.on('message', ({ message }: EventContext) => {
      if (message?.application_properties?.['qmf.opcode'] !== query) calling++;
    });
    await once(delivered, 'receiver_open');
    for (const form of forms) {
      const settled = outcomeOf(link);
      link.send(form, undefined, 0);
      await settled;
    }
    const settled = once(link, 'accepted');
    const arrived = once(delivered, 'message');
    link.send(bytes(properties, asks, body), undefined, 0);
    await settled;
    await arrived;
    expect(calling).to.equal(0);
  });

  it('gives peers without a user the role that is said, and wants one said', async () => {
    const open = await startBroker({ users, allowAnonymous: true, anonymousRole: 'watcher' });
    const anonymous = connectAs(undefined, open);
    expect(await refusal(bind(anonymous, topic, 'agent.#'))).to.equal(undefined);
    expect(await refusal(bind(anonymous, topic, '#'))).to.equal(refused);
    // Two of them are not one and the same.
    expect(await refusal(bind(anonymous, topic, 'direct-console.K'))).to.equal(undefined);
    expect(await refusal(bind(connectAs(undefined, open), topic, 'direct-console.K'))).to.equal(refused);
    for (const connection of clients.splice(0)) connection.close();
    await open.stop();
    const error = await failure(startBroker({ users, allowAnonymous: true }));
    expect(error).to.include({ code: 'invalid_argument' });
    expect(error.message).to.match(/^allowAnonymous: .*users\.factory.*anonymousRole/);
    const role = 'admin' as BrokerRole; // a program without types
    expect((await failure(startBroker({ users: { x: { password: 'y', role } } }))).message).to.equal(
      'users.x.role: "admin" is no role; there are agent, console, watcher',
    );
  });

  it('cuts off a peer that begins a second login before it knows of the first', async () => {
    const socket = connect({ host: broker.host, port: broker.port });
    socket.on('error', () => undefined).resume();
    const init = (response: string): Buffer => saslInit('PLAIN', Buffer.from(response));
    socket.write(
      Buffer.concat([
        Buffer.from('AMQP\x03\x01\0\0', 'latin1'),
        init('\0screen\0s'),
        init('\0factory\0wrong'),
      ]),
    );
    await once(socket, 'close');
  });
});

function filterOf(key: string): object {
  return { subject: rhea.types.wrap_described(key, 0x468c_0000_0001) };
}

/** Tries again while what it gives is a refusal: the broker may not have seen a close yet. */
async function eventually(attempt: () => Promise<string | undefined>): Promise<string | undefined> {
  let result = await attempt();
  while (result !== undefined) result = await attempt();
  return result;
}

function text(value: string | null): Buffer {
  return value === null
    ? Buffer.of(0x40)
    : Buffer.concat([Buffer.of(0xa1, value.length), Buffer.from(value)]);
}

/** A section that is a list. */
function section(code: number, fields: readonly (string | null)[]): Buffer {
  const body = Buffer.concat(fields.map(text));
  return Buffer.concat([Buffer.of(0, 0x53, code, 0xc0, body.length + 1, fields.length), body]);
}

function opcodeSection(opcode: string): Buffer {
  const body = Buffer.concat([text('qmf.opcode'), text(opcode)]);
  return Buffer.concat([Buffer.of(0, 0x53, 0x74, 0xc1, body.length + 1, 2), body]);
}

function saslInit(mechanism: string, response: Buffer): Buffer {
  const fields = Buffer.concat([
    Buffer.of(0xa3, mechanism.length),
    Buffer.from(mechanism),
    Buffer.of(0xa0, response.length),
    response,
  ]);
  const frame = Buffer.concat([
    Buffer.of(0, 0, 0, 0, 2, 1, 0, 0, 0, 0x53, 0x41, 0xc0, fields.length + 1, 2),
    fields,
  ]);
  frame.writeUInt32BE(frame.length);
  return frame;
}
