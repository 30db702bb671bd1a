import type { AmqpError, Receiver, Sender } from 'rhea';
import { textLimits } from '../value/text-limits.js';
import {
  grantedCapabilities,
  grantedProperties,
  limitExceeded,
  type Node,
  resolveNode,
  subscriptionKey,
} from './attach.js';
import type { Client } from './clients.js';
import type { BindEvent } from '../message/bind-event.js';
import type { Exchange } from './exchange.js';
import { type FaultSwitches, faultText } from './faults/index.js';
import type { NodeRegistry } from './node-registry.js';
import { type Destination, maxKeyBytes } from './publisher-link.js';
import type { BrokerQueue } from './queue.js';
import { keyTaken } from './rights.js';
import { linkInternals } from './rhea-internals.js';
import { echoedFilter, subjectFilter, type WantedNode, wantedSource, wantedTarget } from './terminus.js';

/** Links as the peer sees them: a receiver of the peer is a sender of ours. */
export interface AttachEnvironment {
  readonly nodes: NodeRegistry;
  readonly client: Client;
  readonly containerId: string;
  readonly faults: FaultSwitches;
  /** A queue was bound. */
  readonly bound: (event: Pick<BindEvent, 'exchange' | 'key' | 'queue'>) => void;
}

export type ConsumerAttach =
  | { readonly is: 'refused'; readonly error: AmqpError }
  | {
      readonly is: 'attached';
      readonly queue: BrokerQueue;
      /** The node that was asked for. */
      readonly address: string;
      /** Whether deliveries go out settled. */
      readonly settled: boolean;
      /** Whether this link made the queue. */
      readonly created: boolean;
    };

export type PublisherAttach =
  | { readonly is: 'refused'; readonly error: AmqpError }
  | { readonly is: 'attached'; readonly destination: Destination; readonly created: boolean };

/** Decides over the attach of a receiving peer, and fills in the answer. */
export function attachConsumer(link: Sender, environment: AttachEnvironment): ConsumerAttach {
  const wanted = wantedSource(link);
  if (wanted.kind === 'none' || wanted.kind === 'relay') {
    return refusal('amqp:precondition-failed', 'No source specified!');
  }
  const tooLong = longName(link, wanted, environment, subjectFilter(link)?.key);
  if (tooLong !== undefined) return tooLong;
  const fault = environment.faults.onAttach('receiver', addressOf(wanted));
  if (fault !== undefined) return refusal(fault.condition, fault.description ?? faultText);
  const resolution = resolveNode(
    wanted,
    generatedName(link, environment),
    environment.nodes,
    environment.client,
  );
  if (resolution.is === 'refused') return resolution;
  const { node } = resolution;
  linkInternals(link).local.attach.snd_settle_mode = link.snd_settle_mode;
  link.set_target({ address: addressFrom(link.target) });
  return node.kind === 'queue'
    ? consumeQueue(link, wanted, node, environment)
    : subscribe(link, wanted, node.exchange, environment);
}

function consumeQueue(
  link: Sender,
  wanted: NamedOrDynamic,
  node: Node & { kind: 'queue' },
  { nodes, client }: AttachEnvironment,
): ConsumerAttach {
  const taken = exclusivelyTaken(node.queue);
  if (taken !== undefined) return taken;
  if (subjectFilter(link) !== undefined || link.source.distribution_mode === 'copy') {
    return refusal('amqp:not-implemented', 'Filtering or browsing a queue is not supported');
  }
  nodes.adopt(node.queue, client);
  link.set_source({ ...answerTo(wanted, node), address: node.queue.name, distribution_mode: 'move' });
  return {
    is: 'attached',
    queue: node.queue,
    address: node.queue.name,
    // Everybody can read a plain queue, so deliveries count as settled only if the receiver says so (qpidd).
    settled: link.snd_settle_mode === 1,
    created: node.created,
  };
}

