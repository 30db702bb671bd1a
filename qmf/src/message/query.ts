import { addressFromValue, addressToValue, type DataAddress } from '../data/data-address.js';
import { QmfError } from '../errors.js';
import type { SchemaId } from '../schema/schema.js';
import { schemaIdFromValue, schemaIdToValue } from '../schema/wire.js';
import { textOf } from '../value/text.js';
import { shownText } from '../value/text-limits.js';
import type { Value, ValueList, ValueMap } from '../value/value.js';

export const queryTargets = ['OBJECT', 'OBJECT_ID', 'SCHEMA', 'SCHEMA_ID'] as const;
export type QueryTarget = (typeof queryTargets)[number];

/** A query as it travels (wire document §3.3). */
export interface QueryRequest {
  readonly what: QueryTarget;
  readonly objectId?: DataAddress;
  /** Package and class may be `''`, which our agent takes for "any" (§9.16). */
  readonly schemaId?: SchemaId;
  /** Predicate in list form, not checked yet. */
  readonly where?: ValueList;
}

export function queryToValue(query: QueryRequest): ValueMap {
  const map = new Map<string, Value>([['_what', query.what]]);
  if (query.objectId !== undefined) map.set('_object_id', addressToValue(query.objectId));
  if (query.schemaId !== undefined) map.set('_schema_id', schemaIdToValue(query.schemaId));
  if (query.where !== undefined) map.set('_where', query.where);
  return map;
}

/** @throws QmfError `invalid_query` that names the key and what is expected there */
export function queryFromValue(map: ValueMap): QueryRequest {
  const word = textOf(map.get('_what'));
  const what = queryTargets.find(target => target === word);
  if (what === undefined) {
    throw new QmfError(
      'invalid_query',
      `Query is Invalid: _what is ${word === undefined ? 'missing' : `'${shownText(word)}'`}; it must be one of ${queryTargets.join(', ')}`,
    );
  }
  const where = map.get('_where') ?? undefined;
  if (where !== undefined && !Array.isArray(where)) {
    throw new QmfError(
      'invalid_query',
      'Query is Invalid: _where must be a list such as ["eq", "name", ["quote", "left"]]',
    );
  }
  return {
    what,
    ...(hasMap(map, '_object_id')
      ? { objectId: readPart(() => addressFromValue(map.get('_object_id'))) }
      : {}),
    ...(hasMap(map, '_schema_id')
      ? { schemaId: readPart(() => schemaIdFromValue(map.get('_schema_id'))) }
      : {}),
    ...(where === undefined ? {} : { where: where as ValueList }), // Array.isArray does not narrow readonly arrays
  };
}

function hasMap(map: ValueMap, key: string): boolean {
  return (map.get(key) ?? null) !== null;
}

function readPart<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new QmfError('invalid_query', `Query is Invalid: ${QmfError.from(error, 'invalid_query').message}`);
  }
}
