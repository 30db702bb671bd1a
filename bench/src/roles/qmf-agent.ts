import { callerShares } from '@imagefactory/agent';
import { AgentSession, BusConnection, transportFor } from '@imagefactory/qmf';
import {
  BuildAdaptor,
  BuildAdaptorStatusEvent,
  FACTORY_OBJECT,
  ImageFactory,
  PRODUCT,
  VENDOR,
} from '@imagefactory/schema';
import { cpuTime, residentMemory, serve } from '../process/serve.js';
import { clock, type QmfResponder } from './contract.js';
import { OBJECTS, objectName, objectValues } from './sample.js';
import { sendWindowed } from './windowed.js';

/** An agent with the factory's own classes, which answers calls at once and builds nothing. */
class BenchAgent implements QmfResponder {
  #session: AgentSession | undefined;
  #address: Readonly<Record<string, string | number>> = {};

  readonly start = async ({
    broker,
    instance,
  }: {
    readonly broker: string;
    readonly instance: string;
  }): Promise<void> => {
    const connection = new BusConnection(transportFor(broker, { clientName: 'bench-agent' }));
    const session = new AgentSession(connection, {
      vendor: VENDOR,
      product: PRODUCT,
      instance,
      shares: callerShares(),
    });
    session.register(BuildAdaptorStatusEvent);
    for (let index = 0; index < OBJECTS; index++) {
      session.publish(BuildAdaptor, { name: objectName(index), values: objectValues(index), methods: {} });
    }
    const address = { _agent_name: session.name, _object_name: objectName(0), _agent_epoch: 1 };
    session.publish(ImageFactory, {
      name: FACTORY_OBJECT,
      values: {},
      methods: { build_image: () => ({ build_adaptor: address }) },
    });
    this.#address = address;
    this.#session = session;
    await session.open();
    connection.start();
    await connection.ready();
  };

  readonly raise = async ({ count, window }: { readonly count: number; readonly window: number }) => {
    const session = this.#session;
    if (session === undefined) throw new Error('the agent was not started');
    const values = {
      addr: this.#address,
      event: 'STATUS',
      new_status: 'BUILDING',
      old_status: 'INITIALIZING',
    };
    const begin = clock();
    await sendWindowed(count, window, accepted => {
      void session.raise(BuildAdaptorStatusEvent, values).then(accepted);
    });
    return begin;
  };

  readonly drip = ({ pause }: { readonly pause: number }): Promise<void> => {
    const session = this.#session;
    if (session === undefined) throw new Error('the agent was not started');
    setInterval(() => {
      void session.raise(BuildAdaptorStatusEvent, {
        addr: this.#address,
        event: 'STATUS',
        new_status: 'BUILDING',
        old_status: String(clock()),
      });
    }, pause);
    return Promise.resolve();
  };

  readonly memory = residentMemory;

  readonly cpuTime = cpuTime;
}

serve(new BenchAgent());
