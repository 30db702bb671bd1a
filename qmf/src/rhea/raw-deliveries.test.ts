import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'mocha';
import rhea from 'rhea';
import { startBroker } from '../broker/index.js';
import { until } from '../testing/poll.test.fixture.js';
import { RawPeer } from '../testing/raw-peer.test.fixture.js';
import { on } from './events.js';
import { deliverRaw } from './raw-deliveries.js';

describe('deliverRaw', () => {
  it('makes rhea hand over payloads as bytes, also those that its own decoder throws on', async () => {
    const broker = await startBroker();
    const container = rhea.create_container({ id: randomUUID() });
    const errors: unknown[] = [];
    container.on('error', error => errors.push(error));
    const connection = container.connect({
      port: broker.port,
      host: broker.host,
      username: 'anonymous',
      reconnect: false,
    });
    const session = connection.create_session();
    deliverRaw(session);
    session.begin();
    const got: unknown[] = [];
    let open = false;
    const filter = { f: rhea.types.wrap_described('#', 0x468c00000001) as unknown as object }; // rhea's typings know no described values
    const receiver = session.open_receiver({ source: { address: 'amq.topic', filter } });
    on(receiver, 'receiver_open', () => {
      open = true;
    });
    on(receiver, 'message', ({ message }) => got.push(message));
    await until('the receiver is open', () => open);
    const peer = await RawPeer.connect(broker.port);
    const good = Buffer.from('00537741', 'hex');
    // An int8 as qpidd corrupts it (wire document §4.9), behind which nothing makes sense.
    const bad = Buffer.from('005377c10902a101618001a1', 'hex');
    for (const bytes of [good, bad, good]) peer.sendBytes('amq.topic', bytes);
    await until('all arrived', () => got.length === 3);
    expect(got).to.deep.equal([good, bad, good]);
    expect(errors).to.deep.equal([]);
    connection.close();
    await peer.close();
    await broker.stop();
  });
});
