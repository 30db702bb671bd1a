import rhea, { type Receiver, type Sender } from 'rhea';
import type { ExchangeType } from './exchange.js';
import type { QueueBounds } from './queue.js';

/** The subject filter of a source, and how it is echoed. */
export interface SubjectFilter {
  readonly name: string;
  readonly key: string;
  readonly descriptor: number | string | undefined;
}

/** What a peer asks for in the source of a receiver or the target of a sender, read without trusting its types. */
export type WantedNode =
  | { readonly kind: 'none' }
  /** A target without address: the messages say where they go. */
  | { readonly kind: 'relay' }
  | { readonly kind: 'dynamic'; readonly wishes: NodeWishes }
  | { readonly kind: 'named'; readonly address: string; readonly wishes: NodeWishes };

export interface NodeWishes {
  readonly capabilities: readonly string[];
  /** Node properties; undefined where none were sent. */
  readonly properties: ReadonlyMap<string, unknown> | undefined;
}

export const topicFilterCode = 0x468c_0000_0001;
export const directFilterCode = 0x468c_0000_0000;
const subjectDescriptors: ReadonlySet<unknown> = new Set([
  topicFilterCode,
  directFilterCode,
  'apache.org:legacy-amqp-topic-binding:string',
  'apache.org:legacy-amqp-direct-binding:string',
]);

export function wantedSource(link: Sender): WantedNode {
  return wantedNode(link.source);
}

export function wantedTarget(link: Receiver): WantedNode {
  const wanted = wantedNode(link.target);
  return wanted.kind === 'named' && wanted.address === '' ? { kind: 'relay' } : wanted;
}

function wantedNode(terminus: unknown): WantedNode {
  // rhea hands out a missing terminus as a typed null.
  if (!isFields(terminus) || !('address' in terminus)) return { kind: 'none' };
  const wishes: NodeWishes = {
    capabilities: symbols(terminus['capabilities']),
    properties: entries(terminus['dynamic_node_properties']),
  };
  if (terminus['dynamic'] === true) return { kind: 'dynamic', wishes };
  const address = terminus['address'];
  return { kind: 'named', address: typeof address === 'string' ? address : '', wishes };
}

/** The first subject filter of a source; qpidd uses no more than one (wire document §1.5). */
export function subjectFilter(link: Sender): SubjectFilter | undefined {
  const source: unknown = link.source;
  const filters = isFields(source) ? entries(source['filter']) : undefined;
  for (const [name, value] of filters ?? []) {
    if (typeof value === 'string') return { name, key: value, descriptor: undefined };
    if (!isFields(value) || typeof value['value'] !== 'string') continue;
    const descriptor = isFields(value['descriptor']) ? value['descriptor']['value'] : undefined;
    if (!subjectDescriptors.has(descriptor)) continue;
    if (typeof descriptor === 'number' || typeof descriptor === 'string') {
      return { name, key: value['value'], descriptor };
    }
  }
  return undefined;
}

/** The filter map that goes back to the peer. */
export function echoedFilter(filter: SubjectFilter): Record<string, unknown> {
  const { name, key, descriptor } = filter;
  return { [name]: descriptor === undefined ? key : rhea.types.wrap_described(key, descriptor) };
}

export type WantedExchangeType =
  | { readonly is: 'unsaid' }
  | { readonly is: 'known'; readonly type: ExchangeType }
  | { readonly is: 'unknown'; readonly type: string };

/** The node property `exchange-type`. */
export function wantedExchangeType({ properties }: NodeWishes): WantedExchangeType {
  const type = properties?.get('exchange-type');
  if (typeof type !== 'string' || type === '') return { is: 'unsaid' };
  return type === 'topic' || type === 'direct' ? { is: 'known', type } : { is: 'unknown', type };
}

/** The descriptor of the node property `lifetime-policy` (AMQP 1.0, part 3 §3.5.10-13). */
export function lifetimePolicy({ properties }: NodeWishes): 'delete-on-close' | 'other' | 'unsaid' {
  const policy = properties?.get('lifetime-policy');
  if (!isFields(policy) || !isFields(policy['descriptor'])) return 'unsaid';
  const descriptor = policy['descriptor']['value'];
  return descriptor === 0x2b || descriptor === 'amqp:delete-on-close:list' ? 'delete-on-close' : 'other';
}

/** The queue bounds among the node properties, by qpidd's names. */
export function wantedBounds({ properties }: NodeWishes): Partial<QueueBounds> {
  const maxMessages = positive(properties?.get('qpid.max_count'));
  const maxBytes = positive(properties?.get('qpid.max_size'));
  const policy = properties?.get('qpid.policy_type');
  return {
    ...(maxMessages === undefined ? {} : { maxMessages }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(policy === 'ring' || policy === 'reject' ? { whenFull: policy } : {}),
  };
}

function positive(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && number > 0 ? number : undefined;
}

/** Fields of a composite as rhea makes them: accessors on an object, or a typed value. */
function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function symbols(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(plain).filter(item => typeof item === 'string') : [];
}

/** A map as rhea decodes it: an object, whose keys are own properties. */
function entries(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (!isFields(value) || Array.isArray(value) || value instanceof Uint8Array) return undefined;
  return new Map(Object.entries(value));
}

function plain(value: unknown): unknown {
  return isFields(value) && 'value' in value ? value['value'] : value;
}
