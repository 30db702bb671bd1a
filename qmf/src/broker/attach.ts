import type { AmqpError } from 'rhea';
import type { Client } from './clients.js';
import type { Exchange } from './exchange.js';
import type { SaidError } from './faults/index.js';
import type { NodeRegistry } from './node-registry.js';
import type { BrokerQueue, QueueLifetime } from './queue.js';
import {
  directFilterCode,
  lifetimePolicy,
  type NodeWishes,
  type SubjectFilter,
  topicFilterCode,
  wantedBounds,
  type WantedNode,
  wantedExchangeType,
} from './terminus.js';

/** The node that an attach leads to. */
export type Node =
  | { readonly kind: 'exchange'; readonly exchange: Exchange }
  | { readonly kind: 'queue'; readonly queue: BrokerQueue; readonly created: boolean };

export type Resolution =
  | { readonly is: 'node'; readonly node: Node }
  | { readonly is: 'refused'; readonly error: AmqpError };

/**
 * Finds the node for a source or target as qpidd does (wire document §1.5): the capabilities `queue` and `topic` say which kind
 * is meant, `create-on-demand` and dynamic make what is missing, and a name that is both is taken to be the queue.
 *
 * @param dynamicName name that a dynamic node gets
 */
export function resolveNode(
  wanted: WantedNode & { kind: 'named' | 'dynamic' },
  dynamicName: string,
  nodes: NodeRegistry,
  client: Client,
): Resolution {
  const name = wanted.kind === 'named' ? wanted.address : dynamicName;
  if (Buffer.byteLength(name) > maxNameBytes) {
    return refused('amqp:invalid-field', `The name of a node has at most ${maxNameBytes} bytes`);
  }
  const { wishes } = wanted;
  const asked = (capability: string) => wishes.capabilities.includes(capability);
  const both = asked('topic') && asked('queue');
  const topicWanted = asked('topic') && !both;
  const queueWanted = asked('queue') && !both;
  const exchange = queueWanted ? undefined : nodes.exchange(name);
  const queue = topicWanted ? undefined : nodes.queue(name);
  const create = wanted.kind === 'dynamic' || asked('create-on-demand');
  if (exchange !== undefined && create && topicWanted && otherType(wishes, exchange)) {
    return refused('amqp:precondition-failed', 'Exchange of different type already exists');
  }
  if (queue !== undefined) {
    const denied = client.rights !== undefined && queue.maker !== client.maker;
    return denied
      ? { is: 'refused', error: client.rights.useQueue(name) }
      : found({ kind: 'queue', queue, created: false });
  }
  if (exchange !== undefined) return found({ kind: 'exchange', exchange });
  if (!create) return refused('amqp:not-found', `Node not found: ${name}`);
  if (client.rights !== undefined) return { is: 'refused', error: client.rights.create() };
  if (topicWanted) return createExchange(name, wishes, nodes, client);
  const kind = { lifetime: queueLifetime(wanted), access: 'shared' } as const;
  const made = nodes.ensureQueue(name, kind, client, wantedBounds(wishes));
  if (made === undefined) return { is: 'refused', error: limitExceeded('queues') };
  return found({ kind: 'queue', queue: made, created: true });
}

/** Bytes of the name of a node: a container id and the name of a link, at most (performative-check.ts, session-guard.ts). */
const maxNameBytes = 1024;

/** The error for a client that has used up its share of something. */
export function limitExceeded(what: string): SaidError {
  return {
    condition: 'amqp:resource-limit-exceeded',
    description: `This client may have no more ${what}: close some, or raise "limits" of the broker`,
  };
}

function otherType(wishes: NodeWishes, exchange: Exchange): boolean {
  const wanted = wantedExchangeType(wishes);
  switch (wanted.is) {
    case 'unsaid':
      return false;
    case 'known':
      return wanted.type !== exchange.type;
    case 'unknown':
      return wanted.type !== exchange.type;
  }
}

