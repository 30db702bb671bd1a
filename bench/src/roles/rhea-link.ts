import rhea, { type Connection, type EventContext, type Message, type Receiver, type Sender } from 'rhea';
import { TOPIC } from './bare-keys.js';

const DIRECT_BINDING = 0x468c00000000;
const TOPIC_BINDING = 0x468c00000001;

/** A plain rhea connection, set up as the QMF transport sets its own up. */
export function connect(broker: string): Promise<Connection> {
  const { hostname, port, username, password } = new URL(broker.replace(/^amqp:/, 'http:'));
  const options = {
    transport: 'tcp' as const,
    host: hostname,
    port: port === '' ? 5672 : Number(port),
    username: username === '' ? 'anonymous' : username,
    ...(password === '' ? {} : { password }),
    reconnect: false as const,
    tcp_no_delay: true,
  };
  const connection = rhea.create_container().connect(options);
  return settled(connection, 'connection_open', ['connection_error', 'disconnected'], connection);
}

/** What a program has to know of the broker it was written for. */
interface Ways {
  readonly target: (key: string) => string;
  readonly source: (key: string) => { readonly address: string; readonly filter?: object };
  /** How a body that is a list gets through. */
  readonly list: (items: readonly unknown[]) => unknown;
}

const qpid: Ways = {
  target: () => TOPIC,
  source: key => ({ address: TOPIC, filter: filterFor(key, key.includes('#')) }),
  list: items => items,
};

const brokerJ: Ways = {
  ...qpid,
  source: key => ({ address: TOPIC, filter: filterFor(key, true) }),
};

/** RabbitMQ 3: the key is a part of the address, and a list would be lost. */
const rabbitMq: Ways = {
  target: key => `/exchange/${TOPIC}/${key}`,
  source: key => ({ address: `/exchange/${TOPIC}/${key}` }),
  list: items => rhea.message.sequence_section([...items]) as unknown,
};

function waysOf(connection: Connection): Ways {
  const properties = connection.properties as Readonly<Record<string, unknown>> | undefined;
  const product = typeof properties?.product === 'string' ? properties.product : '';
  if (product === 'RabbitMQ') return rabbitMq;
  return /broker-j/i.test(product) ? brokerJ : qpid;
}

function filterFor(key: string, asPattern: boolean): object {
  const filter: unknown = rhea.types.wrap_described(key, asPattern ? TOPIC_BINDING : DIRECT_BINDING);
  // rhea's typings know no described values.
  return { 'subject-filter': filter as object };
}

/** A sender for messages with one key. */
export interface KeySender {
  readonly sender: Sender;
  send(message: Message): void;
}

export async function openSender(connection: Connection, key: string): Promise<KeySender> {
  const ways = waysOf(connection);
  const sender = connection.open_sender({ target: { address: ways.target(key) } });
  await settled(sender, 'sendable', ['sender_error'], sender);
  return {
    sender,
    send: message => {
      const body: unknown = message.body;
      sender.send(Array.isArray(body) ? { ...message, body: ways.list(body) } : message);
    },
  };
}

export function openReceiver(
  connection: Connection,
  key: string,
  receive: (context: EventContext) => void,
): Promise<Receiver> {
  const receiver = connection.open_receiver({ source: waysOf(connection).source(key) });
  receiver.on('message', receive);
  return settled(receiver, 'receiver_open', ['receiver_error'], receiver);
}

interface Emitter {
  once(event: string, listener: (context: EventContext) => void): unknown;
}

function settled<T>(emitter: Emitter, good: string, bad: readonly string[], value: T): Promise<T> {
  return new Promise((resolve, reject) => {
    emitter.once(good, () => resolve(value));
    for (const event of bad) {
      emitter.once(event, () => reject(new Error(`bare rhea: ${event}`)));
    }
  });
}
