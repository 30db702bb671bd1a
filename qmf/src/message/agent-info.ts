import { bigintOf, integerOf, mapOf } from '../value/text.js';
import { nameOf, textLimits } from '../value/text-limits.js';
import { uint32, uint64, type Value, type ValueMap } from '../value/value.js';

/** Of our own: no part of QMF. */
const START_ATTRIBUTE = 'imagefactory.start';

/** What an agent says of itself in heartbeats and locate answers (wire document §3.2). */
export interface AgentInfo {
  readonly vendor: string;
  readonly product: string;
  readonly instance: string;
  /** Seconds between heartbeats. */
  readonly heartbeatInterval: number;
  /** Number of the agent's start; it grows with each. */
  readonly epoch: number;
  /** Tells this start from every other, also of a copy with the same name and epoch; our agents alone say it. */
  readonly start?: string;
  /** Nanoseconds since 1970 when the message was sent. */
  readonly timestamp: bigint;
  /** When the agent's schemas last changed; the broker's agent doesn't say. */
  readonly schemaUpdated?: bigint;
  /** Routing key for requests; without one they go to the direct exchange, key = agent name. */
  readonly directSubject?: string;
  /** 1 and above: answers QMFv2 schema queries. */
  readonly capability: number;
  /** Everything, as received: what filters are evaluated on. */
  readonly attributes: ValueMap;
}

/** Attributes that stay the same between messages; locate predicates see only these (§3.1). */
export function stableAttributes(info: {
  readonly vendor: string;
  readonly product: string;
  readonly instance: string;
  readonly directSubject: string;
  readonly more: ValueMap;
}): ValueMap {
  return new Map<string, Value>([
    ...info.more,
    ['_vendor', info.vendor],
    ['_product', info.product],
    ['_instance', info.instance],
    ['_name', `${info.vendor}:${info.product}:${info.instance}`],
    ['_direct_subject', info.directSubject],
    ['qmf.agent_capability', uint32(1)],
  ]);
}

/** Attributes of the moment, added to every message. */
export function volatileAttributes(now: {
  readonly timestamp: bigint;
  readonly heartbeatInterval: number;
  readonly epoch: number;
  readonly schemaUpdated: bigint;
  readonly start?: string;
}): ValueMap {
  return new Map<string, Value>([
    ['_timestamp', uint64(now.timestamp)],
    ['_heartbeat_interval', uint32(now.heartbeatInterval)],
    ['_epoch', uint32(now.epoch)],
    ['_schema_updated', uint64(now.schemaUpdated)],
    ...(now.start === undefined ? [] : [[START_ATTRIBUTE, now.start] as const]),
  ]);
}

/**
 * Reads the body of a heartbeat or locate answer; old spellings without the underscore count too.
 *
 * @throws QmfError `malformed_message` for a name or key that is too long
 */
export function agentInfoFromValue(map: ValueMap): AgentInfo {
  const attributes = mapOf(map.get('_values')) ?? map;
  const schemaUpdated = bigintOf(attributes.get('_schema_updated'));
  const directSubject = nameOf(attributes.get('_direct_subject'), '_direct_subject', textLimits.address);
  const start = nameOf(attributes.get(START_ATTRIBUTE), START_ATTRIBUTE);
  return {
    vendor: nameOf(attributes.get('_vendor'), '_vendor') ?? '',
    product: nameOf(attributes.get('_product'), '_product') ?? '',
    instance: nameOf(attributes.get('_instance'), '_instance') ?? '',
    heartbeatInterval:
      integerOf(attributes.get('_heartbeat_interval') ?? attributes.get('heartbeat_interval')) ?? 60,
    epoch: integerOf(attributes.get('_epoch') ?? attributes.get('epoch')) ?? 0,
    timestamp: bigintOf(attributes.get('_timestamp') ?? attributes.get('timestamp')) ?? 0n,
    capability: integerOf(attributes.get('qmf.agent_capability')) ?? 0,
    attributes,
    ...(schemaUpdated === undefined ? {} : { schemaUpdated }),
    ...(directSubject === undefined ? {} : { directSubject }),
    ...(start === undefined ? {} : { start }),
  };
}
