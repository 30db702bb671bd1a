import { setMaxListeners } from 'node:events';
import { v7 as uuidv7 } from 'uuid';
import type { BusConnection } from '../connection/bus-connection.js';
import { wait } from '../connection/signals.js';
import { eventItemToValue } from '../data/data-item.js';
import { QmfError } from '../errors.js';
import { agentNameToText, checkAgentName } from '../message/agent-name.js';
import { listContent } from '../message/content.js';
import type { BodyForm, Envelope } from '../message/envelope.js';
import { headersFor, withProperties } from '../message/headers.js';
import { directSubjectOf, eventKey, heartbeatKey, topicExchange } from '../message/keys.js';
import type { DataClass, EventClass, ValuesOf } from '../schema/declare.js';
import type { Severity } from '../schema/types.js';
import { SessionBindings, type SessionKey } from '../session/session-bindings.js';
import { UnreadableMessages } from '../session/unreadable.js';
import type { PlainInput } from '../value/convert.js';
import { encodeValues } from './arguments.js';
import { Arrivals } from './arrivals.js';
import { type ManagedObject, managedObject, type MethodHandlers, wireHandlers } from './managed-object.js';
import { ObjectStore, type WireHandler } from './object-store.js';
import { type AgentLosses, Losses } from './losses.js';
import { type AgentOptions, type AgentSettings, agentSettings } from './options.js';
import { Replies } from './replies.js';
import { Namesakes } from './namesakes.js';
import { Presence } from './presence.js';
import type { RequestContext } from './request-context.js';
import { handleRequest } from './requests.js';
import { Subscriptions } from './subscriptions.js';
import { type Begun, UnderWay } from './under-way.js';

/** How an event is raised. */
export interface RaiseOptions {
  /** Default: that of the class. */
  readonly severity?: Severity;
  /**
   * `progress` may be dropped when too much waits for the broker: something newer will say more. Default `lasting`.
   */
  readonly importance?: 'progress' | 'lasting';
  /** Time of the event, in nanoseconds since 1970; default {@link AgentSession.now}. For events that are raised later than they happen. */
  readonly timestamp?: bigint;
  /** Application properties beside those of QMF, which keep their meaning. */
  readonly properties?: Readonly<Record<string, PlainInput>>;
}

/** What an agent left when it stopped. */
export interface AgentLeft {
  /** Method calls whose handler had not come to its end in time. */
  readonly calls: number;
  /** Events and answers that the broker had not taken in time. */
  readonly messages: number;
}

/**
 * Requests that a broker may send ahead. Behind them, a fair broker serves callers in turn; among them, a call waits for those of
 * others. With 64, a call beside 1,000 of another took twice as long, and calls in a row were no faster (bench: sharing, call-64).
 */
const readAhead = 16;

type SessionState = 'new' | 'open' | 'closed';

/**
 * A QMFv2 agent on a connection (wire document §1-§7): answers locate, queries, methods, schema requests and subscriptions;
 * sends heartbeats and events. It keeps its name and keys across reconnects, and heartbeats at once after each.
 */
export class AgentSession {
  #settings: AgentSettings;
  readonly #store: ObjectStore;
  readonly #losses: Losses;
  readonly #unreadable: UnreadableMessages;
  readonly #calls = new UnderWay();
  readonly #queries = new UnderWay();
  readonly #messages = new UnderWay();
  #refusal: string | undefined;
  readonly #replies: Replies;
  readonly #subscriptions: Subscriptions;
  #bindings: SessionBindings;
  readonly #namesakes: Namesakes;
  readonly #presence: Presence;
  readonly #closing = new AbortController();
  /** Of a later start it is greater, as far as the clocks agree. */
  readonly #start = uuidv7();
  #state: SessionState = 'new';
  #unlisten: () => void = () => undefined;
  #arrivals: Arrivals | undefined;

