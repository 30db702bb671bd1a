/** What every process of the bench answers. Members are properties, so that their types are compared strictly. */
export interface Role {
  /** Connects to the broker and settles when the role can be used. */
  /** @param instance by which a console finds its agent; the bare library has one partner only */
  readonly start: (argument: { readonly broker: string; readonly instance: string }) => Promise<void>;
  /** Resident memory in bytes, after a garbage collection. */
  readonly memory: (argument: Record<string, never>) => Promise<number>;
}

/** One end of an exchange that is compared. */
export interface Party extends Role {
  /** Processor time used so far, in milliseconds; the system's work for this process included. */
  readonly cpuTime: (argument: Record<string, never>) => Promise<number>;
}

/** Answers calls and queries, sends events: the QMF agent, or bare rhea in its place. */
export interface Responder extends Party {
  /** Sends `count` events, at most `window` of them not yet accepted by the broker. Gives the {@link clock} at the first. */
  readonly raise: (argument: { readonly count: number; readonly window: number }) => Promise<number>;
}

/** Calls, asks and listens: the QMF console, or bare rhea in its place. */
export interface Requester extends Party {
  readonly calls: (argument: { readonly count: number; readonly inFlight: number }) => Promise<CallFigures>;
  /** Asks for all objects, `count` times one after the other. */
  readonly queries: (argument: { readonly count: number }) => Promise<QueryFigures>;
  /** Starts counting events. */
  readonly expectEvents: (argument: { readonly count: number }) => Promise<void>;
  /** Settles when all expected events have come. Gives the {@link clock} at the last. */
  readonly eventsReceived: (argument: Record<string, never>) => Promise<number>;
}

/** The QMF agent, which can also keep sending. */
export interface QmfResponder extends Responder {
  /** Raises an event every `pause` milliseconds until the process ends; each tells the {@link clock} at which it was raised. */
  readonly drip: (argument: { readonly pause: number }) => Promise<void>;
}

/** The QMF console, which can also wait for one of the events of {@link QmfResponder.drip}. */
export interface QmfRequester extends Requester {
  /** Settles when an event has come that was raised at `time` or later. Gives the {@link clock} at that. */
  readonly nextEventSince: (argument: { readonly time: number }) => Promise<number>;
  /** Begins to keep so many calls going. */
  readonly flood: (argument: { readonly inFlight: number }) => Promise<void>;
  /** Begins to ask the costliest query again and again. */
  readonly askMuch: (argument: Record<string, never>) => Promise<void>;
  /** Ends either, and settles when nothing is under way. */
  readonly calm: (argument: Record<string, never>) => Promise<Outcomes>;
  /** Makes so many calls as fast as the broker takes them, without waiting for an answer, and settles when all have come to an end. */
  readonly callAtOnce: (argument: { readonly count: number }) => Promise<Outcomes>;
  /** Milliseconds of a query with one plain comparison, and of one as costly as may be. */
  readonly queryTimes: (
    argument: Record<string, never>,
  ) => Promise<{ readonly plain: number; readonly worst: number }>;
}

/** Passes bytes on between the fleet and the broker. */
export interface RelayRole {
  /** Gives the address under which the broker is reached through it. */
  readonly start: (argument: { readonly broker: string }) => Promise<string>;
  /** Ends all connections; new ones are let through at once. Gives the {@link clock}. */
  readonly cut: (argument: Record<string, never>) => Promise<number>;
}

/** A whole agent, with the mock plugins. */
export interface FactoryRole extends Role {
  /** Settles when everything is stopped and removed. */
  readonly stop: (argument: Record<string, never>) => Promise<void>;
}

/** A console that orders builds. */
export interface CustomerRole extends Role {
  /** Orders `count` builds, `inFlight` at a time, and waits for the end of each. Gives milliseconds. */
  readonly builds: (argument: { readonly count: number; readonly inFlight: number }) => Promise<number>;
  /** Orders `count` builds one after the other, and waits for all of them after that. Gives the milliseconds of each order until its answer. */
  readonly orders: (argument: { readonly count: number }) => Promise<readonly number[]>;
}

export interface BrokerRole {
  readonly start: (argument: Record<string, never>) => Promise<string>;
  readonly memory: (argument: Record<string, never>) => Promise<number>;
}

export interface CallFigures {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

/** Ends of requests. */
export interface Outcomes {
  readonly answered: number;
  /** By the agent, as more than the console's share. */
  readonly refused: number;
  /** By the broker, because the agent's queue was full. */
  readonly notTaken: number;
  /** In another way. */
  readonly failed: number;
}

export interface QueryFigures {
  /** Milliseconds that one query took, the median. */
  readonly milliseconds: number;
  readonly objects: number;
}

/** Milliseconds on a clock that all processes of a machine share. */
export function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
