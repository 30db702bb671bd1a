import type { AgentInfo } from '../message/agent-info.js';

/** Why an agent is no longer known. */
export type AgentGoneReason = 'aged' | 'filtered' | 'evicted';

/** What a console sees happen to agents. */
export type AgentChange<A> =
  | { readonly kind: 'added'; readonly agent: A }
  | { readonly kind: 'removed'; readonly agent: A; readonly reason: AgentGoneReason }
  /** A new run of the agent: what it knew is gone, calls to the old run stay unanswered. */
  | { readonly kind: 'restarted'; readonly agent: A; readonly oldEpoch: number; readonly newEpoch: number }
  | { readonly kind: 'schemaUpdated'; readonly agent: A }
  /** Another message than the agent's came under its name: at another address, of a start that it denies, or of an agent that shares the name. */
  | { readonly kind: 'contested'; readonly agent: A; readonly why: 'moved' | 'restart' | 'shared' };

/** Whether the later of two messages of the same run tells of a change of its classes (wire document §6.3). */
export function hasNewSchema(before: AgentInfo, after: AgentInfo): boolean {
  return (
    before.schemaUpdated !== undefined &&
    after.schemaUpdated !== undefined &&
    after.schemaUpdated > before.schemaUpdated
  );
}

/**
 * How long an agent may be silent, in milliseconds: the larger of the console's own patience and three heartbeats (§6.4).
 */
export function allowedSilence(info: AgentInfo, maxAgentAge: number): number {
  return Math.max(maxAgentAge, info.heartbeatInterval * 3_000);
}
