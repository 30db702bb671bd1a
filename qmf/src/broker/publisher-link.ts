import type { AmqpError, Delivery } from 'rhea';
import { QmfError } from '../errors.js';
import { addressFromText } from '../message/envelope.js';
import type { Client } from './clients.js';
import type { Exchange } from './exchange.js';
import { type FaultSwitches, faultText, type PublishFault, type SaidError } from './faults/index.js';
import { type BrokerMessage, readMessage } from './message.js';
import type { NodeRegistry } from './node-registry.js';
import type { BrokerQueue } from './queue.js';

/** Where the messages of a sending link go. */
export type Destination =
  | { readonly kind: 'exchange'; readonly exchange: Exchange }
  | { readonly kind: 'queue'; readonly queue: BrokerQueue }
  /** The `to` of each message says where (anonymous relay). */
  | { readonly kind: 'relay' };

/** What became of a message; `link-error` ends the link that it came by. */
export type PublishResult =
  | { readonly is: 'accepted' }
  | { readonly is: 'released' }
  | { readonly is: 'rejected'; readonly error: AmqpError }
  | { readonly is: 'link-error'; readonly error: AmqpError }
  // The rest are faults.
  | { readonly is: 'modified'; readonly undeliverableHere: boolean }
  | { readonly is: 'unanswered' }
  | { readonly is: 'cut' }
  | { readonly is: 'later'; readonly milliseconds: number; readonly result: () => PublishResult }
  | { readonly is: 'detach' | 'end-session' | 'close'; readonly error: SaidError | undefined };

/** Bytes of a key, and of an address of a message, as in AMQP 0-x and 0-9-1. */
export const maxKeyBytes = 255;

const accepted: PublishResult = { is: 'accepted' };
const released: PublishResult = { is: 'released' };

export interface PublishContext {
  readonly nodes: NodeRegistry;
  readonly now: () => number;
  /** Messages must carry its name if they carry one, where it has one. */
  readonly client: Client;
  readonly faults: FaultSwitches;
}

/** Routes one message as it came off the wire. */
export function publish(bytes: Buffer, destination: Destination, context: PublishContext): PublishResult {
  let message: BrokerMessage;
  try {
    message = readMessage(bytes, context.now(), context.client);
  } catch (error) {
    return rejection('amqp:decode-error', QmfError.from(error, 'malformed_message').message);
  }
  const tooLong = [message.subject, message.to].find(text => Buffer.byteLength(text) > maxKeyBytes);
  if (tooLong !== undefined) {
    return rejection(
      'amqp:invalid-field',
      `The subject and to of a message have at most ${maxKeyBytes} bytes`,
    );
  }
  const { name } = context.client;
  if (name !== undefined && message.userId !== '' && message.userId !== name) {
    return linkError('amqp:not-allowed', 'The user-id of a message must be the authenticated user');
  }
  const routed = (): PublishResult => route(message, destination, context);
  if (!context.faults.watchesPublications) return routed();
  const { subject, to } = message;
  const fault = context.faults.onPublish({
    address: addressOf(destination),
    subject,
    to,
    bytes: message.bytes,
  });
  return misbehave(fault, routed);
}

function misbehave(fault: PublishFault, routed: () => PublishResult): PublishResult {
  switch (fault) {
    case 'none':
      return routed();
    case 'drop':
      return accepted;
    case 'release':
      return released;
    case 'reject':
      return rejection('amqp:internal-error', faultText);
    case 'modify':
      return { is: 'modified', undeliverableHere: false };
    case 'never-settle':
      routed();
      return { is: 'unanswered' };
    case 'swallow':
      return { is: 'unanswered' };
    case 'duplicate':
      routed();
      return routed();
    case 'cut':
      return { is: 'cut' };
  }
  switch (fault.do) {
    case 'reject':
      return { is: 'rejected', error: { description: faultText, ...fault.error } };
    case 'modify':
      return { is: 'modified', undeliverableHere: fault.undeliverableHere };
    case 'delay':
      return { is: 'later', milliseconds: fault.milliseconds, result: routed };
    case 'detach':
    case 'end-session':
    case 'close':
      return { is: fault.do, error: fault.error };
  }
}

/** Name of the exchange or queue; the empty string for the anonymous relay. */
export function addressOf(destination: Destination): string {
  switch (destination.kind) {
    case 'exchange':
      return destination.exchange.name;
    case 'queue':
      return destination.queue.name;
    case 'relay':
      return '';
  }
}

function route(message: BrokerMessage, destination: Destination, context: PublishContext): PublishResult {
  switch (destination.kind) {
    case 'exchange':
      return toExchange(message, destination.exchange, context);
    case 'queue':
      if (destination.queue.deleted) return linkError('amqp:resource-deleted', 'The queue has been deleted');
      return destination.queue.enqueue(message) ? accepted : released;
    case 'relay':
      return relay(message, context);
  }
}

/** Every queue that has room gets the message, even if another one is full. A message for nobody is accepted. */
function toExchange(message: BrokerMessage, exchange: Exchange, context: PublishContext): PublishResult {
  const { rights } = context.client;
  const denied = rights?.publish(exchange, message, answersReach(message, context));
  // Not the end of the link, which the other messages of a relay may use.
  if (denied !== undefined) return { is: 'rejected', error: denied };
  let result = accepted;
  for (const queue of exchange.route(message.subject)) {
    if (!queue.enqueue(message)) result = released;
  }
  return result;
}

/** Whether the reply-to of a message, read as an agent reads it, is a key that the client has bound, or a queue of its own. */
function answersReach({ replyTo }: BrokerMessage, { nodes, client }: PublishContext): boolean {
  if (replyTo === '') return true;
  const { node, subject } = addressFromText(replyTo);
  const { maker } = client;
  if (subject === undefined) return nodes.queue(node)?.maker === maker;
  const exchange = nodes.exchange(node);
  return (
    exchange !== undefined &&
    nodes.queue(node) === undefined &&
    client.rights?.owns(exchange, subject) === true &&
    exchange.boundBy(subject, other => other === maker)
  );
}

/** `to` is looked up as it stands: `exchange/key` is no node, and like qpidd the relay swallows what has nowhere to go. */
function relay(message: BrokerMessage, context: PublishContext): PublishResult {
  const { nodes, client } = context;
  const queue = nodes.queue(message.to);
  if (queue !== undefined) {
    if (client.rights !== undefined && queue.maker !== client.maker) {
      return { is: 'rejected', error: client.rights.useQueue(message.to) };
    }
    return queue.enqueue(message) ? accepted : released;
  }
  const exchange = nodes.exchange(message.to);
  return exchange === undefined ? accepted : toExchange(message, exchange, context);
}

function rejection(condition: string, description: string): PublishResult {
  return { is: 'rejected', error: { condition, description } };
}

function linkError(condition: string, description: string): PublishResult {
  return { is: 'link-error', error: { condition, description } };
}

/** Tells the publisher. */
export function answer(delivery: Delivery, result: PublishResult): void {
  switch (result.is) {
    case 'accepted':
      delivery.accept();
      return;
    case 'released':
      delivery.release();
      return;
    case 'rejected':
    case 'link-error':
      delivery.reject(result.error);
      return;
    case 'modified':
      delivery.modified({ delivery_failed: true, undeliverable_here: result.undeliverableHere });
      return;
    case 'unanswered':
    case 'cut':
    case 'later':
    case 'detach':
    case 'end-session':
    case 'close':
      return;
  }
}
