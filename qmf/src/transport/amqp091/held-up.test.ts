import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import type { Envelope } from '../../message/envelope.js';
import { failure, until } from '../../testing/poll.test.fixture.js';
import type { Wire } from '../transport.js';
import { amqp091 } from './amqp091.js';
import { type Behaviour, type MiniBroker, startMiniBroker } from './mini-broker.test.fixture.js';

const binding = { exchange: 'x', exchangeType: 'topic', key: '#', create: true } as const;
const message = (node = 'x', size = 10, header = 'v'): Envelope => ({
  to: { node, subject: 'k' },
  headers: new Map([['h', header]]),
  body: { form: 'data', bytes: Buffer.alloc(size) },
});
/** Channels in the order in which the transport opens them. */
const channels = { declaring: 1, listening: 2, firstPublisher: 3 };

describe('an AMQP 0-9-1 broker that holds us up', () => {
  let broker: MiniBroker;
  let wire: Wire;
  let received: Envelope[];

  const open = async (behaviour: Behaviour = {}): Promise<void> => {
    broker = await startMiniBroker(behaviour);
    wire = await amqp091(broker.url).dial(new AbortController().signal);
    received = [];
    await wire.bind(binding, envelope => received.push(envelope));
  };
  afterEach(async () => {
    await wire.close();
    await broker.stop();
  });
  const heard = (what: string): number => broker.heard.filter(method => method === what).length;

  it('by connection.blocked: messages wait here, and go out in order when it is over', async () => {
    await open();
    await wire.send(message());
    broker.block(true);
    broker.flow(channels.listening, true); // its answer tells that the other has arrived
    await until('it was heard', () => heard('20.21 on 2') === 1);
    const sends = [1, 2, 3].map(size => wire.send(message('x', size)));
    const other = wire.send(message('', 4)); // on a channel that is opened meanwhile
    await wire.bind({ ...binding, exchange: 'y' }, () => undefined);
    expect(heard('60.40 on 3')).to.equal(1);
    broker.block(false);
    await Promise.all([...sends, other.catch(() => undefined)]);
    await until('all have come', () => received.length === 4);
    expect(received.map(({ body }) => body.form === 'data' && body.bytes.length)).to.deep.equal([
      10, 1, 2, 3,
    ]);
  });

  it('by channel.flow: that channel waits, the others go on', async () => {
    await open();
    await wire.bind({ ...binding, exchange: 'y' }, () => undefined);
    await wire.send(message('x'));
    broker.flow(channels.firstPublisher, false);
    await until('it was answered', () => heard('20.21 on 3') === 1);
    let sent = false;
    const held = wire.send(message('x')).then(() => (sent = true));
    await wire.send(message('y'));
    expect(sent).to.equal(false);
    broker.flow(channels.firstPublisher, true);
    await held;
  });

  it('settles what waits when it is closed meanwhile', async () => {
    await open();
    await wire.send(message());
    broker.block(true);
    broker.flow(channels.listening, true);
    await until('it was heard', () => heard('20.21 on 2') === 1);
    const held = failure(wire.send(message()));
    await wire.close();
    expect((await held).code).to.equal('closed');
  });

  it('with small frames: bodies are cut to them, headers that cannot be are refused', async () => {
    await open({ frameMax: 4_096 });
    await wire.send(message('x', 20_000));
    await until('it has come', () => received.length === 1);
    expect(received[0]?.body.form === 'data' && received[0].body.bytes.length).to.equal(20_000);
    expect(broker.largestFrame).to.equal(4_096);
    const error = await failure(wire.send(message('x', 1, 'h'.repeat(5_000))));
    expect(error.code).to.equal('not_encodable');
    expect(error.message).to.match(/4096 bytes/);
    await wire.send(message());
  });

  it('with few channels: an idle one is closed for the next exchange', async () => {
    await open({ channelMax: 3 });
    await wire.bind({ ...binding, exchange: 'y' }, () => undefined);
    for (const node of ['x', 'y', 'x']) await wire.send(message(node));
    const both = await Promise.allSettled([wire.send(message('x')), wire.send(message('y'))]);
    expect(both.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected']);
    expect((await failure(Promise.reject((both[1] as PromiseRejectedResult).reason as Error))).code).to.equal(
      'message_released',
    );
    await wire.send(message('y'));
  });

  for (const [what, channel, code] of [
    ['320, connection forced', 0, 320],
    ['501, frame error', 0, 501],
    ['541, internal error', 0, 541],
    ['405 on the channel that listens', channels.listening, 405],
    ['504 on the channel that publishes', channels.firstPublisher, 504],
  ] as const) {
    it(`that ends with ${what}: the connection is lost, and all is settled`, async () => {
      let answer: 'ack' | 'nothing' = 'ack';
      await open({ answer: () => answer });
      await wire.send(message());
      answer = 'nothing';
      const pending = failure(wire.send(message()));
      broker.close(channel, code);
      expect((await wire.closed)?.code).to.equal('connection_lost');
      expect((await pending).code).to.equal('connection_lost');
    });
  }
});
