import {
  addressToPlain,
  type DataAddress,
  type EventClass,
  mapToPlain,
  type ReceivedEvent,
  toValue,
  type Value,
  type ValuesOf,
} from '@imagefactory/qmf';
import {
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
} from '@imagefactory/schema';
import type { AddressedChange } from './build-change.js';
import { type Announcement, DecodedEvent } from './decoded-event.js';

/** An event as an agent would have raised it, made from its answer to a question after a gap. */
export function filledIn(addressed: AddressedChange): Announcement {
  return { decoded: new DecodedEvent(eventOf(addressed), addressed), addressed };
}

function eventOf({ address, at, change }: AddressedChange): ReceivedEvent {
  const addr = addressToPlain(address);
  switch (change.kind) {
    case 'status':
      return event(address, at, BuildAdaptorStatusEvent, {
        ...{ addr, event: 'STATUS' },
        ...{ new_status: change.status, old_status: change.oldStatus },
      });
    case 'percent':
      return event(address, at, BuildAdaptorPercentCompleteEvent, {
        ...{ addr, event: 'PERCENTAGE', percent_complete: change.percent },
      });
    case 'failure':
      return event(address, at, BuildFailedEvent, {
        ...{ addr, event: 'FAILURE', type: change.type, info: change.info },
      });
  }
}

function event<C extends EventClass>(
  { agentName }: DataAddress,
  timestamp: bigint,
  { schema }: C,
  values: ValuesOf<C>,
): ReceivedEvent {
  const wireValues = new Map<string, Value>(
    // What the three classes hold is texts, whole numbers and maps of these.
    Object.entries(values).map(([name, value]) => [
      name,
      toValue(value as Parameters<typeof toValue>[0], name),
    ]),
  );
  const { packageName, className } = schema.id;
  return {
    agent: agentName,
    packageName,
    className,
    severity: schema.defaultSeverity,
    timestamp,
    values: mapToPlain(wireValues),
    wireValues,
    properties: new Map(),
  };
}
