import { QmfError } from '../errors.js';
import { integerOf, mapOf, textOf } from '../value/text.js';
import { int64, type Value, type ValueMap } from '../value/value.js';
import { queryFromValue, queryToValue, type QueryRequest } from './query.js';

/** Asks for objects again and again (wire document §3.9). */
export interface SubscribeRequest {
  readonly query: QueryRequest;
  /** Milliseconds between publications; absent: as the agent likes. */
  readonly interval?: number;
  /** Seconds until the subscription ends by itself; absent: as the agent likes. */
  readonly duration?: number;
}

/** What the agent granted. */
export interface SubscribeResponse {
  readonly subscriptionId: string;
  readonly interval: number;
  readonly duration: number;
}

export function subscribeRequestToValue(request: SubscribeRequest): ValueMap {
  const map = new Map<string, Value>([['_query', queryToValue(request.query)]]);
  if (request.interval !== undefined) map.set('_interval', int64(request.interval));
  if (request.duration !== undefined) map.set('_duration', int64(request.duration));
  return map;
}

/** @throws QmfError `invalid_query` */
export function subscribeRequestFromValue(map: ValueMap): SubscribeRequest {
  const query = mapOf(map.get('_query'));
  if (query === undefined) throw new QmfError('invalid_query', '_query: a query map is expected');
  const interval = integerOf(map.get('_interval'));
  const duration = integerOf(map.get('_duration'));
  return {
    query: queryFromValue(query),
    ...(interval === undefined ? {} : { interval }),
    ...(duration === undefined ? {} : { duration }),
  };
}

export function subscribeResponseToValue(response: SubscribeResponse): ValueMap {
  return new Map<string, Value>([
    ['_subscription_id', response.subscriptionId],
    ['_duration', int64(response.duration)],
    ['_interval', int64(response.interval)],
  ]);
}

/** `undefined` for an answer without an id, which means refused. */
export function subscribeResponseFromValue(map: ValueMap): SubscribeResponse | undefined {
  const subscriptionId = textOf(map.get('_subscription_id'));
  if (subscriptionId === undefined) return undefined;
  return {
    subscriptionId,
    interval: integerOf(map.get('_interval')) ?? 0,
    duration: integerOf(map.get('_duration')) ?? 0,
  };
}

/** Body of refresh and cancel indications. */
export function subscriptionRefToValue(subscriptionId: string, duration?: number): ValueMap {
  const map = new Map<string, Value>([['_subscription_id', subscriptionId]]);
  if (duration !== undefined) map.set('_duration', int64(duration));
  return map;
}
