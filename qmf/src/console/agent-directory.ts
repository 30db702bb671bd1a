import { notifyAll } from '../connection/listeners.js';
import { QmfError } from '../errors.js';
import type { AgentInfo } from '../message/agent-info.js';
import { evaluatePredicate, type Predicate } from '../query/index.js';
import type { SessionLog } from '../session/session-log.js';
import { detachedMap, retainedSize } from '../value/retained.js';
import { askOld, askRun, isNamedSo, isSameRun, judge } from './agent-claims.js';
import { type AgentChange, type AgentGoneReason, allowedSilence, hasNewSchema } from './agent-record.js';
import { type AgentLimits, AgentTable, type KnownAgent } from './agent-table.js';
import { ConsoleAgent } from './console-agent.js';
import type { Requests } from './requests.js';

/** Milliseconds from a message that was not believed to the next question about one, and from one warning to the next. */
const ASK_PAUSE = 1_000;
const WARN_PAUSE = 60_000;

/** Runs of one name that are told apart. */
const SHARED_LIMIT = 16;

export interface DirectoryParts {
  readonly requests: Requests;
  readonly limits: AgentLimits;
  readonly maxAgentAge: number;
  /** Milliseconds that a known agent has to contradict one that takes its name. */
  readonly claimPatience: number;
  readonly now: () => number;
  readonly log: SessionLog;
  /** An agent is known now, which was not. */
  readonly onKnown: (agentName: string) => void;
  /** An agent that is there is not wanted. */
  readonly onUnwanted: (agentName: string) => void;
  /** A known agent is another run, and may count its message ids from the start again. */
  readonly onRestarted: (agentName: string) => void;
}

