import {
  type AgentChange,
  type ConsoleAgent,
  type ConsoleSession,
  EventStream,
  QmfError,
  type ReceivedEvent,
} from '@imagefactory/qmf';
import { BuildAdaptorPercentCompleteEvent, isTerminal, PRODUCT, VENDOR } from '@imagefactory/schema';
import { AgentWatch } from './agent-watch.js';
import { changeOf } from './build-change.js';
import type { Delivery } from './delivery.js';
import type { EndChecks } from './end-checks.js';
import { OUTBOX_HEAD_START } from './inquiry.js';
import { tellAll } from './listeners.js';

/** The same for the reader of a stream. */
export interface StreamDelivery extends Delivery {
  /** Events that had to go just before this one, because the reader was too slow. */
  readonly droppedBefore: number;
}

export interface EventsOptions {
  /**
   * Events kept for a slow reader, default 10 000. Beyond that progress goes first, then what is no end of a build, then the rest.
   */
  readonly limit?: number;
  /** Only events for which this holds. */
  readonly where?: (event: ReceivedEvent) => boolean;
  /** Ends the loop with an `aborted` error. */
  readonly signal?: AbortSignal;
}

type Listener = (event: ReceivedEvent & Delivery) => void;

const DEFAULT_LIMIT = 10_000;

/** Agents whose builds are watched; the session knows more only where somebody invents them. */
const WATCH_LIMIT = 2_000;

/** All events of the bus, with what was missed of the builds of Image Factory agents filled in after each gap. */
export class FactoryEvents {
  readonly #listeners = new Set<Listener>();
  readonly #streams = new Set<(error?: QmfError) => void>();
  readonly #watches = new Map<string, AgentWatch>();
  #cleanUps: (() => void)[] = [];
  #dropped = 0;

  constructor(
    private readonly session: ConsoleSession,
    private readonly silence: number,
    private readonly checks: EndChecks,
  ) {}

  /** Events that went because their reader was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Calls `listener` with every event; the result unsubscribes. Agents are watched while anybody listens. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#begin();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop();
    };
  }

  /** What `select` makes of events, from now on. */
  stream<T extends Delivery>(
    select: (event: ReceivedEvent & Delivery) => T | undefined,
    options: EventsOptions = {},
  ): AsyncIterableIterator<T & StreamDelivery> {
    let droppedBefore = 0;
    let unlisten: () => void = () => undefined;
    const end = (error?: QmfError): void => stream.end(error);
    const stream = new EventStream<{ readonly item: T; readonly rank: number }>(
      () => {
        unlisten();
        options.signal?.removeEventListener('abort', onAbort);
        this.#streams.delete(end);
      },
      {
        limit: options.limit ?? DEFAULT_LIMIT,
        rank: ({ rank }) => rank,
        onDrop: () => {
          this.#dropped++;
          droppedBefore++;
        },
      },
    );
    this.#streams.add(end);
    const { signal, where = () => true } = options;
    const onAbort = (): void => end(new QmfError('aborted', 'events: cancelled'));
    unlisten = this.listen(event => {
      if (!where(event)) return;
      const item = select(event);
      if (item !== undefined) stream.push({ item, rank: rankOf(event) });
    });
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    const reader: AsyncIterableIterator<T & StreamDelivery> = {
      next: async () => {
        const result = await stream.next();
        if (result.done === true) return { done: true, value: undefined };
        const value = { ...result.value.item, droppedBefore };
        droppedBefore = 0;
        return { done: false, value };
      },
      return: async () => {
        await stream.return();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => reader,
    };
    return reader;
  }

  /** Ends all streams. */
  close(error?: QmfError): void {
    for (const end of [...this.#streams]) end(error);
    this.#listeners.clear();
    this.#stop();
  }

  #begin(): void {
    const { session } = this;
    for (const agent of session.agents()) this.#watch(agent);
    this.#cleanUps = [
      session.onEvent(event => this.#receive(event)),
      session.onAgentChange(change => this.#onAgentChange(change)),
      session.onReconnect(() => {
        for (const watch of this.#watches.values()) watch.catchUp(OUTBOX_HEAD_START);
      }),
      session.onBusGone(reason => this.close(reason.code === 'closed' ? undefined : reason)),
    ];
  }

  #stop(): void {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
    for (const watch of this.#watches.values()) watch.stop();
    this.#watches.clear();
  }

  #receive(event: ReceivedEvent): void {
    const change = changeOf(event);
    const watch = change === undefined ? undefined : this.#watches.get(event.agent);
    if (change === undefined || watch === undefined) this.#tell({ ...event, caughtUp: false });
    else watch.receive(event, change);
  }

  #tell(event: ReceivedEvent & Delivery): void {
    tellAll(this.#listeners, event);
  }

  #watch(agent: ConsoleAgent): void {
    const { name, info } = agent;
    const known = this.#watches.get(name);
    if (known !== undefined) known.isBack(agent);
    else if (info.vendor === VENDOR && info.product === PRODUCT && this.#hasRoom()) {
      const watch = new AgentWatch({
        agent,
        isThere: () => this.session.isConnected && this.session.agents().some(each => each.name === name),
        checks: this.checks,
        tell: (event, delivery) => this.#tell({ ...event, ...delivery }),
        silence: this.silence,
      });
      this.#watches.set(name, watch);
    }
  }

  /** Watches of agents that are gone, and wait for them to come back, make room. */
  #hasRoom(): boolean {
    if (this.#watches.size < WATCH_LIMIT) return true;
    const there = new Set(this.session.agents().map(({ name }) => name));
    for (const [name, watch] of this.#watches) {
      if (there.has(name)) continue;
      watch.stop();
      this.#watches.delete(name);
    }
    return this.#watches.size < WATCH_LIMIT;
  }

  #onAgentChange({ kind, agent }: AgentChange<ConsoleAgent>): void {
    const watch = this.#watches.get(agent.name);
    if (kind === 'added') this.#watch(agent);
    else if (kind === 'restarted') watch?.catchUp();
    else if (kind === 'removed' && watch?.isWaiting === false) {
      watch.stop();
      this.#watches.delete(agent.name);
    }
  }
}

/** Which events go first when there are too many: progress, then all others, then the ends of builds. */
function rankOf(event: ReceivedEvent): number {
  const change = changeOf(event)?.change;
  if (change === undefined)
    return event.className === BuildAdaptorPercentCompleteEvent.schema.id.className ? 0 : 1;
  if (change.kind === 'percent') return 0;
  return change.kind === 'failure' || isTerminal(change.status) ? 2 : 1;
}
