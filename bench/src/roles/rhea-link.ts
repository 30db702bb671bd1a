import rhea, { type Connection, type EventContext, type Receiver, type Sender } from 'rhea';
import { TOPIC } from './rhea-messages.js';

const DIRECT_BINDING = 0x468c00000000;
const TOPIC_BINDING = 0x468c00000001;

/** A plain rhea connection, set up as the QMF transport sets its own up. */
export function connect(broker: string): Promise<Connection> {
  const { hostname, port } = new URL(broker.replace(/^amqp:/, 'http:'));
  const options = {
    transport: 'tcp' as const,
    host: hostname,
    port: port === '' ? 5672 : Number(port),
    username: 'anonymous',
    reconnect: false as const,
    tcp_no_delay: true,
  };
  const connection = rhea.create_container().connect(options);
  return settled(connection, 'connection_open', ['connection_error', 'disconnected'], connection);
}

export function openSender(connection: Connection): Promise<Sender> {
  const sender = connection.open_sender({ target: { address: TOPIC } });
  return settled(sender, 'sendable', ['sender_error'], sender);
}

export function openReceiver(
  connection: Connection,
  key: string,
  receive: (context: EventContext) => void,
): Promise<Receiver> {
  const descriptor = key.includes('#') ? TOPIC_BINDING : DIRECT_BINDING;
  const filter: unknown = rhea.types.wrap_described(key, descriptor);
  const receiver = connection.open_receiver({
    // rhea's typings know no described values.
    source: { address: TOPIC, filter: { 'subject-filter': filter as object } },
  });
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