function subscribe(
  link: Sender,
  wanted: NamedOrDynamic,
  exchange: Exchange,
  environment: AttachEnvironment,
): ConsumerAttach {
  const { nodes, client } = environment;
  const shared = wanted.wishes.capabilities.includes('shared');
  const { key, echo } = subscriptionKey(exchange, subjectFilter(link));
  if (Buffer.byteLength(key) > maxKeyBytes) {
    return refusal('amqp:invalid-field', `A binding key has at most ${maxKeyBytes} bytes`);
  }
  const { rights, maker } = client;
  const denied = rights?.bind(exchange, key);
  if (denied !== undefined) return { is: 'refused', error: denied };
  if (rights?.owns(exchange, key) === true && exchange.boundBy(key, other => other !== maker)) {
    return { is: 'refused', error: keyTaken(exchange, key) };
  }
  const name = shared ? link.name : generatedName(link, environment);
  const known = nodes.queue(name);
  if (rights !== undefined && known !== undefined && known.maker !== maker) {
    return { is: 'refused', error: rights.useQueue(name) };
  }
  const queue = nodes.ensureQueue(
    name,
    {
      lifetime: { until: link.source.expiry_policy === 'never' ? 'deleted' : 'unused' },
      access: shared ? 'shared' : 'exclusive',
    },
    client,
  );
  if (queue === undefined) return { is: 'refused', error: limitExceeded('queues') };
  const taken = exclusivelyTaken(queue);
  if (taken !== undefined) return taken;
  nodes.adopt(queue, client);
  if (!exchange.bind(queue, key)) {
    if (known === undefined) nodes.deleteQueue(queue);
    return { is: 'refused', error: limitExceeded('bindings') };
  }
  environment.bound({ exchange: exchange.name, key, queue: queue.name });
  link.set_source({
    ...answerTo(wanted, { kind: 'exchange', exchange }),
    address: exchange.name,
    ...(echo === undefined ? {} : { filter: echoedFilter(echo) }),
  });
  return {
    is: 'attached',
    queue,
    address: exchange.name,
    settled: shared ? link.snd_settle_mode === 1 : link.snd_settle_mode !== 0,
    created: false,
  };
}

function exclusivelyTaken(queue: BrokerQueue): ConsumerAttach | undefined {
  if (queue.access !== 'exclusive' || queue.consumers === 0) return undefined;
  // Not amqp:resource-locked, which would fit better: qpidd says this.
  return refusal('amqp:internal-error', `Queue ${queue.name} has an exclusive consumer already`);
}

/** Decides over the attach of a sending peer, and fills in the answer. */
export function attachPublisher(link: Receiver, environment: AttachEnvironment): PublisherAttach {
  const wanted = wantedTarget(link);
  if (wanted.kind === 'none') return refusal('amqp:precondition-failed', 'No target specified!');
  const tooLong = longName(link, wanted, environment);
  if (tooLong !== undefined) return tooLong;
  const fault = environment.faults.onAttach('sender', addressOf(wanted));
  if (fault !== undefined) return refusal(fault.condition, fault.description ?? faultText);
  link.set_source({ address: addressFrom(link.source) });
  if (wanted.kind === 'relay') {
    link.set_target({ address: '' });
    return { is: 'attached', destination: { kind: 'relay' }, created: false };
  }
  const resolution = resolveNode(
    wanted,
    generatedName(link, environment),
    environment.nodes,
    environment.client,
  );
  if (resolution.is === 'refused') return resolution;
  const { node } = resolution;
  const denied = node.kind === 'exchange' ? environment.client.rights?.attachTo(node.exchange) : undefined;
  if (denied !== undefined) return { is: 'refused', error: denied };
  const address = node.kind === 'queue' ? node.queue.name : node.exchange.name;
  if (node.kind === 'queue') environment.nodes.adopt(node.queue, environment.client);
  link.set_target({ ...answerTo(wanted, node), address });
  return { is: 'attached', destination: node, created: node.kind === 'queue' && node.created };
}

type NamedOrDynamic = WantedNode & { kind: 'named' | 'dynamic' };

/** What of its wishes the peer is granted, as fields of a source or target. */
function answerTo(wanted: NamedOrDynamic, node: Node) {
  const capabilities = grantedCapabilities(node, wanted.wishes.capabilities);
  const properties = grantedProperties(node, wanted.wishes);
  return {
    dynamic: wanted.kind === 'dynamic',
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(properties === undefined ? {} : { dynamic_node_properties: properties }),
  };
}

/** Names that a peer chooses become names of queues and keys of bindings. */
function longName(
  { name }: Sender | Receiver,
  wanted: WantedNode,
  { containerId }: AttachEnvironment,
  key = '',
): { is: 'refused'; error: AmqpError } | undefined {
  const names = { 'link name': name, 'container id': containerId, address: addressOf(wanted), key };
  for (const [what, text] of Object.entries(names)) {
    if (text.length > textLimits.address)
      return refusal('amqp:invalid-field', `The ${what} is longer than ${textLimits.address} characters`);
  }
  return undefined;
}

function generatedName(link: Sender | Receiver, { containerId }: AttachEnvironment): string {
  return `${containerId}_${link.name}`;
}

function addressOf(wanted: WantedNode): string {
  return wanted.kind === 'named' ? wanted.address : '';
}

/** The address of the other end of the link, which is the peer's own business and goes back as it came. */
function addressFrom(terminus: unknown): string {
  if (typeof terminus !== 'object' || terminus === null || !('address' in terminus)) return '';
  return typeof terminus.address === 'string' ? terminus.address : '';
}

function refusal(condition: string, description: string): { is: 'refused'; error: AmqpError } {
  return { is: 'refused', error: { condition, description } };
}
