import { type ConsoleAgent, QmfError, type TypedObject } from '@imagefactory/qmf';
import { type BuildAdaptorOnBus, isTerminal } from '@imagefactory/schema';

/** Why a build has failed. */
export interface FailureReason {
  /** A stable word for the cause. */
  readonly type: string;
  /** One readable line. */
  readonly info: string;
}

/** How a build stands, as its agent answered. */
export interface Standing {
  readonly status: string;
  readonly percent: number;
  /** Path or name of the result; empty unless it is COMPLETED. */
  readonly finishedImage: string;
  /** Of a build that has failed; agents of 2011 tell it by an event alone. */
  readonly failure?: FailureReason;
  /** When that changed last: nanoseconds since 1970 by the agent's clock, 0 where it doesn't say. */
  readonly at: bigint;
}

/** What an adaptor says, as it was read last. */
export function standingOf({ values, updateTime }: TypedObject<typeof BuildAdaptorOnBus>): Standing {
  const { status, percent_complete: percent, failure_type: type, failure_info: info = '' } = values;
  return {
    status,
    percent,
    finishedImage: status === 'COMPLETED' ? values.finished_image : '',
    at: updateTime,
    ...(type === undefined || type === '' ? {} : { failure: { type, info } }),
  };
}

export function isOver({ status }: Pick<Standing, 'status'>): boolean {
  return isTerminal(status);
}

/** Whether an agent has answered that it does not know the object; C++ agents do so by an exception. */
export function isUnknown(error: unknown): boolean {
  return (
    error instanceof QmfError &&
    (error.code === 'schema_unknown' || (error.code === 'agent_exception' && error.agentCode === 1))
  );
}

/** Whether builds of the agent may fail without their status saying so, as those of 2011 do: they have no state for it. */
export function hasFailedUnseen({ info }: ConsoleAgent): boolean {
  return info.start === undefined;
}
