import { randomUUID } from 'node:crypto';
import { brokerRefusals, QmfError } from '../errors.js';
import { type AgentInfo, agentInfoFromValue } from '../message/agent-info.js';
import { readMapBody } from '../message/content.js';
import { correlationText, type Envelope } from '../message/envelope.js';
import { agentOf, opcodeOf } from '../message/headers.js';
import type { SessionLog } from '../session/session-log.js';

/** Another agent on the bus with the same name, as after an image directory was copied: each call reaches both. */
export interface Namesake {
  readonly epoch: number;
  /** Absent for one that does not say it, and then does not look for others of its name. */
  readonly start?: string;
  /** Whether it is on this agent to take another name. The other comes to the opposite answer. */
  readonly yields: boolean;
}

export interface NamesakeParts {
  readonly name: () => string;
  /** Tells this start from others; later ones are greater. */
  readonly start: string;
  /** Asks whoever listens at our own address to show up, with the answer to that address. */
  readonly ask: (correlationId: string) => Promise<void>;
  /** Sends a heartbeat, by which the other one finds out too. */
  readonly showUp: () => void;
  readonly onNamesake: (other: Namesake) => void;
  readonly log: SessionLog;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** Milliseconds that one has to answer, and before another heartbeat leads to a question. */
const PATIENCE = 5_000;

/**
 * Finds out that another agent has our name. A heartbeat can be sent by many, so it is only the occasion for a question, which goes where just
 * an agent of this name listens. Where the broker lets agents send no requests, it lets others send no heartbeats, and these are believed.
 */
export class Namesakes {
  #question: { readonly id: string; readonly at: number } | undefined;

  constructor(private readonly parts: NamesakeParts) {}

  /** Whether the message belongs to this and to nobody else. */
  receive(envelope: Envelope): boolean {
    const { name, start } = this.parts;
    switch (opcodeOf(envelope.headers)) {
      case '_agent_heartbeat_indication':
        if (agentOf(envelope.headers) !== name()) return true;
        if (infoOf(envelope).start !== start) this.#ask(infoOf(envelope));
        return true;
      case '_agent_locate_response': {
        if (correlationText(envelope) !== this.#question?.id) return true;
        const other = infoOf(envelope);
        if (agentOf(envelope.headers) === name() && other.start !== start) this.#found(other);
        return true;
      }
      default:
        return false;
    }
  }

  #ask(claimed: AgentInfo): void {
    const { ask, showUp, now, log } = this.parts;
    if (this.#question !== undefined && now() - this.#question.at < PATIENCE) return;
    const question = { id: randomUUID(), at: now() };
    this.#question = question;
    showUp();
    ask(question.id).catch((error: unknown) => {
      const { code, message } = QmfError.from(error, 'connection_lost');
      if (brokerRefusals.has(code)) this.#found(claimed);
      else log.debug(`another agent of this name could not be asked for: ${message}`);
    });
  }

  #found({ epoch, start }: AgentInfo): void {
    const yields = start === undefined || this.parts.start > start;
    this.parts.onNamesake({ epoch, yields, ...(start === undefined ? {} : { start }) });
  }
}

function infoOf(envelope: Envelope): AgentInfo {
  return agentInfoFromValue(readMapBody(envelope));
}
