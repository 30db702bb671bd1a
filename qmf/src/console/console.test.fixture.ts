import { randomUUID } from 'node:crypto';
import type { BareMessage, Body } from '../codec/amqp10-message.js';
import { encodeSchemaResponseV1, decodeSchemaRequestV1, isV1Frame } from '../schema/v1.js';
import { schemaToValue } from '../schema/wire.js';
import type { BusConnection } from '../connection/index.js';
import { connectTo, type TestBroker } from '../testing/brokers.test.fixture.js';
import { until } from '../testing/poll.test.fixture.js';
import { type Inbox, opcodeIn, RawPeer } from '../testing/raw-peer.test.fixture.js';
import { Gadget, WidgetResized } from '../testing/widgets.test.fixture.js';
import { int32, uint32, uint64, type Value, type ValueMap } from '../value/value.js';
import type { ConsoleAgent } from './console-agent.js';
import { ConsoleSession } from './console-session.js';
import type { ConsoleOptions } from './options.js';

export const object = (entries: Readonly<Record<string, Value>>): ValueMap =>
  new Map(Object.entries(entries));
const value = (content: Value): Body => ({ form: 'value', value: content });

/** How a scripted agent answers a request: with nothing, or any messages. */
export type Script = (request: BareMessage, agent: ScriptedAgent) => void;

/** An agent that does what the test says, as other implementations would: binary text, no app id, its own routes. */
export class ScriptedAgent {
  readonly requests: BareMessage[] = [];
  /** Set on events and answers from now on, as senders do whose messages may arrive twice. */
  messageId: string | undefined;
  /** Answers requests of an opcode; without one the agent stays silent. */
  readonly scripts = new Map<string, Script>();
  readonly name: string;
  epoch = 1;
  schemaUpdated = 1_000n;
  interval = 60;
  /** Attributes beside or instead of the usual; `undefined` leaves one out. */
  attributes: Readonly<Record<string, Value | undefined>> = {};

  private constructor(
    readonly peer: RawPeer,
    readonly route: string,
    readonly product: string,
  ) {
    this.name = `example.com:${product}:${route}`;
  }

  static async start(peer: RawPeer, product = 'scripted'): Promise<ScriptedAgent> {
    const agent = new ScriptedAgent(peer, randomUUID(), product);
    agent.#serve(await peer.listen('qmf.default.topic', `direct-agent.route.${agent.route}`));
    agent.#serve(await peer.listen('qmf.default.topic', 'console.#'));
    agent.#serve(await peer.listen('qmf.default.direct', agent.name));
    return agent;
  }

  async listenTo(key: string): Promise<void> {
    this.#serve(await this.peer.listen('qmf.default.topic', key));
  }

