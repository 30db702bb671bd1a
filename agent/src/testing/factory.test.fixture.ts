import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import {
  addressFromPlain,
  amqp10,
  BusConnection,
  type ConsoleAgent,
  ConsoleSession,
  type DataAddress,
  type PlainMap,
  type ReceivedEvent,
} from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { FACTORY_OBJECT, RECORDS_OBJECT } from '@imagefactory/schema';
import { type AgentOptions, type RunningAgent, startAgent } from '../runtime/index.js';
import { loggerTo } from '@imagefactory/factory/platform';
import { until } from '@imagefactory/factory/testing';
import { type Repository, WarehouseRepository } from '@imagefactory/factory/warehouse';

export const credentials =
  '<provider_credentials><mock_credentials><username>anna</username><password>pa55w0rd</password></mock_credentials></provider_credentials>';

/** Ids of something that was built or pushed, and how that went. */
export interface Outcome {
  readonly image: string;
  readonly build: string;
  readonly id: string;
  readonly status: string;
}

/** A broker, agents on it and in one directory, and a console of 2012. */
export class TestFactory {
  readonly log: string[] = [];
  /** Called at the very moment at which a build is heard to be over, with its status. */
  onEnd: (status: string) => void = () => undefined;
  /** The events that the console has heard. */
  readonly events: ReceivedEvent[] = [];
  readonly #ends = new Map<string, string>();
  #agent: RunningAgent | undefined;
  #console: ConsoleAgent | undefined;

  private constructor(
    readonly broker: RunningBroker,
    readonly directory: string,
    private readonly connection: BusConnection,
    private readonly session: ConsoleSession,
  ) {
    session.onEvent(event => {
      this.events.push(event);
      const { className, values } = event;
      const status = values['new_status'];
      if (className !== 'BuildAdaptorStatusEvent' || (status !== 'COMPLETED' && status !== 'FAILED')) return;
      this.onEnd(status);
      // Every event of that class has an address.
      this.#ends.set(addressFromPlain(values['addr'] as PlainMap).objectName, status);
    });
  }

  static async open(): Promise<TestFactory> {
    const broker = await startBroker();
    const connection = new BusConnection(amqp10(broker.url));
    const session = new ConsoleSession(connection);
    await session.open();
    connection.start();
    const directory = await mkdtemp(join(tmpdir(), 'archive-test-'));
    return new TestFactory(broker, directory, connection, session);
  }

  get imageDirectory(): string {
    return join(this.directory, 'images');
  }

  get agent(): RunningAgent {
    if (this.#agent === undefined) throw new Error('there is no agent');
    return this.#agent;
  }

  async start(
    warehouse: string | Repository | undefined,
    options: Partial<AgentOptions> = {},
  ): Promise<void> {
    this.#agent = await startAgent({
      bus: amqp10(this.broker.url),
      plugins: [mockOs({ stepDelay: 1 }), mockCloud({ stepDelay: 1 })],
      imageDirectory: this.imageDirectory,
      temporaryDirectory: this.directory,
      providerDirectory: this.directory,
      interval: 1,
      ...(warehouse === undefined
        ? {}
        : {
            warehouse:
              typeof warehouse === 'string'
                ? new WarehouseRepository(warehouse, { attempts: 2, backoff: 5, timeout: 2_000 })
                : warehouse,
          }),
      warehousePauses: { pause: 20, longestPause: 100, patience: 500 },
      log: loggerTo((level, message) => {
        if (level !== 'debug') this.log.push(`${level}: ${message}`);
      }),
      ...options,
    });
    await this.#agent.ready();
    await this.find(this.#agent.name, this.#agent.epoch);
  }

  async find(name: string, epoch: number): Promise<void> {
    this.#console = await this.session.findAgent(agent => agent.name === name && agent.info.epoch === epoch);
  }

  async stop(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = undefined;
  }

  async close(): Promise<void> {
    await this.stop();
    this.session.close();
    await this.connection.close();
    await this.broker.stop();
    await rm(this.directory, { recursive: true });
  }

  async call(
    method: string,
    inputs: Record<string, unknown>,
    [className, name] = ['ImageFactory', FACTORY_OBJECT],
  ): Promise<PlainMap> {
    const agent = this.#there();
    const [factory] = await agent.query(`{class:${className}}`);
    const address = factory?.address;
    if (address?.objectName !== name) throw new Error(`there is no ${name}`);
    // No answer of the factory's is anything but a plain map.
    return (await agent.invoke(address, method, undefined, inputs, {})) as PlainMap;
  }

  /** Calls a method of FactoryRecords. */
  records(method: string, inputs: Record<string, unknown>): Promise<PlainMap> {
    return this.call(method, inputs, ['FactoryRecords', RECORDS_OBJECT]);
  }

  async order(method: string, inputs: Record<string, unknown>): Promise<DataAddress> {
    const answer = await this.call(method, inputs);
    const [first] = (answer['build_adaptors'] ?? [answer['build_adaptor']]) as PlainMap[]; // by the schema
    if (first === undefined) throw new Error('no adaptor was made');
    return addressFromPlain(first);
  }

  /** Orders something and waits until it is over. */
  async done(method: string, inputs: Record<string, unknown>): Promise<Outcome> {
    return this.outcome(await this.order(method, inputs));
  }

  async outcome(address: DataAddress): Promise<Outcome> {
    await until(`${address.objectName} is over`, () => this.#ends.has(address.objectName), 30_000);
    const [object] = await this.#there().query({ address });
    const text = (name: string): string => {
      const value = object?.values[name];
      return typeof value === 'string' ? value : '';
    };
    return {
      image: text('image'),
      build: text('build'),
      id: text('image_id'),
      status: this.#ends.get(address.objectName) ?? '',
    };
  }

  async abort(address: DataAddress): Promise<void> {
    await this.#there().invoke(address, 'abort', undefined, {}, {});
  }

  build(inputs: Record<string, unknown> = {}): Promise<Outcome> {
    const template = '<template><name>web</name></template>';
    return this.done('build_image', { image: '', build: '', template, targets: ['mock'], ...inputs });
  }

  push({ image, build }: Pick<Outcome, 'image' | 'build'>, provider = 'mock-one'): Promise<Outcome> {
    return this.done('push_image', { image, build, providers: [provider], credentials });
  }

  #there(): ConsoleAgent {
    if (this.#console === undefined) throw new Error('there is no agent');
    return this.#console;
  }
}
