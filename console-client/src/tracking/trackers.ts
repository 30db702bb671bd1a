import type {
  AgentChange,
  ConsoleAgent,
  ConsoleSession,
  DataAddress,
  QmfError,
  ReceivedEvent,
} from '@imagefactory/qmf';
import { PRODUCT, VENDOR } from '@imagefactory/schema';
import { AgentTracker } from './agent-tracker.js';
import { goneAgent } from './build-state.js';
import { DecodedEvent } from './decoded-event.js';
import type { Delivery } from './delivery.js';
import type { EndChecks } from './end-checks.js';
import { OUTBOX_HEAD_START } from './inquiry.js';
import { tellAll } from './listeners.js';
import type { TrackedBuild } from './tracked-build.js';

/** An event on its way to a reader. */
export interface Emitted {
  readonly decoded: DecodedEvent;
  readonly event: ReceivedEvent & Delivery;
}

type Listener = (emitted: Emitted) => void;

/** Agents whose builds are all tracked; the session knows more only where somebody invents them. */
const WATCH_LIMIT = 2_000;

/** The trackers of a console, one for each agent, and the one place where its events are decoded. */
export class Trackers {
  readonly #trackers = new Map<string, AgentTracker>();
  readonly #listeners = new Set<Listener>();
  readonly #endings = new Set<(error?: QmfError) => void>();
  readonly #cleanUps: (() => void)[];

  /** @param silence milliseconds after which an agent is asked about a build without events */
  constructor(
    private readonly session: ConsoleSession,
    readonly silence: number,
    private readonly checks: EndChecks,
  ) {
    this.#cleanUps = [
      session.onEvent(event => this.#receive(event)),
      session.onAgentChange(change => this.#onAgentChange(change)),
      session.onReconnect(() => {
        for (const tracker of this.#trackers.values()) tracker.catchUp(OUTBOX_HEAD_START);
      }),
      session.onBusGone(reason => {
        for (const tracker of [...this.#trackers.values()]) tracker.lose(reason);
        for (const end of [...this.#endings]) end(reason.code === 'closed' ? undefined : reason);
      }),
    ];
  }

  /** Calls `listener` with every event; the result unsubscribes. All builds are tracked as long as there are listeners. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) for (const agent of this.session.agents()) this.#watch(agent);
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      for (const [name, tracker] of [...this.#trackers]) {
        tracker.unwatch();
        this.#removeIdle(name);
      }
    };
  }

  /** Calls `listener` when there are no more events, with the reason unless the console was closed; the result unsubscribes. */
  onEnd(listener: (error?: QmfError) => void): () => void {
    this.#endings.add(listener);
    return () => this.#endings.delete(listener);
  }

  /** As {@link AgentTracker.expect}. */
  async expect<T>(agent: ConsoleAgent, call: () => Promise<T>): Promise<T> {
    try {
      return await this.#of(agent).expect(call);
    } finally {
      this.#removeIdle(agent.name);
    }
  }

  /** The build of that address, tracked until {@link release}. */
  track(agent: ConsoleAgent, address: DataAddress): TrackedBuild {
    return this.#of(agent).track(address);
  }

  /** Asks the agent about a build now. */
  ask(build: TrackedBuild): void {
    this.#trackers.get(build.address.agentName)?.ask(build);
  }

  release(build: TrackedBuild): void {
    const { agentName } = build.address;
    this.#trackers.get(agentName)?.release(build);
    this.#removeIdle(agentName);
  }

  close(): void {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
    for (const end of [...this.#endings]) end();
    this.#listeners.clear();
    for (const tracker of this.#trackers.values()) tracker.stop();
    this.#trackers.clear();
  }

  #of(agent: ConsoleAgent): AgentTracker {
    const { name } = agent;
    const known = this.#trackers.get(name);
    if (known !== undefined) return known;
    const tracker = new AgentTracker({
      agent,
      isThere: () => this.session.isConnected && this.session.agents().some(each => each.name === name),
      checks: this.checks,
      emit: (decoded, delivery) => this.#emit(decoded, delivery),
      silence: this.silence,
    });
    this.#trackers.set(name, tracker);
    return tracker;
  }

  #receive(event: ReceivedEvent): void {
    const tracker = this.#trackers.get(event.agent);
    if (tracker === undefined && this.#listeners.size === 0) return;
    const decoded = new DecodedEvent(event);
    const addressed = tracker === undefined ? undefined : decoded.change;
    if (addressed === undefined || tracker?.receive({ decoded, addressed }) !== true)
      this.#emit(decoded, { caughtUp: false });
  }

  #emit(decoded: DecodedEvent, delivery: Delivery): void {
    if (this.#listeners.size === 0) return;
    const sequence = decoded.change?.change.sequence;
    const event = { ...decoded.event, ...delivery, ...(sequence === undefined ? {} : { sequence }) };
    tellAll(this.#listeners, { decoded, event });
  }

  #watch(agent: ConsoleAgent): void {
    const { vendor, product } = agent.info;
    const known = this.#trackers.get(agent.name);
    if (vendor !== VENDOR || product !== PRODUCT) return;
    if (known !== undefined || this.#hasRoom()) this.#of(agent).watch();
  }

  /** Trackers of agents that are gone, and wait for them to come back, make room. */
  #hasRoom(): boolean {
    if (this.#trackers.size < WATCH_LIMIT) return true;
    const there = new Set(this.session.agents().map(({ name }) => name));
    for (const name of [...this.#trackers.keys()]) if (!there.has(name)) this.#remove(name);
    return this.#trackers.size < WATCH_LIMIT;
  }

  #onAgentChange(change: AgentChange<ConsoleAgent>): void {
    const { agent } = change;
    const tracker = this.#trackers.get(agent.name);
    switch (change.kind) {
      case 'added':
        tracker?.isBack(agent);
        if (this.#listeners.size > 0) this.#watch(agent);
        return;
      case 'restarted':
        tracker?.restarted();
        return;
      case 'removed':
        tracker?.lose(goneAgent(agent, change.reason));
        if (tracker?.isWaiting === false) this.#remove(agent.name);
        else this.#removeIdle(agent.name);
        return;
      case 'schemaUpdated':
      case 'contested':
    }
  }

  #removeIdle(name: string): void {
    if (this.#trackers.get(name)?.isIdle === true) this.#remove(name);
  }

  #remove(name: string): void {
    this.#trackers.get(name)?.stop();
    this.#trackers.delete(name);
  }
}
