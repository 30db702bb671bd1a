import { randomUUID } from 'node:crypto';
import type { BusConnection } from '../connection/bus-connection.js';
import { brokerRefusals, QmfError } from '../errors.js';
import { listContent, mapContent } from '../message/content.js';
import { type Address, type BodyForm, correlationText, type Envelope } from '../message/envelope.js';
import { headersFor, type Opcode } from '../message/headers.js';
import { BROKER_KEY, directExchange, LOCATE_KEY, replyKeyFor, topicExchange } from '../message/keys.js';
import { type Predicate, predicateToValue } from '../query/index.js';
import type { ValueMap } from '../value/value.js';
import type { AgentTransport, ConsoleAgent } from './console-agent.js';
import type { ConsoleOptions } from './options.js';
import {
  DEFAULT_REQUEST_TIMEOUT,
  type RequestKind,
  type RequestOptions,
  RequestTable,
} from './request-table.js';
import { SchemaCache } from './schema-cache.js';

/** Sends what a console asks, and finds the request that an answer belongs to. */
export class Requests implements AgentTransport {
  readonly schemas = new SchemaCache();
  /** Key on the topic exchange under which answers come. */
  readonly replyKey: string;
  readonly #domain: string;
  readonly #replyTo: Address;
  readonly #table = new RequestTable();
  /** Correlation id by which the broker's own agent is recognised: only it gets that request. */
  readonly #brokerLocate = randomUUID();
  /** The refusal that the log was warned of last. */
  #warnedOf = '';

  constructor(
    private readonly connection: BusConnection,
    private readonly options: ConsoleOptions,
    private readonly isOpen: () => boolean,
  ) {
    this.#domain = options.domain ?? 'default';
    this.replyKey = replyKeyFor(options.userId, randomUUID());
    // The only form that strict agents accept, and that every broker translates (§1.4).
    this.#replyTo = { node: topicExchange(this.#domain), subject: this.replyKey };
  }

  answer(envelope: Envelope): boolean {
    return this.#table.answer(envelope);
  }

  answerV1(sequence: number, envelope: Envelope): boolean {
    return this.#table.answerV1(sequence, envelope);
  }

  /** Whether the message answers what only the broker's own agent was asked. */
  isFromBroker(envelope: Envelope): boolean {
    return correlationText(envelope) === this.#brokerLocate;
  }

  /** Requests that wait for an answer. */
  get pending(): number {
    return this.#table.size;
  }

  /** Fails all requests, or those to one agent. */
  failAll(error: QmfError, agent?: string): void {
    this.#table.failAll(error, agent);
  }

  request(
    agent: ConsoleAgent,
    what: string,
    opcode: Opcode,
    body: ValueMap,
    options: RequestOptions,
    receive: (envelope: Envelope) => boolean,
  ): Promise<void> {
    if (!this.isOpen()) return Promise.reject(notOpen());
    const isMethod = opcode === '_method_request';
    if (isMethod) agent.use();
    const userId = isMethod ? this.options.userId : undefined;
    const send = (correlationId: string): Promise<void> => {
      const { contentType, body: encoded } = mapContent(body, this.#bodyForm);
      const to = this.#addressOf(agent);
      const headers = headersFor(opcode);
      const replyTo = this.#replyTo;
      return this.#send({ to, replyTo, correlationId, contentType, userId, headers, body: encoded });
    };
    const isCall = isMethod && this.connection.state === 'open';
    const kind = kindOf(agent, what, isCall);
    const take = (envelope: Envelope): boolean => {
      agent.use();
      return receive(envelope);
    };
    return this.#table.request(kind, this.#limited(options), send, take);
  }

  /** Asks one agent to show up, at its own address. */
  locateAt(
    agent: ConsoleAgent,
    options: RequestOptions,
    receive: (envelope: Envelope) => boolean,
  ): Promise<void> {
    if (!this.isOpen()) return Promise.reject(notOpen());
    const what = `asking ${agent.name} who it is`;
    const send = (correlationId: string): Promise<void> =>
      this.#send({
        to: this.#addressOf(agent),
        replyTo: this.#replyTo,
        correlationId,
        headers: headersFor('_agent_locate_request'),
        ...listContent([], this.#bodyForm),
      });
    return this.#table.request(kindOf(agent, what, false), options, send, receive);
  }

