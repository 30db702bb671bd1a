import type { DataAddress } from '../data/data-address.js';
import type { QueryRequest } from '../message/query.js';
import { parsePredicate, parseQuery, type Predicate, predicateToValue } from '../query/index.js';
import type { DataClass } from '../schema/declare.js';

/**
 * What can be asked for: a query in text form such as `{class:Widget, package:'com.example'}`, one object by its address, a
 * class with or without a predicate, or a query as it goes over the wire.
 */
export type QueryInput =
  | string
  | { readonly address: DataAddress }
  | {
      readonly className: string;
      /** Default `''`, which our agents and the broker take for any package; C++ agents find nothing then. */
      readonly packageName?: string;
      readonly where?: Predicate | string;
    }
  | QueryRequest;

/** @throws QmfError `invalid_query` that says where */
export function toQueryRequest(input: QueryInput): QueryRequest {
  if (typeof input === 'string') {
    const query = parseQuery(input);
    return classRequest(query.package, query.class, query.where);
  }
  if ('what' in input) return input;
  if ('address' in input) return { what: 'OBJECT', objectId: input.address };
  const where = typeof input.where === 'string' ? parsePredicate(input.where) : input.where;
  return classRequest(input.packageName ?? '', input.className, where);
}

export function classQuery(dataClass: DataClass, where?: Predicate): QueryRequest {
  const { packageName, className } = dataClass.schema.id;
  return classRequest(packageName, className, where);
}

/** Without a hash: objects of every version of the class are wanted. */
function classRequest(packageName: string, className: string, where: Predicate | undefined): QueryRequest {
  return {
    what: 'OBJECT',
    schemaId: { packageName, className, kind: '_data' },
    ...(where === undefined ? {} : { where: predicateToValue(where) }),
  };
}
