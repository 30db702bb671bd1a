import type { BusConnection } from '../connection/bus-connection.js';
import { EventStream } from '../connection/event-stream.js';
import type { ConnectionStatus } from '../connection/state.js';
import { wait, type WaitOptions } from '../connection/signals.js';
import { eventItemFromValue } from '../data/data-item.js';
import { QmfError } from '../errors.js';
import { agentInfoFromValue } from '../message/agent-info.js';
import { readListBody, readMapBody } from '../message/content.js';
import type { Envelope } from '../message/envelope.js';
import { LONGEST_AGENT_NAME } from '../message/agent-name.js';
import { agentOf, contentKindOf, isPartial, opcodeOf } from '../message/headers.js';
import type { Predicate } from '../query/index.js';
import type { EventClass } from '../schema/declare.js';
import { isV1Frame, v1Sequence } from '../schema/v1.js';
import { SessionBindings } from '../session/session-bindings.js';
import { UnreadableMessages } from '../session/unreadable.js';
import { boundedLog, silentLog } from '../session/session-log.js';
import { AgentDirectory } from './agent-directory.js';
import type { AgentChange } from './agent-record.js';
import { defaultAgentLimits } from './agent-table.js';
import type { ConsoleAgent } from './console-agent.js';
import type { ConsoleStatistics } from './console-statistics.js';
import { EventHub } from './event-hub.js';
import { type ConsoleOptions, toPredicate } from './options.js';
import { asTyped, type ReceivedEvent, receivedEvent, type TypedEvent } from './received-event.js';
import { RecentMessages } from './recent-messages.js';
import { Requests } from './requests.js';

const MAX_AGENT_AGE = 300_000;
const HOUSEKEEPING_INTERVAL = 5_000;
const CLAIM_PATIENCE = 2_000;

/**
 * A QMFv2 console on a connection: finds agents and keeps track of them, asks and calls them, gets their events. It lives
 * across reconnects; requests that were under way then fail, since it is not known whether they were carried out.
 */
export class ConsoleSession {
  readonly #maxAgentAge: number;
  readonly #now: () => number;
  readonly #directory: AgentDirectory;
  readonly #bindings: SessionBindings;
  readonly #unreadable: UnreadableMessages;
  readonly #requests: Requests;
  readonly #recent = new RecentMessages();
  readonly #duplicates = { events: 0, answers: 0 };
  readonly #events: EventHub;
  readonly #openStreams = new Set<(error?: QmfError) => void>();
  readonly #searches = new Set<(reason: QmfError) => void>();
  #filter: Predicate | undefined;
  #state: 'new' | 'open' | 'closed' = 'new';
  #housekeeping: NodeJS.Timeout | undefined;
  #cleanUps: (() => void)[] = [];

