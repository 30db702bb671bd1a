/** How many message ids are remembered. */
export interface RecentLimits {
  /** Of one agent; more than its outbox sends again at once. */
  readonly perAgent: number;
  /** Of all agents together. */
  readonly total: number;
  /** Agents of which any are remembered. */
  readonly agents: number;
}

const defaultLimits: RecentLimits = { perAgent: 10_000, total: 100_000, agents: 4_000 };

/** Ids are short everywhere; a longer one is not worth its room. */
const LONGEST_ID = 256;

/** Ids in the order in which they came. A `Set` alone would pass over all the holes at its front to find its oldest. */
class Ids {
  readonly #known = new Set<string>();
  #order: string[] = [];
  #head = 0;

  get size(): number {
    return this.#known.size;
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  add(id: string): void {
    this.#known.add(id);
    this.#order.push(id);
  }

  forgetOldest(): void {
    const oldest = this.#order[this.#head++];
    if (oldest !== undefined) this.#known.delete(oldest);
    if (this.#head * 2 > this.#order.length + 1_024) {
      this.#order = this.#order.slice(this.#head);
      this.#head = 0;
    }
  }
}

/**
 * Remembers which messages of an agent were seen, so that one that the agent sent again after a broken connection is recognised by
 * its message id (wire document §6.7). The oldest ids of the agent that was silent for longest are forgotten first.
 */
export class RecentMessages {
  /** The agent heard of last comes last; within an agent, the id seen last. */
  readonly #agents = new Map<string, Ids>();
  readonly #limits: RecentLimits;
  #last: string | undefined;
  #size = 0;

  constructor(limits: Partial<RecentLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** Ids remembered at present. */
  get size(): number {
    return this.#size;
  }

  /** Whether the message was seen before; it counts as seen from now on. One without an id never was. */
  seen(agent: string, messageId: string | undefined): boolean {
    if (messageId === undefined || messageId === '' || messageId.length > LONGEST_ID) return false;
    const ids = this.#agents.get(agent) ?? new Ids();
    if (agent !== this.#last) {
      this.#agents.delete(agent);
      this.#agents.set(agent, ids);
      this.#last = agent;
    }
    if (ids.has(messageId)) return true;
    ids.add(messageId);
    this.#size++;
    if (ids.size > this.#limits.perAgent) this.#forgetOldest(agent, ids);
    else if (this.#size > this.#limits.total || this.#agents.size > this.#limits.agents) {
      const [[silent, oldest] = [agent, ids]] = this.#agents;
      if (this.#agents.size > this.#limits.agents) this.forget(silent);
      else this.#forgetOldest(silent, oldest);
    }
    return false;
  }

  /** A new run of an agent may count its ids from the start again. */
  forget(agent: string): void {
    this.#size -= this.#agents.get(agent)?.size ?? 0;
    this.#drop(agent);
  }

  #forgetOldest(agent: string, ids: Ids): void {
    ids.forgetOldest();
    this.#size--;
    if (ids.size === 0) this.#drop(agent);
  }

  #drop(agent: string): void {
    this.#agents.delete(agent);
    if (agent === this.#last) this.#last = undefined;
  }
}
