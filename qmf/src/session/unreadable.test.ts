import { expect } from 'chai';
import { describe, it } from 'mocha';
import { AgentSession } from '../agent/index.js';
import { BusConnection } from '../connection/index.js';
import { FakeTransport } from '../connection/fake-transport.test.fixture.js';
import { ConsoleSession } from '../console/index.js';
import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import { headersFor } from '../message/headers.js';
import { unknownUserIds } from '../message/user-ids.js';
import type { SessionLog } from './session-log.js';
import { UnreadableMessages } from './unreadable.js';

describe('messages that cannot be read', () => {
  it('are all counted, and warned of at once and then once a minute', () => {
    const [warned, debugged]: [string[], string[]] = [[], []];
    let now = 0;
    const log = {
      warn: (line: string) => void warned.push(line),
      debug: (line: string) => void debugged.push(line),
    };
    const unreadable = new UnreadableMessages(log, () => now);
    for (let count = 0; count < 1_000; count++) unreadable.drop('a message', `fault ${count}`);
    now = 59_999;
    unreadable.drop('a message', 'fault');
    now = 60_000;
    unreadable.drop('a message', 'last');
    expect(warned).to.deep.equal([
      'a message was dropped: fault 0',
      'a message was dropped: last (and 1000 more since the last warning)',
    ]);
    expect([unreadable.count, debugged.length]).to.deep.equal([1_002, 1_002]);
  });
});

/** It says that it is a map, and is none. */
const heartbeat: Envelope = {
  to: { node: 'qmf.default.topic', subject: 'agent.ind.heartbeat.v.p.i' },
  headers: headersFor('_agent_heartbeat_indication', { agent: 'v:p:i' }),
  contentType: 'amqp/map',
  body: { form: 'data', bytes: Buffer.from('ffffffffffff', 'hex') },
  userIds: unknownUserIds,
};

/** What a session makes of messages that nobody can read. */
interface Listening {
  readonly unreadable: () => number;
  readonly close: () => void;
}

const sessions: readonly (readonly [
  string,
  (connection: BusConnection, log: SessionLog) => Promise<Listening>,
])[] = [
  [
    'an agent',
    async (connection, log) => {
      const agent = new AgentSession(connection, { vendor: 'v', product: 'p', instance: 'i', log });
      await agent.open();
      return { unreadable: () => agent.unreadableMessages, close: () => agent.close() };
    },
  ],
  [
    'a console',
    async (connection, log) => {
      const console = new ConsoleSession(connection, { log });
      await console.open();
      return { unreadable: () => console.statistics.unreadableMessages, close: () => console.close() };
    },
  ],
];

for (const [name, open] of sessions) {
  it(`${name} counts what its transport or it cannot read, and warns once of many`, async () => {
    const warned: string[] = [];
    const log = { debug: () => undefined, warn: (line: string) => void warned.push(line) };
    const transport = new FakeTransport();
    const connection = new BusConnection(transport, { renewal: 0 });
    const session = await open(connection, log);
    connection.start();
    await connection.ready();
    const { wire } = transport;
    for (let count = 0; count < 100; count++) {
      wire.malformed(new QmfError('malformed_message', `unknown type code 0x${'f'.repeat(5_000)}`));
      for (const deliver of wire.bindings.values()) deliver(heartbeat);
    }
    const delivered = 100 * wire.bindings.size;
    expect(session.unreadable()).to.equal(100 + delivered);
    expect(connection.statistics.malformed).to.equal(100);
    expect(warned).to.have.lengthOf(1);
    expect(warned[0]).to.match(/^a message was dropped: unknown type code/);
    expect(warned[0]?.length).to.be.below(1_100);
    session.close();
    wire.malformed(new QmfError('malformed_message', 'after the end'));
    expect(session.unreadable()).to.equal(100 + delivered);
    await connection.close();
  });
}
