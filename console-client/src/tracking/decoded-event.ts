import {
  addressFromPlain,
  asTyped,
  type EventClass,
  type ReceivedEvent,
  type TypedEvent,
} from '@imagefactory/qmf';
import {
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
  sequenceOf,
} from '@imagefactory/schema';
import type { AddressedChange, BuildChange } from './build-change.js';

/** Characters of the longest name of an adaptor and of the longest status that are read. */
const LONGEST_NAME = 255;
const LONGEST_STATUS = 64;

/** An event that is decoded once, however many readers it has. */
export class DecodedEvent {
  readonly #typed = new Map<EventClass, unknown>();
  /** The change of a build that the event announces; `undefined` for other events. */
  readonly change: AddressedChange | undefined;

  /** @param change of an event that is made here and not received */
  constructor(
    readonly event: ReceivedEvent,
    change?: AddressedChange,
  ) {
    this.change = change ?? changeOf(this);
  }

  /** The event typed, if it is of that class. */
  as<C extends EventClass>(eventClass: C): TypedEvent<C> | undefined {
    const { className, packageName } = eventClass.schema.id;
    if (this.event.className !== className || this.event.packageName !== packageName) return undefined;
    if (!this.#typed.has(eventClass)) this.#typed.set(eventClass, asTyped(this.event, eventClass));
    // Put there two lines above, for the same class.
    return this.#typed.get(eventClass) as TypedEvent<C> | undefined;
  }
}

/** An event with the change that it announces. */
export interface Announcement {
  readonly decoded: DecodedEvent;
  readonly addressed: AddressedChange;
}

/** The change that an event announces; `undefined` for events that belong to no build. */
function changeOf(decoded: DecodedEvent): AddressedChange | undefined {
  const { event } = decoded;
  const status = decoded.as(BuildAdaptorStatusEvent)?.values;
  if (status !== undefined) {
    const { addr, new_status, old_status: oldStatus } = status;
    if (new_status.length > LONGEST_STATUS) return undefined;
    return addressed(event, addr, { kind: 'status', status: new_status, oldStatus, caughtUp: false });
  }
  const percent = decoded.as(BuildAdaptorPercentCompleteEvent)?.values;
  if (percent !== undefined) {
    return addressed(event, percent.addr, {
      kind: 'percent',
      percent: percent.percent_complete,
      caughtUp: false,
    });
  }
  const failure = decoded.as(BuildFailedEvent)?.values;
  if (failure === undefined) return undefined;
  const { addr, type, info } = failure;
  return addressed(event, addr, { kind: 'failure', type, info, caughtUp: false });
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
  const sequence = sequenceOf(event);
  return {
    address: { ...address, agentName: event.agent },
    change: sequence === undefined ? change : { ...change, sequence },
    at: event.timestamp,
  };
}