  constructor(
    private readonly connection: BusConnection,
    options: ConsoleOptions = {},
  ) {
    this.#maxAgentAge = options.maxAgentAge ?? MAX_AGENT_AGE;
    this.#now = options.now ?? (() => performance.now());
    this.#filter = toPredicate(options.agentFilter);
    const log = boundedLog(options.log ?? silentLog);
    this.#unreadable = new UnreadableMessages(log);
    this.#bindings = new SessionBindings(connection, options.domain ?? 'default', log, this.#unreadable);
    this.#requests = new Requests(connection, options, () => this.#state === 'open');
    this.#events = new EventHub(error => log.warn(`a listener for events failed: ${String(error)}`));
    this.#directory = new AgentDirectory(
      {
        requests: this.#requests,
        limits: { ...defaultAgentLimits, ...options.agentLimits },
        maxAgentAge: this.#maxAgentAge,
        claimPatience: options.claimPatience ?? CLAIM_PATIENCE,
        now: this.#now,
        log,
        onKnown: name => this.#events.release(name),
        onUnwanted: name => this.#events.discard(name),
        onRestarted: name => this.#recent.forget(name),
      },
      this.#filter,
    );
  }

  /** Listens, and asks agents to show up; works before the broker is there. */
  async open(): Promise<void> {
    if (this.#state !== 'new') throw new QmfError('closed', 'a console session cannot be opened again');
    this.#state = 'open';
    this.#cleanUps.push(this.connection.onStatus(status => this.#onStatus(status)));
    this.#housekeeping = setInterval(
      () => this.#keepHouse(),
      Math.min(HOUSEKEEPING_INTERVAL, this.#maxAgentAge),
    );
    this.#housekeeping.unref();
    const keys = [this.#requests.replyKey, 'agent.ind.#'].map(key => ({ exchange: 'topic', key }) as const);
    try {
      await this.#bindings.open(keys, envelope => this.#dispatch(envelope));
    } catch (error) {
      this.close();
      throw error;
    }
    this.#locate();
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Fails what waits and ends all streams. The connection stays open: it may serve others. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearInterval(this.#housekeeping);
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
    this.#bindings.close();
    const reason = new QmfError('closed', 'the console session was closed');
    this.#requests.failAll(reason);
    this.#endAll(reason);
  }

  #onStatus(status: ConnectionStatus): void {
    const { kind, broker } = status;
    if (kind === 'open') {
      // No agent could be heard while disconnected; silence counts from now on.
      this.#directory.resetSilence();
      this.#locate();
      return;
    }
    // Answers still come while the connection is being left in an orderly way.
    if (kind === 'draining') return;
    // Also upon `dialling`: the next of several brokers may be dialled without any waiting.
    this.#requests.failAll(
      new QmfError('connection_lost', 'the connection to the broker was lost before the answer came'),
    );
    // The connection is final, so all waiting ends.
    if (kind === 'failed') this.#endAll(status.reason, status.reason);
    if (kind === 'closed') this.#endAll(new QmfError('closed', `the connection to ${broker} was closed`));
  }

  #endAll(searches: QmfError, streams?: QmfError): void {
    for (const fail of [...this.#searches]) fail(searches);
    for (const end of [...this.#openStreams]) end(streams);
  }

  /** Whether the bus is there at present. */
  get isConnected(): boolean {
    return this.connection.state === 'open';
  }

  /** Agents known at present. */
  agents(): readonly ConsoleAgent[] {
    return this.#directory.agents();
  }

  /** Milliseconds since the last message of an agent, by our own clock; `undefined` for one that is not known. */
  silenceOf(agent: ConsoleAgent): number | undefined {
    return this.#directory.silenceOf(agent.name);
  }

  /** Events that were dropped: their agent stayed unknown, or their reader was too slow. */
  get droppedEvents(): number {
    return this.#events.dropped;
  }

  /** Events that an agent sent again after its connection broke, though they had arrived; they were not told twice. */
  get duplicateEvents(): number {
    return this.#duplicates.events;
  }

  /** What this session has met so far. */
  get statistics(): ConsoleStatistics {
    return {
      agents: this.#directory.size,
      pendingRequests: this.#requests.pending,
      droppedEvents: this.droppedEvents,
      duplicateEvents: this.duplicateEvents,
      duplicateAnswers: this.#duplicates.answers,
      unreadableMessages: this.#unreadable.count,
    };
  }

  /**
   * The first agent that matches, known or yet to come.
   *
   * @throws QmfError `timeout` (default after 10 s), `aborted`, `closed`
   */
  findAgent(match: (agent: ConsoleAgent) => boolean, options: WaitOptions = {}): Promise<ConsoleAgent> {
    const known = this.agents().find(match);
    if (known !== undefined) return Promise.resolve(known);
    if (this.#isClosed()) return Promise.reject(new QmfError('closed', 'the console session was closed'));
    return wait<ConsoleAgent>(
      'finding an agent',
      { timeout: options.timeout ?? 10_000, signal: options.signal },
      (resolve, reject) => {
        const unlisten = this.onAgentChange(change => {
          if (change.kind !== 'removed' && match(change.agent)) resolve(change.agent);
        });
        this.#searches.add(reject);
        return () => {
          unlisten();
          this.#searches.delete(reject);
        };
      },
    );
  }

  /** What happens to agents from now on. */
  agentChanges(): AsyncIterableIterator<AgentChange<ConsoleAgent>> {
    return this.#tracked(ended => {
      const stream = new EventStream<AgentChange<ConsoleAgent>>(() => {
        unlisten();
        ended();
      });
      const unlisten = this.onAgentChange(change => stream.push(change));
      return stream;
    });
  }

  /** Calls `listener` at every change of an agent; the result unsubscribes. */
  onAgentChange(listener: (change: AgentChange<ConsoleAgent>) => void): () => void {
    return this.#directory.onChange(listener);
  }

  /** Events from now on: of one class, typed; or of all. Leaving the loop stops listening. */
  events(): AsyncIterableIterator<ReceivedEvent>;
  events<C extends EventClass>(eventClass: C): AsyncIterableIterator<TypedEvent<C>>;
  events(eventClass?: EventClass): AsyncIterableIterator<unknown> {
    return eventClass === undefined
      ? this.#tracked(ended => this.#events.stream(event => event, ended))
      : this.#tracked(ended => this.#events.stream(event => asTyped(event, eventClass), ended));
  }

  /** Calls `listener` with every event, at once and in order; the result unsubscribes. */
  onEvent(listener: (event: ReceivedEvent) => void): () => void {
    return this.#events.listen(listener);
  }

  /** Changes which agents are known: others are dropped, and everybody is asked again. */
  setAgentFilter(filter: Predicate | string | undefined): void {
    this.#filter = toPredicate(filter);
    this.#directory.setFilter(this.#filter);
    this.#locate();
  }

  /** Calls `listener` when the bus is gone for good: the connection was closed, or gave up. The result unsubscribes. */
  onBusGone(listener: (reason: QmfError) => void): () => void {
    return this.connection.onStatus(status => {
      if (status.kind === 'failed') listener(status.reason);
      if (status.kind === 'closed')
        listener(new QmfError('closed', `the connection to ${status.broker} was closed`));
    });
  }

  /** Calls `listener` when the bus is back after it was away, with everything in place again; the result unsubscribes. */
  onReconnect(listener: () => void): () => void {
    return this.connection.onStatus(status => {
      if (status.kind === 'open') listener();
    });
  }

  /** Streams end with the session; one that ended before is forgotten. */
  #tracked<T>(make: (ended: () => void) => EventStream<T>): EventStream<T> {
    const end = (error?: QmfError): void => stream.end(error);
    const stream = make(() => this.#openStreams.delete(end));
    if (this.#isClosed()) end();
    else this.#openStreams.add(end);
    return stream;
  }

  #dispatch(envelope: Envelope): void {
    const opcode = opcodeOf(envelope.headers);
    const agentName = agentOf(envelope.headers);
    if (agentName !== undefined && agentName.length > LONGEST_AGENT_NAME) return; // nobody has such a name, and each would be kept
    switch (opcode) {
      case undefined:
        if (envelope.body.form === 'data' && isV1Frame(envelope.body.bytes)) {
          this.#requests.answerV1(v1Sequence(envelope.body.bytes), envelope);
        }
        return;
      case '_agent_heartbeat_indication':
      case '_agent_locate_response':
        if (agentName === undefined || this.#requests.answer(envelope)) return;
        this.#directory.heard(
          agentName,
          agentInfoFromValue(readMapBody(envelope)),
          this.#requests.isFromBroker(envelope),
        );
        return;
      case '_data_indication':
        if (agentName !== undefined) this.#directory.seen(agentName);
        if (contentKindOf(envelope.headers) !== '_event') {
          this.#goOn(agentName, envelope); // subscription data; the broker's unsolicited updates match no request
        } else if (agentName !== undefined) {
          if (this.#recent.seen(agentName, envelope.messageId)) this.#duplicates.events++;
          else this.#receiveEvents(agentName, envelope);
        }
        return;
      default:
        if (agentName !== undefined) this.#directory.seen(agentName);
        // A complete answer needs no memory: no request waits for its duplicate.
        if (isPartial(envelope.headers)) this.#goOn(agentName, envelope);
        else this.#requests.answer(envelope);
    }
  }

  /** A part of an answer that came twice would put its objects into the result twice. */
  #goOn(agentName: string | undefined, envelope: Envelope): void {
    if (agentName !== undefined && this.#recent.seen(agentName, envelope.messageId))
      this.#duplicates.answers++;
    else this.#requests.answer(envelope);
  }

  #receiveEvents(agentName: string, envelope: Envelope): void {
    const known = this.#directory.has(agentName);
    const wasHolding = this.#events.holding;
    const events = readListBody(envelope).map(item =>
      receivedEvent(agentName, eventItemFromValue(item), envelope.headers),
    );
    for (const event of events) {
      if (known) this.#events.publish(event);
      else this.#events.hold(event, this.#now());
    }
    if (!known && !wasHolding) this.#locate();
  }

  #keepHouse(): void {
    const now = this.#now();
    this.#events.expire(now);
    // While the bus is away everybody is silent, which says nothing about agents.
    if (this.connection.state !== 'open') this.#directory.resetSilence();
    else this.#directory.keepHouse();
  }

  #locate(): void {
    if (this.connection.state === 'open' && this.#state === 'open') this.#requests.locate(this.#filter);
  }
}
