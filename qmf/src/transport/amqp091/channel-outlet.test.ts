import { type ConfirmChannel, connect } from 'amqplib';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { until } from '../../testing/poll.test.fixture.js';
import { ChannelOutlet } from './channel-outlet.js';
import { encodeFieldTable } from './field-table.js';
import { type Behaviour, type MiniBroker, startMiniBroker } from './mini-broker.test.fixture.js';
import { publishFrames } from './publish-frames.js';

/** The place in amqplib that says whether the next heartbeat is needed. */
interface Liveness {
  readonly connection: { checkSend(): boolean };
}

describe('ChannelOutlet', () => {
  let answer: ReturnType<NonNullable<Behaviour['answer']>>;
  let broker: MiniBroker;
  let close: () => Promise<void>;
  let channel: ConfirmChannel;
  let outlet: ChannelOutlet;
  const told: (string | undefined)[] = [];

  const send = (): void => {
    const properties = { headers: encodeFieldTable(new Map()) };
    const publication = {
      exchange: '',
      routingKey: 'q',
      mandatory: false,
      properties,
      content: Buffer.from('x'),
    };
    outlet.send(publishFrames(publication, outlet.number, 4_096), error => told.push(error?.message));
  };

  beforeEach(async () => {
    answer = 'ack';
    told.length = 0;
    broker = await startMiniBroker({ answer: () => answer });
    const model = await connect(broker.url.replace('amqp091:', 'amqp:'));
    close = () => model.close().catch(() => undefined);
    channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    outlet = new ChannelOutlet(channel);
  });
  afterEach(async () => {
    await close();
    await broker.stop();
  });

  it('sends, and tells what the broker says of each message, those of amqplib itself included', async () => {
    send();
    channel.publish('', 'q', Buffer.from('y'), {}, (error: unknown) =>
      told.push(error === null ? 'its own' : 'x'),
    );
    send();
    await until('all are confirmed', () => told.length === 3);
    expect(told).to.deep.equal([undefined, 'its own', undefined]);
    answer = 'nack';
    send();
    await until('it is refused', () => told.length === 4);
    expect(told[3]).to.equal('message nacked');
  });

  it('lets amqplib know that a heartbeat can be saved', async () => {
    const { connection } = channel as unknown as Liveness;
    connection.checkSend();
    expect(connection.checkSend()).to.equal(false);
    send();
    expect(connection.checkSend()).to.equal(true);
    await until('it is confirmed', () => told.length === 1);
  });

  it('tells of a channel that ended, and sends nothing after it', async () => {
    answer = 404;
    send();
    await until('the channel has ended', () => told.length === 1);
    expect(told).to.deep.equal(['channel closed']);
    send();
    expect(told).to.have.length(1);
  });

  it('refuses a channel that is not one of amqplib as it was', () => {
    const other = { ch: 1, connection: { channels: [] } } as unknown as ConfirmChannel;
    expect(() => new ChannelOutlet(other)).to.throw(/this version of amqplib/);
  });
});
