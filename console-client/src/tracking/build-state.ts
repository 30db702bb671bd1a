import { type AgentGoneReason, type ConsoleAgent, type DataAddress, QmfError } from '@imagefactory/qmf';

/** Where a query has found out that a build failed, and the agent is one that tells the reason by an event alone. */
export const REASON_MISSED = 'its reason was told while the bus was away; see the log of the build';

/** The state of a build as far as its agent has given it. */
export type EndedOrRunning =
  | { readonly kind: 'running' }
  /** `finishedImage` is empty where the agent names no image. */
  | { readonly kind: 'completed'; readonly finishedImage: string; readonly confirmed: boolean }
  | { readonly kind: 'failed'; readonly type: string; readonly info: string; readonly confirmed: boolean };

/** How a build stands. */
export type BuildState =
  | EndedOrRunning
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

/** The agent has said that the build is COMPLETED, and then has not said what came of it. */
export function unconfirmedImage({ agentName, objectName }: DataAddress): QmfError {
  return new QmfError(
    'timeout',
    `${agentName} has announced that ${objectName} is COMPLETED and has not confirmed it; what came of it is not known`,
  );
}

/** Type of the failure of a build that is COMPLETED and has no image. */
export const NO_IMAGE = 'NoImage';

export const NO_IMAGE_INFO =
  'the agent says that it is COMPLETED, and names no image; several agents may share its name, see its log';
