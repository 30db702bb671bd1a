import type { BodyForm } from '../message/envelope.js';
import { parsePredicate, type Predicate } from '../query/index.js';
import type { SessionLog } from '../session/session-log.js';
import type { AgentLimits } from './agent-table.js';

export interface ConsoleOptions {
  /** QMF domain, default `default`. */
  readonly domain?: string;
  /** Only agents whose attributes match are known, e.g. `[eq, _product, [quote, imagefactory]]`. */
  readonly agentFilter?: Predicate | string;
  /** Milliseconds of silence after which an agent is dropped, if that is more than three of its heartbeats. Default 5 min. */
  readonly maxAgentAge?: number;
  /** Forces the form of requests; by default the transport knows what its broker needs. */
  readonly bodyForm?: BodyForm;
  /** Milliseconds that a request may take unless it says otherwise. Default 60 000. */
  readonly requestTimeout?: number;
  /**
   * The user that method calls are sent as, for agents that ask who calls. Brokers that check it refuse everybody but the user who has
   * logged in. The key for answers bears this name too, for brokers that give each user keys of its own (docs/brokers.md). Default: none.
   */
  readonly userId?: string;
  /** Send nothing to the direct exchange (wire document §7.1). Default false. */
  readonly strictSecurity?: boolean;
  /** How many agents are remembered, and how much of them; default 2 000 and 8 MiB. */
  readonly agentLimits?: Partial<AgentLimits>;
  /** Milliseconds that a known agent has to contradict another that takes its name. Default 2 000. */
  readonly claimPatience?: number;
  readonly log?: SessionLog;
  /** Milliseconds of a clock that never goes back; for tests. */
  readonly now?: () => number;
}

export function toPredicate(filter: Predicate | string | undefined): Predicate | undefined {
  const predicate = typeof filter === 'string' ? parsePredicate(filter) : filter;
  return predicate?.op === 'true' ? undefined : predicate;
}
