import { randomUUID } from 'node:crypto';

import { type ConfirmChannel, connect } from 'amqplib';
import rhea, { type Connection, type Sender } from 'rhea';
import type { Publication } from './forgeries.js';

/** Where a message for a routing key of an exchange goes over AMQP 1.0 at a broker. */
export interface Destination {
  /** The link's target; absent for the anonymous relay. */
  readonly target?: string;
  readonly to?: string;
}

/** What became of a message: the broker's outcome, or how it cut its sender off. */
export type Fate = string;

/** Sends bytes as a message of AMQP 1.0, on a connection of its own, and gives the broker's word on it. */
export async function sendBytes(url: string, { target }: Destination, bytes: Buffer): Promise<Fate> {
  const { hostname, port, username, password } = new URL(url.replace(/^\w+:/, 'http:'));
  const container = rhea.create_container({ id: `forger-${randomUUID()}` });
  const connection = container.connect({
    host: hostname,
    port: Number(port),
    reconnect: false,
    username: username === '' ? 'anonymous' : decodeURIComponent(username),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  });
  const sender = connection.open_sender({
    name: randomUUID(),
    target: target === undefined ? {} : { address: target },
  });
  try {
    return await fateOf(connection, sender, bytes);
  } finally {
    connection.close();
  }
}

function fateOf(connection: Connection, sender: Sender, bytes: Buffer): Promise<Fate> {
  return new Promise(resolve => {
    sender.once('sendable', () => sender.send(bytes, undefined, 0));
    for (const outcome of ['accepted', 'released', 'rejected', 'modified'] as const)
      sender.on(outcome, () => resolve(outcome));
    for (const end of ['sender_error', 'sender_close'] as const) sender.on(end, () => resolve('link ended'));
    for (const end of [
      'session_error',
      'session_close',
      'connection_error',
      'connection_close',
      'disconnected',
      'error',
    ])
      connection.on(end, () => resolve(end));
    sender.on('error', () => resolve('error'));
  });
}

/** Has a channel send the property cluster-id, which amqplib leaves out, as an honest client does at RabbitMQ 4 (docs/brokers.md). */
function markOrigin(channel: ConfirmChannel): void {
  // Not in amqplib's typings; lib/channel.js has it.
  const inner = channel as unknown as {
    sendMessage(fields: object, properties: object, content: Buffer): boolean;
  };
  const send = inner.sendMessage.bind(channel);
  inner.sendMessage = (fields, properties, content) =>
    send(fields, { ...properties, clusterId: 'qmf' }, content);
}

/** Publishes over AMQP 0-9-1 on a connection of its own, and waits for the broker's confirmation or refusal. */
export async function publish(
  url: string,
  exchange: string,
  key: string,
  message: Publication,
): Promise<Fate> {
  const connection = await connect(url);
  connection.on('error', () => undefined);
  try {
    const channel = await connection.createConfirmChannel();
    markOrigin(channel);
    return await new Promise<Fate>(resolve => {
      channel.on('error', () => resolve('channel ended'));
      channel.on('close', () => resolve('channel ended'));
      channel.publish(exchange, key, message.content, message.properties, error => {
        resolve(error === null || error === undefined ? 'confirmed' : 'refused');
      });
    });
  } finally {
    await connection.close().catch(() => undefined); // the broker may have ended it
  }
}
