import { QmfError } from '../errors.js';
import { schemaIdFromValue, schemaIdToValue } from '../schema/wire.js';
import type { SchemaId } from '../schema/schema.js';
import { isSeverity, Severity } from '../schema/types.js';
import { bigintOf, integerOf, mapOf } from '../value/text.js';
import { int32, uint64, type Value, type ValueMap } from '../value/value.js';
import { addressFromValue, addressToValue, type DataAddress } from './data-address.js';

/** An object as agents send it: in query answers, subscriptions and unsolicited indications (wire document §4.3). */
export interface DataItem {
  readonly values: ValueMap;
  readonly address?: DataAddress;
  readonly schemaId?: SchemaId;
  /** Nanoseconds since 1970. */
  readonly createTime?: bigint;
  readonly updateTime?: bigint;
  /** Above 0: the object was deleted then. */
  readonly deleteTime?: bigint;
}

/** An event (§4.6). */
export interface EventItem {
  readonly values: ValueMap;
  readonly schemaId?: SchemaId;
  readonly severity: Severity;
  /** Nanoseconds since 1970; 0 where the agent gave none. */
  readonly timestamp: bigint;
}

export function dataItemToValue(item: DataItem): ValueMap {
  const map = new Map<string, Value>();
  if (item.address !== undefined) map.set('_object_id', addressToValue(item.address));
  if (item.schemaId !== undefined) map.set('_schema_id', schemaIdToValue(item.schemaId));
  map.set('_values', item.values);
  if (item.createTime !== undefined) map.set('_create_ts', uint64(item.createTime));
  if (item.updateTime !== undefined) map.set('_update_ts', uint64(item.updateTime));
  if (item.deleteTime !== undefined) map.set('_delete_ts', uint64(item.deleteTime));
  return map;
}

/** @throws QmfError `malformed_message` */
export function dataItemFromValue(value: Value): DataItem {
  const map = itemMap(value);
  const createTime = bigintOf(map.get('_create_ts'));
  const updateTime = bigintOf(map.get('_update_ts'));
  const deleteTime = bigintOf(map.get('_delete_ts'));
  return {
    values: mapOf(map.get('_values')) ?? new Map<string, Value>(),
    ...(map.has('_object_id') ? { address: addressFromValue(map.get('_object_id')) } : {}),
    ...(map.has('_schema_id') ? { schemaId: schemaIdFromValue(map.get('_schema_id')) } : {}),
    ...(createTime === undefined ? {} : { createTime }),
    ...(updateTime === undefined ? {} : { updateTime }),
    ...(deleteTime === undefined ? {} : { deleteTime }),
  };
}

export function eventItemToValue(item: EventItem): ValueMap {
  const map = new Map<string, Value>();
  if (item.schemaId !== undefined) map.set('_schema_id', schemaIdToValue(item.schemaId));
  map.set('_values', item.values);
  map.set('_severity', int32(item.severity));
  map.set('_timestamp', uint64(item.timestamp));
  return map;
}

/** @throws QmfError `malformed_message` */
export function eventItemFromValue(value: Value): EventItem {
  const map = itemMap(value);
  const severity = integerOf(map.get('_severity'));
  return {
    values: mapOf(map.get('_values')) ?? new Map<string, Value>(),
    ...(map.has('_schema_id') ? { schemaId: schemaIdFromValue(map.get('_schema_id')) } : {}),
    severity: isSeverity(severity) ? severity : Severity.NOTICE,
    timestamp: bigintOf(map.get('_timestamp')) ?? 0n,
  };
}

function itemMap(value: Value): ValueMap {
  const map = mapOf(value);
  if (map === undefined) throw new QmfError('malformed_message', 'a list item is no map');
  return map;
}
