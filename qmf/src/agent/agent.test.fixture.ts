import { randomUUID } from 'node:crypto';
import type { BareMessage, Body } from '../codec/amqp10-message.js';
import { encodeList, encodeMap } from '../codec/amqp010.js';
import type { BusConnection } from '../connection/index.js';
import { connectTo, type TestBroker } from '../testing/brokers.test.fixture.js';
import { type Inbox, RawPeer } from '../testing/raw-peer.test.fixture.js';
import { Gadget } from '../testing/widgets.test.fixture.js';
import { mapOf, textOf } from '../value/text.js';
import type { Value, ValueList, ValueMap } from '../value/value.js';
import { AgentException } from '../message/exception.js';
import { AgentSession } from './agent-session.js';
import type { ManagedObject } from './managed-object.js';
import type { MethodCall } from './object-store.js';
import type { AgentOptions } from './options.js';

/** An agent with one gadget, and an old console beside it, both on one broker. */
export class AgentBench {
  readonly afterReply: (() => void)[] = [];
  readonly warnings: string[] = [];
  /** Calls of `echo`. */
  calls: readonly MethodCall[] = [];

  private constructor(
    readonly connection: BusConnection,
    readonly console: RawPeer,
    readonly agent: AgentSession,
    readonly gadget: ManagedObject<typeof Gadget>,
    /** What comes to the console's own key, as C++ consoles have it. */
    readonly inbox: Inbox,
    readonly replyTo: string,
  ) {}

  static async start(broker: TestBroker, options: Partial<AgentOptions> = {}): Promise<AgentBench> {
    const connection = await connectTo(broker.url);
    const warnings: string[] = [];
    const log = { debug: () => undefined, warn: (message: string) => void warnings.push(message) };
    const agent = new AgentSession(connection, {
      vendor: 'example.com',
      product: 'gadgetd',
      instance: randomUUID(),
      interval: 3_600,
      log,
      ...options,
    });
    const bench: { current?: AgentBench } = {};
    const calls: MethodCall[] = [];
    const gadget = agent.publish(Gadget, {
      name: 'g1',
      values: { name: 'left', count: 3 },
      methods: {
        echo: (inputs, call) => {
          calls.push(call);
          return inputs;
        },
        fail: ({ how }) => {
          if (how === 'result') return { oops: 1 };
          if (how === 'agent') throw new AgentException('told to', 70_000);
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- handlers in plain JavaScript may throw anything
          if (how === 'string') throw new Oddity();
          if (how === 'reject') return Promise.reject(new Error('rejected'));
          throw new Error(how);
        },
        hang: () => new Promise<never>(() => undefined),
        start: (_inputs, call) => {
          for (const action of bench.current?.afterReply ?? []) call.afterReply(action);
          return { handle: { _object_name: 'g1' } };
        },
      },
    });
    await agent.open();
    const console = await RawPeer.connect(broker.port);
    const key = `direct-console.${randomUUID()}`;
    const inbox = await console.listen('qmf.default.topic', key);
    bench.current = new AgentBench(connection, console, agent, gadget, inbox, `qmf.default.topic/${key}`);
    bench.current.calls = calls;
    bench.current.warnings.push(...warnings);
    log.warn = message => void bench.current?.warnings.push(message);
    return bench.current;
  }

  async close(): Promise<void> {
    this.agent.close();
    await this.console.close();
    await this.connection.close();
  }

  /** Sends a request as C++ consoles do, and gives the answer. */
  async ask(opcode: string, body: Body, more: Partial<BareMessage> = {}): Promise<BareMessage> {
    const correlationId = randomUUID();
    this.send(opcode, body, { correlationId, ...more });
    return this.inbox.answerTo(correlationId);
  }

  send(opcode: string, body: Body, more: Partial<BareMessage> = {}): void {
    this.console.send('qmf.default.topic', {
      subject: this.agent.directSubject,
      replyTo: this.replyTo,
      contentType: 'amqp/map',
      applicationProperties: requestHeaders(opcode),
      ...more,
      body,
    });
  }

  query(map: ValueMap): Promise<BareMessage> {
    return this.ask('_query_request', value(map));
  }

  call(method: string, args: ValueMap, more: Partial<BareMessage> = {}): Promise<BareMessage> {
    return this.ask('_method_request', value(methodBody(this.agent.name, method, args)), more);
  }
}

/** What no program should throw, and some do. */
class Oddity {
  toString(): string {
    throw new Error('not even this');
  }
}

export const requestHeaders = (opcode: string): ValueMap =>
  new Map([
    ['method', 'request'],
    ['qmf.opcode', opcode],
    ['x-amqp-0-10.app-id', 'qmf2'],
  ]);

export const value = (content: Value): Body => ({ form: 'value', value: content });
export const dataMap = (map: ValueMap): Body => ({ form: 'data', bytes: encodeMap(map) });
export const dataList = (list: ValueList): Body => ({ form: 'data', bytes: encodeList(list) });

export const object = (entries: Readonly<Record<string, Value>>): ValueMap =>
  new Map(Object.entries(entries));

export const methodBody = (agent: string, method: string, args: ValueMap, name = 'g1'): ValueMap =>
  object({
    _object_id: object({ _agent_name: agent, _object_name: name }),
    _method_name: method,
    _arguments: args,
  });

export const classId = (packageName: string, className: string): ValueMap =>
  object({ _package_name: packageName, _class_name: className, _type: '_data' });

export function opcodeOf(message: BareMessage): string | undefined {
  return textOf(message.applicationProperties?.get('qmf.opcode'));
}

export function bodyMap({ body }: BareMessage): ValueMap {
  return (body.form === 'value' ? mapOf(body.value) : undefined) ?? new Map<string, Value>();
}

export function bodyList({ body }: BareMessage): readonly ValueMap[] {
  if (body.form !== 'value' || !Array.isArray(body.value)) throw new Error('the body is no list');
  return (body.value as ValueList).map(item => mapOf(item) ?? new Map<string, Value>()); // Array.isArray does not narrow readonly arrays
}

/** Text and code of an exception. */
export function exceptionIn(message: BareMessage): { text: string; code: unknown } {
  const values = mapOf(bodyMap(message).get('_values'));
  const code = values?.get('error_code');
  return {
    text:
      opcodeOf(message) === '_exception'
        ? (textOf(values?.get('error_text')) ?? '')
        : `(${opcodeOf(message)})`,
    code: typeof code === 'object' && code !== null && 'value' in code ? code.value : undefined,
  };
}
