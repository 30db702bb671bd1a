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

import type { FailureReason } from './standing.js';

/** Events as an agent would have raised them, made from its answers to what was asked after a gap. */
export const filledIn = {
  status: (address: DataAddress, at: bigint, from: string, to: string): ReceivedEvent =>
    event(address, at, BuildAdaptorStatusEvent, {
      addr: addressToPlain(address),
      event: 'STATUS',
      new_status: to,
      old_status: from,
    }),
  percent: (address: DataAddress, at: bigint, percent: number): ReceivedEvent =>
    event(address, at, BuildAdaptorPercentCompleteEvent, {
      addr: addressToPlain(address),
      event: 'PERCENTAGE',
      percent_complete: percent,
    }),
  failure: (address: DataAddress, at: bigint, { type, info }: FailureReason): ReceivedEvent =>
    event(address, at, BuildFailedEvent, {
      addr: addressToPlain(address),
      event: 'FAILURE',
      type,
      info,
    }),
};

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
