import { QmfError } from '../errors.js';
import { mapToPlain, type PlainMap } from '../value/convert.js';
import { integerOf, mapOf } from '../value/text.js';
import { nameOf, textLimits } from '../value/text-limits.js';
import { uint32, type Value, type ValueMap } from '../value/value.js';

/** Names one managed object (wire document §4.1) by its agent and its name; for telling objects apart the epoch does not count, as in C++ agents. */
export interface DataAddress {
  /** Full agent name `vendor:product:instance`; `''` where the sender left it out. */
  readonly agentName: string;
  /** Unique within the agent. */
  readonly objectName: string;
  /** Start count of the agent, for objects that die with that run; 0 for persistent ones. */
  readonly agentEpoch: number;
}

export function addressToValue(address: DataAddress): ValueMap {
  const map = new Map<string, Value>([
    ['_agent_name', address.agentName],
    ['_object_name', address.objectName],
  ]);
  if (address.agentEpoch > 0) map.set('_agent_epoch', uint32(address.agentEpoch));
  return map;
}

/** @throws QmfError `malformed_message` for a value that is no map or has no `_object_name`. */
export function addressFromValue(value: Value | undefined, what = '_object_id'): DataAddress {
  const map = mapOf(value);
  const objectName = nameOf(map?.get('_object_name'), '_object_name', textLimits.objectName);
  if (map === undefined || objectName === undefined) {
    throw new QmfError('malformed_message', `${what}: a map with _object_name is expected`);
  }
  return {
    agentName: nameOf(map.get('_agent_name'), '_agent_name') ?? '',
    objectName,
    agentEpoch: integerOf(map.get('_agent_epoch')) ?? 0,
  };
}

/** The address as programs see it inside method results and events. */
export function addressToPlain(address: DataAddress): PlainMap {
  return mapToPlain(addressToValue(address));
}

/**
 * Reads an address out of a method result or an event.
 *
 * @throws QmfError `invalid_argument` when the map is no address.
 */
export function addressFromPlain(map: PlainMap): DataAddress {
  const { _agent_name: agentName, _object_name: objectName, _agent_epoch: agentEpoch } = map;
  if (typeof objectName !== 'string') {
    throw new QmfError('invalid_argument', 'an object address needs the text _object_name');
  }
  return {
    agentName: typeof agentName === 'string' ? agentName : '',
    objectName,
    agentEpoch: typeof agentEpoch === 'number' ? agentEpoch : 0,
  };
}
