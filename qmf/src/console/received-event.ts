import type { EventItem } from '../data/data-item.js';
import type { EventClass, ValuesOf } from '../schema/declare.js';
import { decodeValues } from '../schema/native.js';
import type { Severity } from '../schema/types.js';
import { mapToPlain, type PlainMap } from '../value/convert.js';
import type { ValueMap } from '../value/value.js';

/** An event as a console gets it. */
export interface ReceivedEvent {
  /** Name of the agent that raised it. */
  readonly agent: string;
  readonly packageName: string;
  readonly className: string;
  readonly severity: Severity;
  /** Nanoseconds since 1970, by the agent's clock; 0 where it gave none. */
  readonly timestamp: bigint;
  readonly values: PlainMap;
  /** The values as they came, with their types. */
  readonly wireValues: ValueMap;
  /** Application properties of its message; headers in AMQP 0-x. */
  readonly properties: ValueMap;
}

/** An event of a class that was declared in TypeScript. */
export interface TypedEvent<C extends EventClass> extends Omit<ReceivedEvent, 'values'> {
  readonly values: ValuesOf<C>;
}

export function receivedEvent(agent: string, item: EventItem, properties: ValueMap): ReceivedEvent {
  return {
    agent,
    packageName: item.schemaId?.packageName ?? '',
    className: item.schemaId?.className ?? '',
    severity: item.severity,
    timestamp: item.timestamp,
    values: mapToPlain(item.values),
    wireValues: item.values,
    properties,
  };
}

/**
 * The event typed, if it is of that class. Package and class decide, not the hash: an agent with more fields in the class is
 * still understood.
 */
export function asTyped<C extends EventClass>(
  event: ReceivedEvent,
  eventClass: C,
): TypedEvent<C> | undefined {
  const { id, properties } = eventClass.schema;
  if (event.className !== id.className || event.packageName !== id.packageName) return undefined;
  // Decoded by the very declaration that ValuesOf<C> is computed from; fields that an agent left out stay missing.
  return { ...event, values: decodeValues(properties, event.wireValues) as ValuesOf<C> };
}
