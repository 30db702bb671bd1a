import { QmfError } from '@imagefactory/qmf';
import { startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { connectConsole } from '../connect.js';
import { ScriptedFactory } from '../testing/scripted-factory.test.fixture.js';
import { run } from './bus.test.fixture.js';
import { heldUp, tellAgentChanges, tellBusChanges } from './bus.js';
import { toCliError } from './errors.js';
import { until } from '../testing/until.test.fixture.js';

describe('news of bus and agents', () => {
  it('tell an agent that is gone or restarted from a bus that is away', async () => {
    const factory = await ScriptedFactory.start();
    const { broker } = factory;
    const client = await connectConsole({
      broker: broker.url,
      maxAgentAge: 50,
      retry: { initialDelay: 5, maxDelay: 10 },
    });
    const told: string[] = [];
    tellBusChanges(client.connection, text => told.push(text));
    tellAgentChanges(client.session, text => told.push(text));
    const { name, info } = (await client.findFactory()).agent;
    const { instance } = info;
    await factory.leave();
    const second = await ScriptedFactory.start({ broker, instance, epoch: 2 });
    await until(() => told.length === 1);
    await second.leave();
    await until(() => told.length === 2);
    const third = await ScriptedFactory.start({ broker, instance, epoch: 2 });
    await until(() => told.length === 3);
    await broker.stop();
    await until(() => told.length === 4);
    const again = await startBroker({ port: broker.port });
    await until(() => told.length === 5);
    expect(told.slice(0, 3)).to.deep.equal([
      `the agent ${name} was restarted`,
      `the agent ${name} is gone: it has been silent for too long; the bus is there`,
      `the agent ${name} is back`,
    ]);
    expect(told[3]).to.match(/^the bus is away: /);
    expect(told[4]).to.match(/^the bus is back: /);
    await client.close();
    await third.leave();
    await again.stop();
  });

  it('tell that the broker does not let us ask for agents, once', async () => {
    const broker = await startBroker();
    broker.faults.publish('reject', { subject: 'console.request.agent_locate' });
    const warned: string[] = [];
    const quiet: string[] = [];
    const client = await connectConsole({
      broker: broker.url,
      log: { debug: text => quiet.push(text), warn: text => warned.push(text) },
    });
    client.session.setAgentFilter('[eq, _product, [quote, x]]');
    client.session.setAgentFilter(undefined);
    await until(() => quiet.length === 2);
    expect(warned).to.have.lengthOf(1);
    expect(warned[0]).to.match(/^agents could not be asked to show up: .*rejected/);
    await client.close();
    await broker.stop();
  });

  it('tell that nobody answers because the broker takes nothing', async () => {
    const broker = await startBroker();
    broker.faults.publish('never-settle', {});
    for (const command of [
      ['agents', '--wait', '0.1'],
      ['query', 'X', '--timeout', '0.2'],
    ]) {
      const { code, stderr } = await run(['--broker', broker.url, ...command]);
      expect(code).to.equal(4);
      expect(stderr).to.match(
        /the broker is there and has not taken our request: brokers hold publishers back/,
      );
      expect(stderr).not.to.match(/is one running/);
    }
    await broker.stop();
  });

  it('do not blame a broker whose word comes after the answer', async () => {
    const statistics = { accepted: 3, released: 0, rejected: 0, underWay: 2 };
    const held = { state: 'open', statistics } as const;
    expect(await heldUp(held)).to.match(/has not taken our request/);
    const late = { state: 'open' as const, statistics: { ...statistics } };
    const asked = heldUp(late);
    setTimeout(() => (late.statistics = { ...statistics, accepted: 4, underWay: 1 }), 50);
    expect(await asked).to.equal(undefined);
    expect(await heldUp({ ...held, statistics: { ...statistics, underWay: 0 } })).to.equal(undefined);
    expect(await heldUp({ ...held, state: 'waiting' })).to.equal(undefined);
  });

  it('show as errors with exit codes and remedies of their own', () => {
    const bus = toCliError(new QmfError('connection_lost', 'gone'));
    const agent = toCliError(new QmfError('agent_unknown', 'gone'));
    expect([bus.exitCode, agent.exitCode]).to.deep.equal([3, 4]);
    expect(bus.remedy).to.match(/^the bus went away/);
    expect(agent.remedy).to.match(/^the bus is there; see which agents/);
    for (const code of ['connection_lost', 'agent_unknown', 'timeout'] as const) {
      const error = toCliError(new QmfError(code, 'gone', { mayHaveBeenExecuted: true }));
      expect(error.remedy).to.match(/look before you repeat it$/);
    }
  });
});
