import type { ConsoleAgent } from './console-agent.js';

/** How much a console remembers of agents, which anybody on the bus can invent. */
export interface AgentLimits {
  /** Agents. */
  readonly count: number;
  /** Bytes of the attributes of all of them. */
  readonly bytes: number;
  /** Bytes of the attributes of one. */
  readonly bytesEach: number;
}

export const defaultAgentLimits: AgentLimits = { count: 2_000, bytes: 8 << 20, bytesEach: 16 << 10 };

/** An agent with what the console notes of it. */
export interface KnownAgent {
  readonly agent: ConsoleAgent;
  /** Milliseconds of the session's clock. */
  lastSeen: number;
  /** Messages in which it told of itself. */
  heard: number;
  /** Bytes of its attributes. */
  size: number;
  /** Whether it is being asked who it is. */
  isAsked: boolean;
  contestedAt: number;
  /** Runs that were found to share its name. */
  shared: readonly string[];
  warnedAt: number;
}

/** The agents that a console knows, within bounds. */
export class AgentTable {
  readonly #agents = new Map<string, KnownAgent>();
  #bytes = 0;

  constructor(private readonly limits: AgentLimits) {}

  get size(): number {
    return this.#agents.size;
  }

  get(name: string): KnownAgent | undefined {
    return this.#agents.get(name);
  }

  all(): KnownAgent[] {
    return [...this.#agents.values()];
  }

  add(known: KnownAgent): void {
    this.#agents.set(known.agent.name, known);
    this.#bytes += known.size;
  }

  resize(known: KnownAgent, size: number): void {
    this.#bytes += size - known.size;
    known.size = size;
  }

  remove(name: string): KnownAgent | undefined {
    const known = this.#agents.get(name);
    if (known === undefined) return undefined;
    this.#agents.delete(name);
    this.#bytes -= known.size;
    return known;
  }

  /**
   * The agent that has to go before another of that size can come: of those that were never called and never answered, one that has told of
   * itself only once, else the one that was silent for longest.
   *
   * @returns `none` when there is room, `full` when all that are known are in use
   */
  mustGo(size: number): KnownAgent | 'none' | 'full' {
    if (this.#agents.size < this.limits.count && this.#bytes + size <= this.limits.bytes) return 'none';
    let least: KnownAgent | undefined;
    for (const known of this.#agents.values()) {
      if (!known.agent.isInUse && (least === undefined || isWorthLess(known, least))) least = known;
    }
    return least ?? 'full';
  }
}

function isWorthLess(one: KnownAgent, other: KnownAgent): boolean {
  const [isNew, otherIsNew] = [one.heard < 2, other.heard < 2];
  return isNew === otherIsNew ? one.lastSeen < other.lastSeen : isNew;
}
