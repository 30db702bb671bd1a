import {
  BusConnection,
  ConsoleSession,
  type ConsoleAgent,
  transportFor,
  type TypedObject,
} from '@imagefactory/qmf';
import { BuildAdaptor, BuildAdaptorStatusEvent, ImageFactory } from '@imagefactory/schema';
import { cpuTime, residentMemory, serve } from '../process/serve.js';
import { median } from '../statistics.js';
import { measureCalls } from './calls.js';
import { clock, type Outcomes, type QmfRequester } from './contract.js';
import { plainQuery, Pressure, worstQuery } from './pressure.js';
import { callInputs } from './sample.js';

interface Connected {
  readonly connection: BusConnection;
  readonly session: ConsoleSession;
  readonly agent: ConsoleAgent;
  readonly factory: TypedObject<typeof ImageFactory>;
}

/** A console that calls, queries and listens by the typed interface. */
class BenchConsole implements QmfRequester {
  #connected: Connected | undefined;
  readonly #pressure = new Pressure();
  #lastEvent: Promise<number> = Promise.reject(new Error('no events are expected'));

  constructor() {
    this.#lastEvent.catch(() => undefined);
  }

  readonly start = async ({
    broker,
    instance,
  }: {
    readonly broker: string;
    readonly instance: string;
  }): Promise<void> => {
    const connection = new BusConnection(transportFor(broker, { clientName: 'bench-console' }));
    const session = new ConsoleSession(connection);
    await session.open();
    connection.start();
    await connection.ready();
    const agent = await session.findAgent(({ info }) => info.instance === instance);
    const [factory] = await agent.objects(ImageFactory);
    if (factory === undefined) throw new Error('the agent has no factory');
    this.#connected = { connection, session, agent, factory };
  };

  readonly calls = ({ count, inFlight }: { readonly count: number; readonly inFlight: number }) => {
    const { factory } = this.#open();
    return measureCalls(count, inFlight, (answered, failed) => {
      factory.call('build_image', callInputs).then(answered, failed);
    });
  };

  readonly queries = async ({ count }: { readonly count: number }) => {
    const { agent } = this.#open();
    const times: number[] = [];
    let objects = 0;
    for (let index = 0; index < count; index++) {
      const begin = performance.now();
      objects = (await agent.objects(BuildAdaptor)).length;
      times.push(performance.now() - begin);
    }
    return { milliseconds: median(times), objects };
  };

  readonly expectEvents = ({ count }: { readonly count: number }): Promise<void> => {
    this.#lastEvent = lastOf(this.#open().session.events(BuildAdaptorStatusEvent), count);
    return Promise.resolve();
  };

  readonly eventsReceived = (): Promise<number> => this.#lastEvent;

  readonly nextEventSince = ({ time }: { readonly time: number }): Promise<number> => {
    const { session } = this.#open();
    return new Promise(resolve => {
      const unlisten = session.onEvent(({ values }) => {
        if (Number(values.old_status) < time) return;
        unlisten();
        resolve(clock());
      });
    });
  };

  readonly flood = ({ inFlight }: { readonly inFlight: number }): Promise<void> => {
    const { factory } = this.#open();
    this.#pressure.keepGoing(inFlight, () => factory.call('build_image', callInputs));
    return Promise.resolve();
  };

  readonly askMuch = (): Promise<void> => {
    const { agent } = this.#open();
    this.#pressure.keepGoing(1, () => agent.query(worstQuery));
    return Promise.resolve();
  };

  readonly calm = (): Promise<Outcomes> => this.#pressure.calm();

  readonly callAtOnce = ({ count }: { readonly count: number }): Promise<Outcomes> => {
    const { connection, factory } = this.#open();
    return new Pressure().burst(count, connection, () => factory.call('build_image', callInputs));
  };

  readonly queryTimes = async (): Promise<{ readonly plain: number; readonly worst: number }> => {
    const { agent } = this.#open();
    const time = async (query: typeof worstQuery): Promise<number> => {
      const begin = performance.now();
      await agent.query(query).catch(() => undefined);
      return performance.now() - begin;
    };
    return { plain: await time(plainQuery), worst: await time(worstQuery) };
  };

  readonly memory = residentMemory;

  readonly cpuTime = cpuTime;

  #open(): Connected {
    if (this.#connected === undefined) throw new Error('the console was not started');
    return this.#connected;
  }
}

async function lastOf(stream: AsyncIterableIterator<unknown>, count: number): Promise<number> {
  for (let received = 0; received < count; received++) await stream.next();
  const at = clock();
  await stream.return?.();
  return at;
}

serve(new BenchConsole());