/** The agents that a console knows: how they come and go, and which messages about them are believed. */
export class AgentDirectory {
  readonly #table: AgentTable;
  readonly #listeners = new Set<(change: AgentChange<ConsoleAgent>) => void>();
  #brokerAgent: string | undefined;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly parts: DirectoryParts,
    private filter: Predicate | undefined,
  ) {
    this.#table = new AgentTable(parts.limits);
  }

  get size(): number {
    return this.#table.size;
  }

  agents(): readonly ConsoleAgent[] {
    return this.#table.all().map(({ agent }) => agent);
  }

  has(name: string): boolean {
    return this.#table.get(name) !== undefined;
  }

  onChange(listener: (change: AgentChange<ConsoleAgent>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Milliseconds since the last message of an agent; `undefined` for one that is not known. */
  silenceOf(name: string): number | undefined {
    const known = this.#table.get(name);
    return known === undefined ? undefined : this.parts.now() - known.lastSeen;
  }

  /** The agent has sent something that is not about itself. */
  seen(name: string): void {
    const known = this.#table.get(name);
    if (known !== undefined) known.lastSeen = this.parts.now();
  }

  /** No agent could be heard until now; silence counts from here on. */
  resetSilence(): void {
    for (const known of this.#table.all()) known.lastSeen = this.parts.now();
  }

  setFilter(filter: Predicate | undefined): void {
    this.filter = filter;
    for (const { agent } of this.#table.all()) {
      if (!this.#isWanted(agent.info)) this.#drop(agent.name, 'filtered');
    }
  }

  /** Takes a heartbeat or locate answer that came under the name. */
  heard(name: string, info: AgentInfo, isBroker: boolean): void {
    const { log } = this.parts;
    const size = retainedSize(info.attributes, this.parts.limits.bytesEach);
    if (size > this.parts.limits.bytesEach || !isNamedSo(name, info)) {
      const why = size > this.parts.limits.bytesEach ? 'too many attributes' : 'attributes of another name';
      log.debug(`a message of an agent ${JSON.stringify(name)} was dropped: it has ${why}`);
      return;
    }
    if (isBroker) this.#brokerAgent = name;
    const known = this.#table.get(name);
    if (known === undefined) this.#meet(name, detached(info), size);
    else this.#hear(known, detached(info), size);
  }

  /** Drops agents that were silent for too long. */
  keepHouse(): void {
    const now = this.parts.now();
    for (const { agent, lastSeen } of this.#table.all()) {
      if (agent.name === this.#brokerAgent) continue;
      if (now - lastSeen > allowedSilence(agent.info, this.parts.maxAgentAge)) this.#drop(agent.name, 'aged');
    }
  }

  #meet(name: string, info: AgentInfo, size: number): void {
    const { requests, now, log, limits, onKnown, onUnwanted } = this.parts;
    if (!this.#isWanted(info)) {
      onUnwanted(name);
      return;
    }
    for (let leaving = this.#table.mustGo(size); leaving !== 'none'; leaving = this.#table.mustGo(size)) {
      if (now() - this.#warnedAt > WARN_PAUSE) {
        this.#warnedAt = now();
        log.warn(
          `more agents than the ${limits.count} that this console remembers are on the bus, or say so; choose some with an agent filter`,
        );
      }
      if (leaving === 'full') return;
      this.#drop(leaving.agent.name, 'evicted');
    }
    const agent = new ConsoleAgent(name, info, requests);
    const never = Number.NEGATIVE_INFINITY;
    this.#table.add({
      ...{ agent, size, lastSeen: now(), heard: 1 },
      ...{ isAsked: false, contestedAt: never, shared: [], warnedAt: never },
    });
    this.#announce({ kind: 'added', agent });
    onKnown(name);
  }

  #hear(known: KnownAgent, info: AgentInfo, size: number): void {
    const { agent } = known;
    if (!this.#isFree(known, info)) return;
    switch (judge(agent.name, agent.info, info)) {
      case 'same': {
        known.lastSeen = this.parts.now();
        known.heard++;
        const before = agent.info;
        // All else is the same for as long as it runs.
        agent.refreshInfo({ ...before, ...momentOf(info) });
        if (hasNewSchema(before, info)) this.#announce({ kind: 'schemaUpdated', agent });
        return;
      }
      case 'restarted':
        this.#restart(known, info, size);
        return;
      case 'refused':
        this.#contest(known, 'moved');
        return;
      case 'ask-run':
        void this.#askRun(known, info, size);
        return;
      case 'ask-old':
        void this.#askOld(known, info, size);
    }
  }

  /** Whether something can be made of another run now: one question at a time, and none about what was found out. */
  #isFree(known: KnownAgent, info: AgentInfo): boolean {
    if (isSameRun(known.agent.info, info) && known.agent.info.directSubject === info.directSubject)
      return true;
    if (known.shared.includes(runOf(info))) {
      this.#contest(known, 'shared');
      return false;
    }
    return !known.isAsked && this.parts.now() - known.contestedAt >= ASK_PAUSE;
  }

  async #askRun(known: KnownAgent, claimed: AgentInfo, size: number): Promise<void> {
    const { requests, claimPatience } = this.parts;
    const { agent } = known;
    const before = agent.info;
    const runs: AgentInfo[] = [];
    known.isAsked = true;
    const answered = await askRun(requests, agent, claimPatience, info => {
      if (info.directSubject !== before.directSubject || !isNamedSo(agent.name, info)) return;
      runs.push(info);
      if (runs.length === 1 && !isSameRun(before, info)) this.#restart(known, detached(info), size);
      if (runs.length >= 2) {
        known.shared = runs.map(runOf).slice(0, SHARED_LIMIT);
        this.#contest(known, 'shared');
      }
    });
    known.isAsked = false;
    if (answered === 'nobody') this.#restart(known, claimed, size);
    else if (runs.length === 1 && isSameRun(before, runs[0] ?? before)) this.#contest(known, 'restart');
  }

  async #askOld(known: KnownAgent, claimed: AgentInfo, size: number): Promise<void> {
    known.isAsked = true;
    const answered = await askOld(this.parts.requests, known.agent, this.parts.claimPatience);
    known.isAsked = false;
    if (answered === 'nobody') this.#restart(known, claimed, size);
    else if (answered === 'somebody') this.#contest(known, 'moved');
  }

  #restart(known: KnownAgent, info: AgentInfo, size: number): void {
    const { agent } = known;
    if (this.#table.get(agent.name) !== known) return;
    const { epoch: oldEpoch } = agent.info;
    known.lastSeen = this.parts.now();
    known.heard = 1;
    this.#table.resize(known, size);
    agent.refreshInfo(info);
    if (!this.#isWanted(info)) {
      this.#drop(agent.name, 'filtered');
      return;
    }
    this.parts.onRestarted(agent.name);
    this.parts.requests.failAll(
      new QmfError('agent_unknown', `${agent.name} was restarted before it answered`),
      agent.name,
    );
    this.#announce({ kind: 'restarted', agent, oldEpoch, newEpoch: info.epoch });
  }

  #contest(known: KnownAgent, why: keyof typeof contests): void {
    const now = this.parts.now();
    known.contestedAt = now;
    if (now - known.warnedAt < WARN_PAUSE) return;
    known.warnedAt = now;
    this.parts.log.warn(`${known.agent.name}: ${contests[why]}`);
    this.#announce({ kind: 'contested', agent: known.agent, why });
  }

  #isWanted(info: AgentInfo): boolean {
    return this.filter === undefined || evaluatePredicate(this.filter, info.attributes);
  }

  #drop(name: string, reason: AgentGoneReason): void {
    const known = this.#table.remove(name);
    if (known === undefined) return;
    this.parts.requests.failAll(new QmfError('agent_unknown', `${name} is gone: ${reason}`), name);
    this.#announce({ kind: 'removed', agent: known.agent, reason });
  }

  #announce(change: AgentChange<ConsoleAgent>): void {
    try {
      notifyAll(this.#listeners, change);
    } catch (error) {
      // A listener's bug is its owner's business; the agent is known all the same, and its events must go out.
      this.parts.log.warn(`a listener for agents failed: ${String(error)}`);
    }
  }
}

const contests = {
  moved:
    'somebody says to be this agent, at another address; it is not believed, and calls go to the agent that was known first',
  restart: 'somebody says that this agent was restarted, and the agent says that it was not',
  shared:
    'several agents are on the bus under this name, and each call reaches all of them; if the image directory of one is a copy, restart that one',
} as const;

function runOf({ epoch, start }: AgentInfo): string {
  return `${epoch} ${start?.slice(0, 64) ?? ''}`;
}

/** What changes while an agent runs. */
function momentOf({
  timestamp,
  schemaUpdated,
}: AgentInfo): Pick<AgentInfo, 'timestamp'> & Partial<Pick<AgentInfo, 'schemaUpdated'>> {
  return schemaUpdated === undefined ? { timestamp } : { timestamp, schemaUpdated };
}

function detached(info: AgentInfo): AgentInfo {
  return { ...info, attributes: detachedMap(info.attributes) };
}
