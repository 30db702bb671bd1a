import { addressFromValue, addressToValue, type DataAddress } from '../data/data-address.js';
import { QmfError } from '../errors.js';
import { mapOf } from '../value/text.js';
import { nameOf } from '../value/text-limits.js';
import type { Value, ValueMap } from '../value/value.js';

/** A method call (wire document §3.5). */
export interface MethodRequest {
  /** Absent: a method of the agent itself. */
  readonly objectId?: DataAddress;
  readonly method: string;
  readonly arguments: ValueMap;
}

export function methodRequestToValue(request: MethodRequest): ValueMap {
  const map = new Map<string, Value>();
  if (request.objectId !== undefined) map.set('_object_id', addressToValue(request.objectId));
  map.set('_method_name', request.method);
  map.set('_arguments', request.arguments);
  return map;
}

/** @throws QmfError `malformed_message` that names the key */
export function methodRequestFromValue(map: ValueMap): MethodRequest {
  const method = nameOf(map.get('_method_name'), '_method_name');
  if (method === undefined)
    throw new QmfError('malformed_message', '_method_name: the name of a method is expected');
  const given = map.get('_arguments') ?? null;
  const args = given === null ? new Map<string, Value>() : mapOf(given);
  if (args === undefined) throw new QmfError('malformed_message', '_arguments: a map is expected');
  const hasObject = (map.get('_object_id') ?? null) !== null;
  return {
    method,
    arguments: args,
    ...(hasObject ? { objectId: addressFromValue(map.get('_object_id')) } : {}),
  };
}

/** `_arguments` is always there, even if empty: the Python console raises without it (§9.20). */
export function methodResponseToValue(outputs: ValueMap): ValueMap {
  return new Map<string, Value>([['_arguments', outputs]]);
}

export function methodResponseFromValue(map: ValueMap): ValueMap {
  return mapOf(map.get('_arguments')) ?? new Map<string, Value>();
}