  #serve(inbox: Inbox): void {
    inbox.onMessage = message => {
      this.requests.push(message);
      const opcode = message.body.form === 'data' && isV1Frame(message.body.bytes) ? 'v1' : opcodeIn(message);
      this.scripts.get(opcode)?.(message, this);
    };
  }

  /** C++ agents send every text as binary (§9.6). */
  values(): ValueMap {
    const entries: Record<string, Value | undefined> = {
      _vendor: Buffer.from('example.com'),
      _product: Buffer.from(this.product),
      _instance: Buffer.from(this.route),
      _name: Buffer.from(this.name),
      _direct_subject: Buffer.from(`direct-agent.route.${this.route}`),
      'qmf.agent_capability': uint32(1),
      _heartbeat_interval: uint32(this.interval),
      _epoch: uint32(this.epoch),
      _timestamp: uint64(BigInt(Date.now()) * 1_000_000n),
      _schema_updated: uint64(this.schemaUpdated),
      ...this.attributes,
    };
    const map = new Map<string, Value>();
    for (const [key, item] of Object.entries(entries)) if (item !== undefined) map.set(key, item);
    return map;
  }

  headers(opcode: string, more: Readonly<Record<string, Value>> = {}): ValueMap {
    return object({
      'qmf.opcode': Buffer.from(opcode),
      'qmf.agent': Buffer.from(this.name),
      'qpid.subject': 'x',
      ...more,
    });
  }

  heartbeat(): void {
    this.peer.send('qmf.default.topic', {
      subject: `agent.ind.heartbeat.example.com.${this.product}`,
      contentType: 'amqp/map',
      applicationProperties: this.headers('_agent_heartbeat_indication'),
      body: value(object({ _values: this.values() })),
    });
  }

  event(name: string, more: Readonly<Record<string, Value>> = {}): void {
    const { packageName, className, hash } = WidgetResized.schema.id;
    const schemaId = object({
      _package_name: Buffer.from(packageName),
      _class_name: className,
      _type: '_event',
      _hash: hash,
    });
    const item = object({
      _schema_id: schemaId,
      _values: object({ name: Buffer.from(name) }),
      _severity: int32(0),
      _timestamp: uint64(5n),
      ...more,
    });
    this.indicate('_event', [item]);
  }

  indicate(content: string, list: Value, contentType = 'amqp/list'): void {
    this.peer.send('qmf.default.topic', {
      subject: 'agent.ind.event.com.example.WidgetResized',
      contentType,
      ...(this.messageId === undefined ? {} : { messageId: this.messageId }),
      applicationProperties: this.headers('_data_indication', { 'qmf.content': Buffer.from(content) }),
      body: value(list),
    });
  }

  answer(
    request: BareMessage,
    opcode: string,
    body: Value | Body,
    more: Readonly<Record<string, Value>> = {},
  ): void {
    const [node = '', subject] = (request.replyTo ?? '').split('/');
    const isBody = typeof body === 'object' && body !== null && 'form' in body;
    this.peer.send(node, {
      ...(subject === undefined ? {} : { subject }),
      ...(this.messageId === undefined ? {} : { messageId: this.messageId }),
      ...(request.correlationId === undefined ? {} : { correlationId: request.correlationId }),
      ...(isBody ? {} : { contentType: body instanceof Map ? 'amqp/map' : 'amqp/list' }),
      applicationProperties: this.headers(opcode, more),
      body: isBody ? body : value(body),
    });
  }

  /** A gadget as C++ agents send it. */
  gadget(name: string, count = 1): ValueMap {
    const { packageName, className, hash } = Gadget.schema.id;
    return object({
      _object_id: object({
        _agent_name: Buffer.from(this.name),
        _object_name: Buffer.from(name),
        _agent_epoch: uint32(1),
      }),
      _schema_id: object({
        _package_name: Buffer.from(packageName),
        _class_name: Buffer.from(className),
        _type: Buffer.from('_data'),
        _hash: hash,
      }),
      _values: object({ name: Buffer.from(name), count: int32(count) }),
    });
  }

  /** Answers locate requests, class queries and schema queries as a good agent does. */
  behave(): this {
    this.scripts.set('_agent_locate_request', request => {
      this.answer(request, '_agent_locate_response', object({ _values: this.values() }));
    });
    this.scripts.set('_query_request', request => {
      const map =
        request.body.form === 'value' && request.body.value instanceof Map
          ? (request.body.value as ValueMap)
          : undefined; // the only Map among values
      const schema = map?.get('_what') === 'SCHEMA';
      this.answer(request, '_query_response', [schema ? schemaToValue(Gadget.schema) : this.gadget('g1')], {
        'qmf.content': schema ? '_schema' : '_data',
      });
    });
    this.scripts.set('v1', request => {
      if (request.body.form !== 'data') return;
      const { sequence, className } = decodeSchemaRequestV1(request.body.bytes);
      const bytes =
        className === 'Gadget'
          ? encodeSchemaResponseV1(sequence, Gadget.schema)
          : Buffer.concat([
              Buffer.from('AM2z'),
              u32(sequence),
              u32(1),
              Buffer.from('\0\x07unknown', 'latin1'),
            ]);
      const [node = '', subject = ''] = (request.replyTo ?? '').split('/');
      this.peer.send(node, {
        subject,
        applicationProperties: object({ 'qmf.agent': Buffer.from(this.name) }),
        body: { form: 'data', bytes },
      });
    });
    return this;
  }
}

function u32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

/** A console session of ours, and a peer for scripted agents. */
export class ConsoleBench {
  readonly warnings: string[] = [];
  readonly changes: string[] = [];
  #broker: TestBroker | undefined;

  private constructor(
    readonly connection: BusConnection,
    readonly peer: RawPeer,
    readonly session: ConsoleSession,
  ) {}

  static async start(broker: TestBroker, options: ConsoleOptions = {}): Promise<ConsoleBench> {
    const connection = await connectTo(broker.url);
    const peer = await RawPeer.connect(broker.port);
    const warnings: string[] = [];
    const log = { debug: () => undefined, warn: (message: string) => void warnings.push(message) };
    const bench = new ConsoleBench(
      connection,
      peer,
      new ConsoleSession(connection, { requestTimeout: 4_000, log, ...options }),
    );
    log.warn = message => void bench.warnings.push(message);
    bench.session.onAgentChange(change => {
      if (change.agent.info.vendor === 'example.com')
        bench.changes.push(`${change.kind} ${change.agent.info.product}`);
    });
    return bench;
  }

  /** An open session that knows a good agent, at a broker that {@link close} stops. */
  static async knowingAgent<B extends TestBroker>(start: () => Promise<B>): Promise<KnowingBench<B>> {
    const broker = await start();
    const bench = await ConsoleBench.start(broker);
    bench.#broker = broker;
    await bench.session.open();
    return { broker, bench, ...(await bench.knownAgent()) };
  }

  /** A good agent that the open session knows. */
  async knownAgent(product = 'scripted'): Promise<KnownAgent> {
    const agent = (await ScriptedAgent.start(this.peer, product)).behave();
    agent.heartbeat();
    const known = await this.session.findAgent(({ name }) => name === agent.name);
    return { agent, known };
  }

  changed(what: string): Promise<true> {
    return until(`${what}; there was ${this.changes.join(', ')}`, () => this.changes.includes(what));
  }

  async close(): Promise<void> {
    this.session.close();
    await this.peer.close();
    await this.connection.close();
    await this.#broker?.stop();
  }
}

/** A scripted agent, and the same as the console sees it. */
export interface KnownAgent {
  readonly agent: ScriptedAgent;
  readonly known: ConsoleAgent;
}

export interface KnowingBench<B extends TestBroker> extends KnownAgent {
  readonly broker: B;
  readonly bench: ConsoleBench;
}
