import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { AgentSession } from '../agent/index.js';
import { FakeTimers, turn } from '../connection/fake-timers.test.fixture.js';
import { FakeTransport } from '../connection/fake-transport.test.fixture.js';
import { BusConnection } from '../connection/index.js';
import { QmfError } from '../errors.js';

const heartbeats = 'agent.ind.heartbeat.example_com.optional.1';

describe('a key that a session can do without', () => {
  let connection: BusConnection;
  let agent: AgentSession;
  afterEach(async () => {
    agent.close();
    await connection.close();
  });

  /** An agent that may not hear the heartbeats of its own name; it is opened before there is a connection, or after. */
  async function refused(isConnected: boolean) {
    const asked: string[] = [];
    const said: string[] = [];
    const fake = new FakeTransport();
    fake.onBind = ({ key }) => {
      asked.push(key);
      return key === heartbeats
        ? Promise.reject(new QmfError('not_authorised', 'not for you'))
        : Promise.resolve();
    };
    const timers = new FakeTimers();
    connection = new BusConnection(fake, { timers, retry: { initialDelay: 10, maxDelay: 10 } });
    const name = { vendor: 'example.com', product: 'optional', instance: '1' };
    agent = new AgentSession(connection, {
      ...name,
      log: { debug: text => said.push(text), warn: text => expect.fail(text) },
    });
    if (isConnected) connection.start();
    await turn();
    await agent.open();
    connection.start();
    await turn();
    return { fake, timers, said, questions: () => asked.filter(key => key === heartbeats).length };
  }

  for (const isConnected of [false, true]) {
    it(`costs nothing when it is refused, and is asked for once on each connection; ${isConnected ? 'open' : 'not open'} before`, async () => {
      const { fake, timers, said, questions } = await refused(isConnected);
      expect(connection.state).to.equal('open');
      expect([fake.wires.length, fake.wire.bindings.size, questions()]).to.deep.equal([1, 3, 1]);
      await timers.pass(100_000);
      expect([fake.wires.length, questions()]).to.deep.equal([1, 1]);
      fake.wire.break();
      await timers.pass(100);
      await turn();
      expect(connection.state).to.equal('open');
      expect([fake.wires.length, fake.wire.bindings.size, questions()]).to.deep.equal([2, 3, 2]);
      expect(said.filter(text => text.includes(heartbeats))).to.deep.equal([
        `not listening to ${heartbeats}: not for you`,
        `not listening to ${heartbeats}: not for you`,
      ]);
    });
  }

  it('that was taken is in place on the next connection, and not after the session has closed', async () => {
    const fake = new FakeTransport();
    connection = new BusConnection(fake, { retry: { initialDelay: 0, maxDelay: 0 } });
    agent = new AgentSession(connection, { vendor: 'example.com', product: 'optional', instance: '1' });
    await agent.open();
    connection.start();
    const keys = (): string[] => [...fake.wire.bindings.keys()].map(({ key }) => key);
    await connection.ready();
    await turn();
    expect(keys()).to.include(heartbeats);
    fake.wire.break();
    await turn();
    await connection.ready();
    await turn();
    expect(fake.wires).to.have.length(2);
    expect(keys()).to.include(heartbeats);
    agent.close();
    expect(keys()).to.deep.equal([]);
  });
});
