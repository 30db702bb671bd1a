import {
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
  isTerminal,
} from '@imagefactory/schema';
import { addressFromPlain, asTyped, type DataAddress, type ReceivedEvent } from '@imagefactory/qmf';

/** One change of a build, as its watchers see it. */
export type BuildChange =
  | {
      readonly kind: 'status';
      /** A word of the agent's: one of `BuildStatus` from our agent. */
      readonly status: string;
      readonly oldStatus: string;
      /** Path or name of the result; only with `COMPLETED`. */
      readonly finishedImage?: string;
      /** Read back by a query, because no event told of it: the bus was away, it was lost, or watching began later. */
      readonly caughtUp: boolean;
      /** Only with an end that the agent has announced and not confirmed within 5 s. */
      readonly confirmed?: false;
    }
  | { readonly kind: 'percent'; readonly percent: number; readonly caughtUp: boolean }
  | {
      readonly kind: 'failure';
      /** A stable word for the cause. */
      readonly type: string;
      /** One readable line. */
      readonly info: string;
      readonly caughtUp: boolean;
      /** As with a status. */
      readonly confirmed?: false;
    };

/** A change with the build that it belongs to. */
export interface AddressedChange {
  readonly address: DataAddress;
  readonly change: BuildChange;
  /** When the agent raised it: nanoseconds since 1970 by its clock, 0 where it gave none. */
  readonly at: bigint;
}

/** Characters of the longest name of an adaptor and of the longest status that are read. */
const LONGEST_NAME = 255;
const LONGEST_STATUS = 64;

/** Whether a change says that its build is over. */
export function isEnd(change: BuildChange): boolean {
  return change.kind === 'failure' || (change.kind === 'status' && isTerminal(change.status));
}

/** The change that an event tells of; `undefined` for events that are no build's. */
export function changeOf(event: ReceivedEvent): AddressedChange | undefined {
  const status = asTyped(event, BuildAdaptorStatusEvent);
  if (status !== undefined) {
    if (status.values.new_status.length > LONGEST_STATUS) return undefined;
    return addressed(event, status.values.addr, {
      kind: 'status',
      status: status.values.new_status,
      oldStatus: status.values.old_status,
      caughtUp: false,
    });
  }
  const percent = asTyped(event, BuildAdaptorPercentCompleteEvent);
  if (percent !== undefined) {
    return addressed(event, percent.values.addr, {
      kind: 'percent',
      percent: percent.values.percent_complete,
      caughtUp: false,
    });
  }
  const failure = asTyped(event, BuildFailedEvent);
  if (failure !== undefined) {
    const { addr, type, info } = failure.values;
    return addressed(event, addr, { kind: 'failure', type, info, caughtUp: false });
  }
  return undefined;
}

/** Agents of other makes may raise events without a usable address, which belong to no build. No agent raises events of another agent's builds. */
function addressed(
  event: ReceivedEvent,
  addr: Parameters<typeof addressFromPlain>[0],
  change: BuildChange,
): AddressedChange | undefined {
  const name = addr._object_name;
  if (typeof name !== 'string' || name.length > LONGEST_NAME) return undefined;
  const address = addressFromPlain(addr);
  if (address.agentName !== '' && address.agentName !== event.agent) return undefined;
  return { address: { ...address, agentName: event.agent }, change, at: event.timestamp };
}