  requestV1(
    agent: ConsoleAgent,
    what: string,
    encode: (sequence: number) => Uint8Array,
    options: RequestOptions,
    receive: (bytes: Uint8Array) => void,
  ): Promise<void> {
    if (!this.isOpen()) return Promise.reject(notOpen());
    const send = (correlationId: string): Promise<void> =>
      this.#send({
        to: this.#addressOf(agent),
        replyTo: this.#replyTo,
        correlationId,
        headers: new Map(),
        body: { form: 'data', bytes: encode(Number(correlationId)) },
      });
    const take = ({ body }: Envelope): boolean => {
      if (body.form === 'data') receive(body.bytes);
      return true;
    };
    const kind = { ...kindOf(agent, what, false), version: 'QMFv1' } as const;
    return this.#table.request(kind, this.#limited(options), send, take);
  }

  /** Sends without waiting for an answer. */
  notify(agent: ConsoleAgent, opcode: Opcode, body: ValueMap): Promise<void> {
    return this.#send({
      to: this.#addressOf(agent),
      replyTo: this.#replyTo,
      headers: headersFor(opcode),
      ...mapContent(body, this.#bodyForm),
    });
  }

  /** Asks all agents that match the filter to show up, and the broker's own agent by its key (wire document §3.1). */
  locate(filter: Predicate | undefined): void {
    const request = {
      replyTo: this.#replyTo,
      headers: headersFor('_agent_locate_request'),
      ...listContent(filter === undefined ? [] : predicateToValue(filter), this.#bodyForm),
    };
    const quietly = (error: unknown): void =>
      this.options.log?.debug(`a locate request was lost: ${String(error)}`);
    const orWarn = (reason: unknown): void => {
      const error = QmfError.from(reason, 'connection_lost');
      if (!brokerRefusals.has(error.code) || this.#warnedOf === error.message) quietly(error);
      else {
        this.#warnedOf = error.message;
        this.options.log?.warn(`agents could not be asked to show up: ${error.message}`);
      }
    };
    const toAll = { node: topicExchange(this.#domain), subject: LOCATE_KEY };
    this.#send({ ...request, to: toAll, correlationId: 'agent-locate' }).catch(orWarn);
    if (this.options.strictSecurity === true) return;
    const toBroker = { node: directExchange(this.#domain), subject: BROKER_KEY };
    this.#send({ ...request, to: toBroker, correlationId: this.#brokerLocate }).catch(quietly);
  }

  #send(envelope: Envelope): Promise<void> {
    return this.connection.send(envelope, { whileAway: 'fail' });
  }

  #limited(options: RequestOptions): RequestOptions {
    return { ...options, timeout: options.timeout ?? this.options.requestTimeout ?? DEFAULT_REQUEST_TIMEOUT };
  }

  get #bodyForm(): BodyForm {
    return this.options.bodyForm ?? this.connection.bodyForm;
  }

  /** The agent's own key on the topic exchange; agents without one listen to their name on the direct exchange (§1.3). */
  #addressOf(agent: ConsoleAgent): Address {
    const { directSubject } = agent.info;
    return directSubject === undefined
      ? { node: directExchange(this.#domain), subject: agent.name }
      : { node: topicExchange(this.#domain), subject: directSubject };
  }
}

function kindOf({ name, info }: ConsoleAgent, what: string, isCall: boolean): RequestKind {
  return { what, agent: name, hasAlias: info.directSubject === undefined, isCall };
}

function notOpen(): QmfError {
  return new QmfError('closed', 'the console session is not open');
}
