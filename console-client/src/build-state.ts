import { type AgentGoneReason, type ConsoleAgent, type DataAddress, QmfError } from '@imagefactory/qmf';

/** Where a query has found out that a build failed, which tells no reason. */
export const REASON_MISSED = 'its reason was told while the bus was away; see the log of the build';

/** How a build stands. */
export type BuildState =
  | { readonly kind: 'running' }
  | { readonly kind: 'completed'; readonly finishedImage: string }
  | { readonly kind: 'failed'; readonly type: string; readonly info: string }
  /** The agent no longer tells: it was restarted or is gone. How the build ended is not known. */
  | { readonly kind: 'lost'; readonly reason: QmfError };

/** The end of a build that did not make an image. */
export class BuildFailedError extends Error {
  override readonly name = 'BuildFailedError';
  constructor(
    readonly address: DataAddress,
    /** The agent's word for the cause. */
    readonly type: string,
    info: string,
  ) {
    super(info);
  }
}

const goneWords: Readonly<Record<AgentGoneReason, string>> = {
  aged: 'has been silent for too long',
  filtered: 'is filtered out now',
  evicted: 'had to make room for other agents',
};

/** The agent left the bus, which itself is there. */
export function goneAgent(agent: ConsoleAgent, reason: AgentGoneReason): QmfError {
  return new QmfError(
    'agent_unknown',
    `${agent.name} ${goneWords[reason]}, while the bus is there; how the build ends is not known`,
  );
}

/** The agent answers, and knows nothing of the build. */
export function unknownTo({ agentName, objectName }: DataAddress, restarted: boolean): QmfError {
  const text = restarted ? 'was restarted and does not know' : 'does not know';
  return new QmfError(
    'agent_unknown',
    `${agentName} ${text} ${objectName} any more; how it ended is not known`,
  );
}
