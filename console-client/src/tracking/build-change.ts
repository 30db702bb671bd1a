import type { DataAddress } from '@imagefactory/qmf';
import { isTerminal } from '@imagefactory/schema';

/** How a change of a build came to be known. */
export interface ChangeOrigin {
  /**
   * Read back by a query, because no event announced it: the bus was away, it was lost, or watching began later. Without a {@link sequence} it is the
   * difference to the state before, and changes between the two may be missing.
   */
  readonly caughtUp: boolean;
  /** Of its event in the store of the agent: grows with time, over all builds of the agent. Absent where the agent keeps none. */
  readonly sequence?: number;
}

/** One change of a build. */
export type BuildChange = ChangeOrigin &
  (
    | {
        readonly kind: 'status';
        /** A word of the agent's: one of `BuildStatus` from our agent. */
        readonly status: string;
        readonly oldStatus: string;
        /** Path or name of the result; only with `COMPLETED`. */
        readonly finishedImage?: string;
        /** Only with an end that the agent has announced and not confirmed within 5 s. */
        readonly confirmed?: false;
      }
    | { readonly kind: 'percent'; readonly percent: number }
    | {
        readonly kind: 'failure';
        /** A stable word for the cause. */
        readonly type: string;
        /** One readable line. */
        readonly info: string;
        /** As with a status. */
        readonly confirmed?: false;
      }
  );

/** A change with the build that it belongs to. */
export interface AddressedChange {
  readonly address: DataAddress;
  readonly change: BuildChange;
  /** When the agent raised it: nanoseconds since 1970 by its clock, 0 where it gave none. */
  readonly at: bigint;
}

/** The build's agent and adaptor; the epoch adds nothing, since names of adaptors are never used again. */
export function keyOf({ agentName, objectName }: DataAddress): string {
  return `${agentName}\n${objectName}`;
}

export type StatusChange = BuildChange & { readonly kind: 'status' };
export type FailureChange = BuildChange & { readonly kind: 'failure' };

/** Whether a change says that its build is over. */
export function isEnd(change: BuildChange): boolean {
  return change.kind === 'failure' || (change.kind === 'status' && isTerminal(change.status));
}
