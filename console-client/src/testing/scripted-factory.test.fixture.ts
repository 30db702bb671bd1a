import { randomUUID } from 'node:crypto';
import {
  AgentException,
  AgentSession,
  amqp10,
  BusConnection,
  type Clock,
  type EventClass,
  type ManagedObject,
  type PlainMap,
  type ValuesOf,
} from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import {
  ADAPTOR_PREFIX,
  BuildAdaptor,
  BuildAdaptorOnBus,
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
  FACTORY_OBJECT,
  ImageFactory,
  PRODUCT,
  VENDOR,
} from '@imagefactory/schema';
import { ownPort } from './own-port.test.fixture.js';
import { ScriptedRecords } from './scripted-records.test.fixture.js';

type Adaptor = ManagedObject<typeof BuildAdaptorOnBus>;

/** A factory whose builds do what a test says, on a real bus: the embedded broker. */
export class ScriptedFactory {
  readonly adaptors: Adaptor[] = [];
  /** Runs once the caller has its answer. */
  onBuild: (adaptor: Adaptor) => void = () => undefined;
  /** Set to raise events before the answer goes out, as a careless agent would. */
  beforeReply: (adaptor: Adaptor) => void = () => undefined;
  lastInputs: Readonly<Record<string, unknown>> = {};
  /** Orders by `build_image` without a key. */
  orders = 0;
  /** Absent as of agents of other makes. */
  records: ScriptedRecords | undefined;

  private constructor(
    readonly broker: RunningBroker,
    readonly connection: BusConnection,
    readonly session: AgentSession,
  ) {}

  static async start(
    options: {
      broker?: RunningBroker;
      epoch?: number;
      instance?: string;
      clock?: Clock;
      /** Whether it has its events on record, for consoles to read. */
      records?: boolean;
      /** Milliseconds that it stays away when it has lost the bus; by default any time up to 50. */
      returnsAfter?: number;
    } = {},
  ): Promise<ScriptedFactory> {
    const broker = options.broker ?? (await startBroker({ port: ownPort() }));
    const { returnsAfter } = options;
    const connection = new BusConnection(
      amqp10(broker.url),
      returnsAfter === undefined
        ? { retry: { initialDelay: 20, maxDelay: 50 } }
        : { retry: { initialDelay: returnsAfter, maxDelay: returnsAfter }, random: () => 1 },
    );
    const session = new AgentSession(connection, {
      vendor: VENDOR,
      product: PRODUCT,
      instance: options.instance ?? randomUUID(),
      epoch: options.epoch ?? 1,
      interval: 1,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    });
    const factory = new ScriptedFactory(broker, connection, session);
    session.publish(ImageFactory, {
      name: FACTORY_OBJECT,
      values: {},
      methods: {
        build_image: (inputs, call) => {
          factory.lastInputs = inputs;
          factory.orders++;
          if (inputs.target !== 'mock') throw new AgentException(`target: ${inputs.target} is not known`, 4);
          const adaptor = factory.makeBuild(inputs.descriptor);
          factory.beforeReply(adaptor);
          call.afterReply(() => factory.onBuild(adaptor));
          return { build_adaptor: adaptor.addressMap };
        },
      },
    });
    if (options.records === true) factory.records = new ScriptedRecords(session);
    await session.open();
    connection.start();
    await connection.ready({ timeout: 5_000 });
    return factory;
  }

  /** A build that no event announces. */
  makeBuild(descriptor: string, name: string = ADAPTOR_PREFIX + randomUUID()): Adaptor {
    const adaptor = this.session.publish(BuildAdaptorOnBus, {
      shownAs: BuildAdaptor,
      name,
      values: { descriptor, target: 'mock', status: 'NEW', percent_complete: 0, finished_image: '' },
      methods: { abort: () => ({}) },
    });
    this.adaptors.push(adaptor);
    return adaptor;
  }

  async status(adaptor: Adaptor, status: string): Promise<void> {
    const old = adaptor.values.status;
    adaptor.update({ status });
    const values = { event: 'STATUS', new_status: status, old_status: old };
    await this.#raise(BuildAdaptorStatusEvent, { addr: adaptor.addressMap, ...values });
  }

  async percent(adaptor: Adaptor, percent: number): Promise<void> {
    adaptor.update({ percent_complete: percent });
    const values = { event: 'PERCENTAGE', percent_complete: percent };
    await this.#raise(BuildAdaptorPercentCompleteEvent, { addr: adaptor.addressMap, ...values });
  }

  async failure(adaptor: Adaptor, type: string, info: string): Promise<void> {
    await this.#raise(BuildFailedEvent, { addr: adaptor.addressMap, event: 'FAILURE', type, info });
  }

  async #raise<C extends EventClass>(eventClass: C, values: ValuesOf<C> & PlainMap): Promise<void> {
    const properties = this.records?.add(values) ?? {};
    await this.session.raise(eventClass, values, { properties });
  }

  /** A whole good build. */
  async complete(adaptor: Adaptor): Promise<void> {
    await this.status(adaptor, 'BUILDING');
    await this.percent(adaptor, 50);
    adaptor.update({ finished_image: '/images/one.body' });
    await this.status(adaptor, 'COMPLETED');
  }

  /** Takes the agent off the bus, without the broker. */
  async leave(): Promise<void> {
    this.session.close();
    await this.connection.close();
  }

  async stop(): Promise<void> {
    await this.leave();
    await this.broker.stop();
  }
}
