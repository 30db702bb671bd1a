import {
  type Channel,
  connect as connectTo,
  type ConfirmChannel,
  type ConsumeMessage,
  type Options,
} from 'amqplib';
import { TOPIC } from './bare-keys.js';

/** A message as amqplib takes it. */
export interface Publication {
  readonly key: string;
  readonly content: Buffer;
  readonly options: Options.Publish;
}

/** A plain amqplib connection that sends with confirms, set up as the QMF transport sets its own up. */
export interface Link {
  /** @param confirmed called when the broker has it */
  publish(publication: Publication, confirmed?: () => void): void;
  /** Receives what has this key. */
  listen(key: string, receive: (message: ConsumeMessage) => void): Promise<void>;
}

export async function connect(broker: string): Promise<Link> {
  const url = new URL(broker.replace(/^amqp091:/, 'http:'));
  const connection = await connectTo(
    {
      hostname: url.hostname,
      port: url.port === '' ? 5672 : Number(url.port),
      username: url.username === '' ? 'guest' : url.username,
      password: url.password === '' ? 'guest' : url.password,
    },
    { noDelay: true },
  );
  const sending: ConfirmChannel = await connection.createConfirmChannel();
  const receiving: Channel = await connection.createChannel();
  return {
    publish: ({ key, content, options }, confirmed) => {
      sending.publish(TOPIC, key, content, options, confirmed);
    },
    listen: async (key, receive) => {
      const { queue } = await receiving.assertQueue('', { exclusive: true, durable: false });
      await receiving.bindQueue(queue, TOPIC, key);
      const take = (message: ConsumeMessage | null): void => {
        if (message !== null) receive(message);
      };
      await receiving.consume(queue, take, { noAck: true });
    },
  };
}