function createExchange(name: string, wishes: NodeWishes, nodes: NodeRegistry, client: Client): Resolution {
  const wanted = wantedExchangeType(wishes);
  if (wanted.is === 'unknown') {
    return refused(
      'amqp:not-implemented',
      `Exchange type ${wanted.type} is not supported; use topic or direct`,
    );
  }
  const type = wanted.is === 'known' ? wanted.type : 'topic';
  const exchange = nodes.exchangeOnDemand(name, type, client);
  if (exchange === undefined) return { is: 'refused', error: limitExceeded('exchanges') };
  return found({ kind: 'exchange', exchange });
}

/** Dynamic queues go when nobody uses them unless the peer asked for something else; queues made on demand stay. */
function queueLifetime({ kind, wishes }: WantedNode & { kind: 'named' | 'dynamic' }): QueueLifetime {
  const policy = lifetimePolicy(wishes);
  if (policy === 'delete-on-close') return { until: 'link-closed' };
  const autoDelete = wishes.properties?.get('auto-delete');
  if (policy === 'other' || autoDelete === true) return { until: 'unused' };
  return kind === 'dynamic' && autoDelete !== false ? { until: 'unused' } : { until: 'deleted' };
}

/** The key that a subscription binds with, and the filter that goes back to the peer. */
export interface SubscriptionKey {
  readonly key: string;
  /** Undefined on the management exchanges, where qpidd echoes none. */
  readonly echo: SubjectFilter | undefined;
}

/** The name under which qpidd echoes the filter that it put in by itself. */
const defaultFilterName = 'default-subject-filter';

/** What a subscription's filter means on an exchange of this type, with qpidd's default where there is none. */
export function subscriptionKey(exchange: Exchange, filter: SubjectFilter | undefined): SubscriptionKey {
  switch (exchange.type) {
    case 'topic': {
      const echo = filter ?? { name: defaultFilterName, key: '#', descriptor: topicFilterCode };
      return { key: echo.key, echo };
    }
    case 'direct': {
      const echo =
        filter === undefined
          ? { name: defaultFilterName, key: '', descriptor: directFilterCode }
          : { ...filter, descriptor: asDirect(filter.descriptor) };
      return { key: echo.key, echo };
    }
    case 'management-topic':
    case 'management-direct':
      return { key: filter?.key ?? '', echo: undefined };
  }
}

/** On a direct exchange qpidd takes a topic filter for a direct one, and says so in the echo. */
function asDirect(descriptor: number | string | undefined): number | string | undefined {
  if (descriptor === topicFilterCode) return directFilterCode;
  return descriptor === 'apache.org:legacy-amqp-topic-binding:string'
    ? 'apache.org:legacy-amqp-direct-binding:string'
    : descriptor;
}

/** The capabilities of those asked for that the node has; one as a symbol, several as a list, as qpidd does. */
export function grantedCapabilities(node: Node, asked: readonly string[]): string | string[] | undefined {
  const granted = asked.filter(capability => grants(node, capability));
  return granted.length > 1 ? granted : granted[0];
}

function grants(node: Node, capability: string): boolean {
  switch (capability) {
    case 'create-on-demand':
      return true;
    case 'queue':
      return node.kind === 'queue';
    case 'topic':
    case 'shared':
      return node.kind === 'exchange';
    case 'legacy-amqp-topic-binding':
      return node.kind === 'queue' || node.exchange.type === 'topic';
    case 'legacy-amqp-direct-binding':
      return node.kind === 'queue' || node.exchange.type === 'direct';
    default:
      return false;
  }
}

/** The node properties that go back when the peer sent some. */
export function grantedProperties(node: Node, wishes: NodeWishes): Record<string, unknown> | undefined {
  if (wishes.properties === undefined) return undefined;
  const properties: Record<string, unknown> = {
    'supported-dist-modes': node.kind === 'exchange' ? 'copy' : 'move',
  };
  if (node.kind === 'exchange') {
    if (wantedExchangeType(wishes).is !== 'unsaid') properties['exchange-type'] = node.exchange.type;
    if (wishes.properties.has('auto-delete')) properties['auto-delete'] = false;
  }
  return properties;
}

function found(node: Node): Resolution {
  return { is: 'node', node };
}

function refused(condition: string, description: string): Resolution {
  return { is: 'refused', error: { condition, description } };
}
