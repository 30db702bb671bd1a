import { setTimeout as sleep } from 'node:timers/promises';
import {
  BusConnection,
  type ConnectionStatus,
  type ConsoleAgent,
  ConsoleSession,
  type EventClass,
  QmfError,
  type ReceivedEvent,
  type TransportOptions,
  transportsFor,
  type TypedEvent,
  type WaitOptions,
} from '@imagefactory/qmf';
import { ImageFactory, PRODUCT, VENDOR } from '@imagefactory/schema';
import { Factory } from './factory.js';
import type { ConnectOptions } from './connect-options.js';
import { loginName } from './login-name.js';
import { type EventsOptions, FactoryEvents, type StreamDelivery } from './factory-events.js';
import type { Delivery } from './tracking/delivery.js';
import { EndChecks } from './tracking/end-checks.js';
import { leastLoadedOf } from './records/least-loaded.js';
import { Trackers } from './tracking/trackers.js';

const SILENCE = 10_000;
/** Milliseconds in which agents that are there answer a new console. */
const QUIET = 250;

/**
 * Connects a console to the bus.
 *
 * @throws QmfError `unreachable`, `tls_failed`, `not_authorised`, `address_refused`, `invalid_argument`, `timeout` (default after 10 s) or `aborted`
 */
export async function connectConsole(options: ConnectOptions = {}): Promise<ConnectedConsole> {
  const { timeout = 10_000, signal } = options;
  const connection = new BusConnection(
    options.transport ?? transportsFor(options.broker ?? 'localhost', transportOptions(options)),
    {
      // A little less, so that the reason of each broker, or its silence, is known by the end.
      firstRound: timeout * 0.9,
      ...(options.retry === undefined ? {} : { retry: options.retry }),
      ...(options.renewal === undefined ? {} : { renewal: options.renewal }),
      ...(options.timers === undefined ? {} : { timers: options.timers }),
    },
  );
  const userId = options.userId ?? loginName(options);
  const session = new ConsoleSession(connection, userId === undefined ? options : { ...options, userId });
  try {
    await session.open();
    const refused = firstFailure(connection);
    connection.start();
    await Promise.race([
      connection.ready({ timeout, ...(signal === undefined ? {} : { signal }) }),
      refused.failed,
    ]);
    refused.stop();
    return new ConnectedConsole(connection, session, options);
  } catch (error) {
    session.close();
    await connection.close();
    throw error;
  }
}

/** The form of bodies is the session's business here: what it is told goes for requests only. */
function transportOptions({ bodyForm: _, ...options }: ConnectOptions): TransportOptions {
  return { clientName: 'console', ...options };
}

/** Someone who connects for the first time wants to hear at once that it does not work. */
function firstFailure(connection: BusConnection): { failed: Promise<never>; stop: () => void } {
  let stop: () => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    stop = connection.onStatus(status => {
      if (status.kind === 'waiting') reject(status.reason);
    });
  });
  return { failed, stop };
}

export interface FindFactoryOptions extends WaitOptions {
  readonly instance?: string;
  readonly leastLoaded?: boolean;
}

/** A console on the bus. Close it when done: `await console.close()`, or `await using`. */
export class ConnectedConsole {
  readonly #trackers: Trackers;
  readonly #checks: EndChecks;
  readonly #openedAt = performance.now();
  readonly #events: FactoryEvents;

  constructor(
    readonly connection: BusConnection,
    /** The QMF session below, for everything that is not particular to Image Factory. */
    readonly session: ConsoleSession,
    { silence = SILENCE, confirmWithin }: Pick<ConnectOptions, 'silence' | 'confirmWithin'> = {},
  ) {
    this.#checks = new EndChecks(session, confirmWithin);
    this.#trackers = new Trackers(session, silence, this.#checks);
    this.#events = new FactoryEvents(this.#trackers);
  }

  /**
   * Finds an Image Factory agent by vendor and product, and its factory object.
   *
   * @param options.instance picks one among several agents
   * @param options.leastLoaded picks the one with the fewest jobs that have not ended; those that do not answer are left out
   * @throws QmfError `timeout` when no agent shows up (default after 10 s); `invalid_argument` when there are several and none is picked
   */
  async findFactory(options: FindFactoryOptions = {}): Promise<Factory> {
    const { instance, leastLoaded = false, ...waiting } = options;
    const isMeant = ({ info }: ConsoleAgent): boolean =>
      info.vendor === VENDOR &&
      info.product === PRODUCT &&
      (instance === undefined || info.instance === instance);
    let agent = await this.session.findAgent(isMeant, waiting).catch((error: unknown) => {
      throw error instanceof QmfError && error.code === 'timeout'
        ? new QmfError(
            'timeout',
            `no Image Factory agent (${VENDOR}:${PRODUCT}) answered at ${this.connection.broker}; is one running?`,
          )
        : error;
    });
    if (instance === undefined) {
      await this.#othersAnswered();
      const agents = this.session.agents().filter(isMeant);
      if (agents.length > 1 && !leastLoaded) {
        const names = agents.map(({ name }) => name).sort();
        throw new QmfError(
          'invalid_argument',
          `instance: ${names.length} Image Factory agents are there, give that of one, or leastLoaded: ${names.join(', ')}`,
        );
      }
      if (agents.length > 1) agent = await leastLoadedOf(agents, waiting);
    }
    const [object] = await agent.objects(ImageFactory, waiting);
    if (object === undefined)
      throw new QmfError('schema_unknown', `${agent.name} publishes no ImageFactory object`);
    return new Factory(this.session, this.#trackers, object);
  }

  /** Resolves when all agents have had time to answer the first question for them. */
  async #othersAnswered(): Promise<void> {
    const left = this.#openedAt + QUIET - performance.now();
    if (left > 0) await sleep(left);
  }

  /**
   * Events from now on: of one class, typed; or of all. Leaving the loop stops listening. After a gap the agents are asked, and
   * what happened to builds meanwhile is filled in, marked `caughtUp`. Where the reader was too slow, `droppedBefore` says so.
   * The loop throws when the connection is given up.
   */
  events(options?: EventsOptions): AsyncIterableIterator<ReceivedEvent & StreamDelivery>;
  events<C extends EventClass>(
    eventClass: C,
    options?: EventsOptions,
  ): AsyncIterableIterator<TypedEvent<C> & StreamDelivery>;
  events(first?: EventClass | EventsOptions, options?: EventsOptions): AsyncIterableIterator<unknown> {
    if (first === undefined || !('schema' in first)) return this.#events.stream(({ event }) => event, first);
    return this.#events.stream(({ decoded, event }) => {
      const typed = decoded.as(first);
      return typed === undefined ? undefined : { ...typed, ...deliveryOf(event) };
    }, options);
  }

  /** The same, told to a listener at once; the result unsubscribes. */
  onEvent(listener: (event: ReceivedEvent & Delivery) => void): () => void {
    return this.#trackers.listen(({ event }) => listener(event));
  }

  /** Events that {@link events} had to drop because their reader was too slow. */
  get droppedEvents(): number {
    return this.#events.dropped;
  }

  /** Comings and goings of the bus. */
  status(): AsyncIterableIterator<ConnectionStatus> {
    return this.connection.status();
  }

  /** Ends all loops and calls, and closes the connection. */
  async close(): Promise<void> {
    this.#trackers.close();
    this.#checks.close();
    this.session.close();
    await this.connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function deliveryOf({ caughtUp, sequence, confirmed }: Delivery): Delivery {
  return {
    caughtUp,
    ...(sequence === undefined ? {} : { sequence }),
    ...(confirmed === undefined ? {} : { confirmed }),
  };
}