  constructor(
    private readonly connection: BusConnection,
    options: AgentOptions,
  ) {
    this.#settings = agentSettings(options);
    this.#store = new ObjectStore(this.name, this.#settings.clock);
    this.#losses = new Losses(this.#settings.log, () => connection.state !== 'open');
    const { clock, shares } = this.#settings;
    this.#replies = new Replies(connection, () => this.name, this.#losses, shares.answers, this.#messages);
    this.#subscriptions = new Subscriptions(this.#store, this.#replies, clock, shares, this.#closing.signal);
    this.#unreadable = new UnreadableMessages(this.#settings.log);
    this.#bindings = this.#newBindings();
    const { log, onNamesake } = this.#settings;
    this.#namesakes = new Namesakes({
      name: () => this.name,
      start: this.#start,
      ask: correlationId => this.#askOwnAddress(correlationId),
      showUp: () => this.#presence.announce(),
      onNamesake: onNamesake ?? (() => log.warn(`another agent on the bus is called ${this.name}`)),
      ...{ log, now: () => performance.now() },
    });
    setMaxListeners(0, this.#closing.signal); // every call under way listens, however many there are
    this.#presence = new Presence({
      connection,
      settings: () => this.#settings,
      start: this.#start,
      isOpen: () => this.#state === 'open',
      losses: this.#losses,
    });
  }

  /** `vendor:product:instance` */
  get name(): string {
    return agentNameToText(this.#settings.name);
  }

  /** Routing key under which consoles reach this agent. */
  get directSubject(): string {
    return this.#settings.directSubject;
  }

  /** Number of managed objects. */
  get objectCount(): number {
    return this.#store.size;
  }

  /** Binds the three keys of an agent and starts heartbeats; works before the broker is there. */
  async open(): Promise<void> {
    if (this.#state !== 'new')
      throw new QmfError('closed', `the agent session ${this.name} cannot be opened again`);
    this.#state = 'open';
    this.#unlisten = this.connection.onStatus(status => {
      if (status.kind !== 'open') return;
      this.#presence.announce();
      this.#losses.tell();
    });
    this.#presence.begin();
    try {
      await this.#listen(this.#bindings);
    } catch (error) {
      this.close();
      throw error;
    }
    this.#arrivals = new Arrivals(this.connection, {
      exchange: topicExchange(this.#settings.domain),
      key: () => heartbeatKey(this.#settings.name),
      announce: () => this.#presence.announce(),
      log: this.#settings.log,
    });
    await this.#arrivals.ready;
    this.#presence.announce();
  }

  #newBindings(): SessionBindings {
    const { domain, log } = this.#settings;
    return new SessionBindings(this.connection, domain, log, this.#unreadable);
  }

  async #listen(bindings: SessionBindings): Promise<void> {
    const { listenOnDirect, strictSecurity, name } = this.#settings;
    const forAll: SessionKey = { exchange: 'topic', key: 'console.#', readAhead };
    const keys: SessionKey[] = [
      { exchange: 'topic', key: this.directSubject, readAhead },
      forAll,
      ...(listenOnDirect && !strictSecurity
        ? [{ exchange: 'direct', key: this.name, readAhead } as const]
        : []),
    ];
    const context = this.#requestContext();
    const receive = (envelope: Envelope, key?: SessionKey): void => {
      if (!this.#namesakes.receive(envelope)) handleRequest(envelope, key !== forAll, context);
    };
    await bindings.open(keys, receive);
    bindings.try({ exchange: 'topic', key: heartbeatKey(name) }, receive);
  }

  /**
   * Gives the agent another instance, and so another name and address, in front of consoles an agent of its own. Objects get addresses with that
   * name; calls that come to the old ones are answered.
   *
   * @throws QmfError `invalid_argument`, `address_refused`
   */
  async rename(instance: string): Promise<void> {
    const { vendor, product } = this.#settings.name;
    const name = checkAgentName({ vendor, product, instance });
    const before = this.#bindings;
    this.#settings = { ...this.#settings, name, directSubject: directSubjectOf(agentNameToText(name)) };
    this.#store.rename(this.name);
    this.#bindings = this.#newBindings();
    // What was asked for under the old name until now is the other agent's to answer.
    before.close();
    if (this.#state !== 'open') return;
    await this.#listen(this.#bindings);
    this.#presence.announce();
  }

  #askOwnAddress(correlationId: string): Promise<void> {
    const to = { node: topicExchange(this.#settings.domain), subject: this.directSubject };
    const headers = headersFor('_agent_locate_request');
    const content = listContent([], this.#broadcastForm());
    return this.connection.send(
      { to, replyTo: to, correlationId, headers, ...content },
      { whileAway: 'fail' },
    );
  }

  /** Counts of messages that reached no receiver, or not all. */
  get losses(): AgentLosses {
    return this.#losses.counts;
  }

  /** Messages that came to this agent and were dropped because they cannot be read. */
  get unreadableMessages(): number {
    return this.#unreadable.count;
  }

  /** From now on method calls and subscriptions are answered with this text as an exception; all else goes on. */
  refuse(text: string): void {
    this.#refusal = text;
  }

  /**
   * Waits until all running calls have come to their end and the broker has taken every event and answer. Requests that come meanwhile are
   * answered, but not waited for: consoles ask as soon as they hear of the last events, and so there would always be one more. The caller
   * {@link refuse}s new calls. Without a broker there is nothing to wait for but the calls. Never rejects.
   *
   * @param options.timeout milliseconds, all together; default 5 000
   */
  async settle(options: { readonly timeout?: number } = {}): Promise<AgentLeft> {
    const limits = { timeout: options.timeout ?? 5_000, signal: this.#closing.signal };
    const calls = this.#calls.begun();
    let rest: { readonly queries: Begun; readonly messages: Begun } | undefined;
    const settling = async (): Promise<void> => {
      await calls.settled;
      rest = { queries: this.#queries.begun(), messages: this.#messages.begun() };
      if (this.connection.state === 'open') await Promise.all([rest.queries.settled, rest.messages.settled]);
    };
    const settled = wait<undefined>('coming to an end', limits, resolve => {
      void settling().then(() => resolve(undefined));
      return () => undefined;
    });
    await settled.catch(() => undefined); // what is left is counted
    // Answers of queries that have begun since cannot be told from others.
    const messages = rest?.queries.left === 0 ? rest.messages.left : this.#messages.count;
    return { calls: calls.left, messages };
  }

  /** Stops answering and heartbeats. The connection stays open: it may serve others. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#presence.end();
    this.#unlisten();
    this.#arrivals?.close();
    this.#bindings.close();
    this.#subscriptions.cancelAll();
    this.#losses.tell();
    this.#closing.abort();
  }

  /** Makes classes known to consoles before there is an object or event of them. */
  register(...classes: readonly (DataClass | EventClass)[]): void {
    this.#presence.register(classes);
  }

  /**
   * Puts an object on the bus.
   *
   * @throws QmfError `invalid_argument` when the name is taken or a value does not fit the class
   */
  publish<C extends DataClass>(
    dataClass: C,
    object: {
      readonly name: string;
      readonly values: ValuesOf<C>;
      readonly methods: MethodHandlers<C>;
      /** The same name will mean the same object after a restart; its address has no epoch. Default false. */
      readonly persistent?: boolean;
      /**
       * The class that consoles are told of, for an object that has more to it than they expect: values and methods beyond that
       * class are there all the same. Default: its own.
       */
      readonly shownAs?: DataClass;
      /** Methods that take their arguments as they come; they go before those of the class. {@link wireHandler} checks one form. */
      readonly wireMethods?: Readonly<Record<string, WireHandler>>;
      /** Number of the start in which the object was made, when that was an earlier one; its address stays the same. Default this one. */
      readonly epoch?: number;
    },
  ): ManagedObject<C> {
    const shownAs = object.shownAs ?? dataClass;
    this.register(shownAs);
    const { schema } = dataClass;
    const stored = this.#store.add({
      address: {
        agentName: this.name,
        objectName: object.name,
        agentEpoch: object.persistent === true ? 0 : (object.epoch ?? this.#settings.epoch),
      },
      schema,
      shownAs: shownAs.schema,
      values: encodeValues(schema, object.values),
      handlers: new Map([
        ...wireHandlers(dataClass, object.methods),
        ...Object.entries(object.wireMethods ?? {}),
      ]),
    });
    return managedObject<C>(stored, this.#store);
  }

  /** Nanoseconds since 1970 by the clock that gives objects and events their times. */
  now(): bigint {
    return this.#settings.clock.now();
  }

  /**
   * Raises an event. Resolves when the broker has it, or when it could not be sent, which is in the log.
   *
   * @throws QmfError `invalid_argument` or `not_encodable` for values that don't fit the class and for properties of QMF's own, `message_rejected` for an event that the broker
   *   will never take, such as one that is too large
   */
  raise<C extends EventClass>(eventClass: C, values: ValuesOf<C>, options: RaiseOptions = {}): Promise<void> {
    const { importance = 'lasting' } = options;
    let envelope: Envelope;
    try {
      envelope = this.#eventEnvelope(eventClass, values, options);
    } catch (error) {
      return Promise.reject(QmfError.from(error, 'invalid_argument'));
    }
    // Without an await, so that events keep the order in which they were raised; and with one promise here, as each of them lives
    // until the broker has answered.
    return this.#messages.track(
      this.connection.send(envelope, { whileAway: 'keep', importance }),
      () => undefined,
      (error: unknown) => {
        const kind = importance === 'progress' ? 'progress event' : 'event';
        this.#losses.count(kind, `a ${eventClass.schema.id.className}`, error);
        if (error instanceof QmfError && error.code === 'message_rejected') throw error;
      },
    );
  }

  #eventEnvelope(
    eventClass: EventClass,
    values: object,
    { severity = eventClass.schema.defaultSeverity, timestamp = this.now(), properties = {} }: RaiseOptions,
  ): Envelope {
    const { schema } = eventClass;
    this.register(eventClass);
    this.#presence.announceIfDue();
    const item = {
      values: encodeValues(schema, values),
      schemaId: schema.id,
      severity,
      timestamp,
    };
    return {
      to: {
        node: topicExchange(this.#settings.domain),
        subject: eventKey(schema.id, severity, this.#settings.name),
      },
      headers: withProperties(
        headersFor('_data_indication', { agent: this.name, content: '_event' }),
        properties,
      ),
      ...listContent([eventItemToValue(item)], this.#broadcastForm()),
    };
  }

  #requestContext(): RequestContext {
    return {
      settings: this.#settings,
      unreadable: this.#unreadable,
      store: this.#store,
      replies: this.#replies,
      subscriptions: this.#subscriptions,
      schemas: () => this.#presence.schemas(),
      stableAttributes: () => this.#presence.stableAttributes(),
      allAttributes: () => this.#presence.allAttributes(),
      bodyForm: () => this.#broadcastForm(),
      signal: this.#closing.signal,
      calls: this.#calls,
      queries: this.#queries,
      refusal: () => this.#refusal,
    };
  }

  #broadcastForm(): BodyForm {
    return this.#settings.bodyForm ?? this.connection.bodyForm;
  }
}
