import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'mocha';
import rhea, { type EventContext } from 'rhea';
import { until } from '../testing/poll.test.fixture.js';
import { on } from './events.js';
import { deliverRaw } from './raw-deliveries.js';

describe('deliverRaw', () => {
  it('makes rhea hand over payloads as bytes, also those that its own decoder throws on', async () => {
    const good = Buffer.from('00537741', 'hex');
    // An int8 as qpidd corrupts it (wire document §4.9), behind which nothing makes sense.
    const bad = Buffer.from('005377c10902a101618001a1', 'hex');
    // The embedded broker refuses such a message, so the test sends it without one.
    const sending = rhea.create_container({ id: randomUUID() });
    sending.once('sender_open', ({ sender }: EventContext) => {
      for (const bytes of [good, bad, good]) sender?.send(bytes, undefined, 0);
    });
    const server = sending.listen({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // a TCP server's address is no text
    const container = rhea.create_container({ id: randomUUID() });
    const errors: unknown[] = [];
    container.on('error', error => errors.push(error));
    const connection = container.connect({ port, host: '127.0.0.1', reconnect: false });
    try {
      const session = connection.create_session();
      deliverRaw(session);
      session.begin();
      const got: unknown[] = [];
      on(session.open_receiver({ source: { address: 'a' } }), 'message', ({ message }) => got.push(message));
      await until('all arrived', () => got.length === 3 || errors.length > 0);
      expect(errors).to.deep.equal([]);
      expect(got).to.deep.equal([good, bad, good]);
    } finally {
      connection.close();
      server.close();
    }
  });
});
