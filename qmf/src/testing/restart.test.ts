import { expect } from 'chai';
import { describe, it } from 'mocha';
import { startBroker } from '../broker/index.js';
import { ConsoleSession } from '../console/index.js';
import { addressFromPlain } from '../data/index.js';
import { connectTo } from './brokers.test.fixture.js';
import { ImageFactory, startFactory, StatusEvent } from './factory.test.fixture.js';
import { until } from './poll.test.fixture.js';
import { ownPort } from './own-port.test.fixture.js';

describe('an agent and a console of ours', () => {
  it('go on where they were when the broker restarts on its port; an event of the time between is sent', async () => {
    const first = await startBroker({ port: ownPort() });
    const agentConnection = await connectTo(first.url);
    const agent = await startFactory(agentConnection, 'restart', 'value');
    const consoleConnection = await connectTo(first.url);
    const session = new ConsoleSession(consoleConnection);
    await session.open();
    const known = await session.findAgent(({ name }) => name === agent.name);
    const [factory] = await known.objects(ImageFactory);
    const changes: string[] = [];
    session.onAgentChange(({ kind }) => changes.push(kind));

    await first.stop();
    await until('both noticed', () => agentConnection.state !== 'open' && consoleConnection.state !== 'open');
    const raised = agent.raise(StatusEvent, { addr: {}, event: 'STATUS', old_status: 'A', new_status: 'B' });
    const statuses: string[] = [];
    session.onEvent(({ values }) =>
      statuses.push(typeof values['new_status'] === 'string' ? values['new_status'] : ''),
    );

    // Whether the console hears that event depends on who is back first, so only that it goes out is looked at.
    const second = await startBroker({ port: first.port });
    await Promise.all([agentConnection.ready(), consoleConnection.ready(), raised]);
    const { build_adaptor: map } = await factory!.call('build_image', {
      descriptor: '',
      target: 'mock',
      image_uuid: '',
      sec_credentials: '',
    });
    expect(addressFromPlain(map).agentName).to.equal(agent.name);
    await until('the end of the build was heard', () => statuses.includes('COMPLETED'));
    expect(changes).to.deep.equal([]);
    session.close();
    agent.close();
    await Promise.all([agentConnection.close(), consoleConnection.close()]);
    await second.stop();
  });
});
