/** What every process of the bench answers. Members are properties, so that their types are compared strictly. */
export interface Role {
  /** Connects to the broker and settles when the role can be used. */
  readonly start: (argument: { readonly broker: string }) => Promise<void>;
  /** Resident memory in bytes, after a garbage collection. */
  readonly memory: (argument: Record<string, never>) => Promise<number>;
}

/** Answers calls and queries, sends events: the QMF agent, or bare rhea in its place. */
export interface Responder extends Role {
  /** Sends `count` events, at most `window` of them not yet accepted by the broker. Gives the {@link clock} at the first. */
  readonly raise: (argument: { readonly count: number; readonly window: number }) => Promise<number>;
}

/** Calls, asks and listens: the QMF console, or bare rhea in its place. */
export interface Requester extends Role {
  readonly calls: (argument: { readonly count: number; readonly inFlight: number }) => Promise<CallFigures>;
  /** Asks for all objects, `count` times one after the other. */
  readonly queries: (argument: { readonly count: number }) => Promise<QueryFigures>;
  /** Starts counting events. */
  readonly expectEvents: (argument: { readonly count: number }) => Promise<void>;
  /** Settles when all expected events have come. Gives the {@link clock} at the last. */
  readonly eventsReceived: (argument: Record<string, never>) => Promise<number>;
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

export interface QueryFigures {
  /** Milliseconds that one query took, the median. */
  readonly milliseconds: number;
  readonly objects: number;
}

/** Milliseconds on a clock that all processes of a machine share. */
export function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
