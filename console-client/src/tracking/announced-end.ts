import type { BuildChange, FailureChange, StatusChange } from './build-change.js';
import type { Announcement } from './decoded-event.js';
import type { Standing } from './standing.js';

/** The last status and the last failure among announcements. */
export function endsIn(held: readonly Announcement[]): {
  readonly announced: StatusChange | undefined;
  readonly reason: FailureChange | undefined;
} {
  const changes = held.map(({ addressed }) => addressed.change);
  return {
    announced: changes.findLast(change => change.kind === 'status'),
    reason: changes.findLast(change => change.kind === 'failure'),
  };
}

/** Whether an announcement is what the agent says itself. */
export function agrees(change: BuildChange, { status, failure }: Standing): boolean {
  if (change.kind === 'status') return change.status === status;
  if (change.kind !== 'failure' || status !== 'FAILED') return false;
  return failure === undefined || (failure.type === change.type && failure.info === change.info);
}
