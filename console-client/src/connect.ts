import {
  BusConnection,
  type ConnectionStatus,
  type ConsoleOptions,
  ConsoleSession,
  type EventClass,
  QmfError,
  type ReceivedEvent,
  type RetryPolicy,
  type Transport,
  transportFor,
  type TypedEvent,
  type WaitOptions,
} from '@imagefactory/qmf';
import { ImageFactory, PRODUCT, VENDOR } from '@imagefactory/schema';
import { BuildFeed } from './build-feed.js';
import { Factory } from './factory.js';

export interface ConnectOptions extends ConsoleOptions, WaitOptions {
  /**
   * `HOST`, `HOST:PORT` or `amqp://[user[:password]@]host[:port][/vhost]` for AMQP 1.0, with `amqp091://` for 0-9-1; default
   * `localhost`.
   */
  readonly broker?: string;
  /** A transport of the caller's instead of the one that `broker` means. */
  readonly transport?: Transport;
  /** How to come back after the bus was lost. The first connection is tried once, then it is an error. */
  readonly retry?: Partial<RetryPolicy>;
}

/**
 * Connects a console to the bus.
 *
 * @throws QmfError `unreachable`, `not_authorised`, `address_refused`, `timeout` (default after 10 s) or `aborted`
 */
export async function connectConsole(options: ConnectOptions = {}): Promise<ConnectedConsole> {
  const { timeout = 10_000, signal } = options;
  const connection = new BusConnection(
    options.transport ?? transportFor(options.broker ?? 'localhost', { clientName: 'console' }),
    {
      ...(options.retry === undefined ? {} : { retry: options.retry }),
    },
  );
  const session = new ConsoleSession(connection, options);
  try {
    await session.open();
    const refused = firstFailure(connection);
    connection.start();
    await Promise.race([
      connection.ready({ timeout, ...(signal === undefined ? {} : { signal }) }),
      refused.failed,
    ]);
    refused.stop();
    return new ConnectedConsole(connection, session);
  } catch (error) {
    session.close();
    await connection.close();
    throw error;
  }
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

/** A console on the bus. Close it when done: `await console.close()`, or `await using`. */
export class ConnectedConsole {
  readonly #feed: BuildFeed;

  constructor(
    readonly connection: BusConnection,
    /** The QMF session below, for everything that is not particular to Image Factory. */
    readonly session: ConsoleSession,
  ) {
    this.#feed = new BuildFeed(session);
  }

  /**
   * Finds an Image Factory agent by vendor and product, and its factory object.
   *
   * @param options.instance picks one among several agents; by default the first that shows up
   * @throws QmfError `timeout` when no agent shows up (default after 10 s)
   */
  async findFactory(options: WaitOptions & { readonly instance?: string } = {}): Promise<Factory> {
    const { instance, ...waiting } = options;
    const agent = await this.session
      .findAgent(
        ({ info }) =>
          info.vendor === VENDOR &&
          info.product === PRODUCT &&
          (instance === undefined || info.instance === instance),
        waiting,
      )
      .catch((error: unknown) => {
        throw error instanceof QmfError && error.code === 'timeout'
          ? new QmfError(
              'timeout',
              `no Image Factory agent (${VENDOR}:${PRODUCT}) answered at ${this.connection.broker}; is one running?`,
            )
          : error;
      });
    const [object] = await agent.objects(ImageFactory, waiting);
    if (object === undefined)
      throw new QmfError('schema_unknown', `${agent.name} publishes no ImageFactory object`);
    return new Factory(this.session, this.#feed, object);
  }

  /** Events from now on: of one class, typed; or of all. Leaving the loop stops listening. */
  events(): AsyncIterableIterator<ReceivedEvent>;
  events<C extends EventClass>(eventClass: C): AsyncIterableIterator<TypedEvent<C>>;
  events(eventClass?: EventClass): AsyncIterableIterator<unknown> {
    return eventClass === undefined ? this.session.events() : this.session.events(eventClass);
  }

  /** Comings and goings of the bus. */
  status(): AsyncIterableIterator<ConnectionStatus> {
    return this.connection.status();
  }

  /** Ends all loops and calls, and closes the connection. */
  async close(): Promise<void> {
    this.#feed.close();
    this.session.close();
    await this.connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
