import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import rhea, { type Container } from 'rhea';
import { QmfError } from '../errors.js';
import { requireLibrary } from '../libraries.js';
import { BindNews } from './bind-news.js';
import { type Client, Clients } from './clients.js';
import { BrokerConnection } from './connection.js';
import { type AttachedLink, FaultSwitches, type SaidError } from './faults/index.js';
import { NodeRegistry } from './node-registry.js';
import { OutputTotal } from './output-total.js';
import { type BrokerOptions, type BrokerSettings, brokerSettings } from './options.js';
import type { QueueStats } from './queue.js';
import { eachResource, type Quotas, quotasOf, type Resource } from './quota.js';

export interface BrokerStats {
  readonly connections: number;
  /** Those of them that have not been opened yet. */
  readonly handshakes: number;
  /** What is in use of each limit. */
  readonly used: Readonly<Record<Resource, number>>;
  /** Bytes that wait for slow peers. */
  readonly output: number;
  readonly queues: readonly QueueStats[];
  readonly exchanges: readonly { readonly name: string; readonly type: string; readonly bindings: number }[];
}

/** A broker that is up. */
export interface RunningBroker {
  readonly host: string;
  readonly port: number;
  /** `amqp://host:port` */
  readonly url: string;
  /** Makes an exchange; one of that name that exists already stays what it is. */
  addExchange(name: string, type: 'topic' | 'direct'): void;
  stats(): BrokerStats;
  /** Cuts every connection off without a word, as a crash would; the broker goes on. */
  dropConnections(): void;
  /** Makes the broker misbehave, for tests of its peers. */
  readonly faults: FaultSwitches;
  /** Closes every connection and the port; settles when both are closed, within a second. */
  stop(): Promise<void>;
}

/**
 * Starts an AMQP 1.0 broker inside this process: for demos, tests, and a factory on a machine of its own. It is for one machine:
 * nothing is stored, nothing is shared with other brokers, and there is no TLS. Addresses behave as qpidd's do, so that what works
 * here works there; `behaviour.test.script.ts` is the proof, run against both.
 *
 * Different from qpidd on purpose: no QMF agent of its own; no transactions, no filter on a queue and no browsing (refused with
 * `amqp:not-implemented`); messages go out byte for byte as they came, so delivery-count and ttl are not brought up to date; the
 * `timeout` of a source and `durable` have no effect; publishers take turns in a queue, which keeps the order of each, not of all; a
 * bound on what a peer may send or leave lying, beyond which it is cut off.
 *
 * @throws QmfError `unreachable` when the address can't be listened on, `invalid_argument` for users or roles that contradict
 *   each other, `library_unsupported` for a version of rhea that it was not made for
 */
export async function startBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  requireLibrary('rhea');
  const broker = new Broker(brokerSettings(options));
  const port = await broker.listen();
  const { host } = broker.settings;
  return {
    host,
    port,
    url: `amqp://${host.includes(':') ? `[${host}]` : host}:${port}`,
    addExchange: (name, type) => broker.addExchange(name, type),
    stats: () => broker.stats(),
    dropConnections: () => broker.dropConnections(),
    faults: broker.faults,
    stop: () => broker.stop(),
  };
}

class Broker {
  readonly #container: Container;
  readonly #output: OutputTotal;
  readonly #nodes: NodeRegistry;
  readonly #quotas: Quotas;
  readonly #bindNews: BindNews;
  readonly #clients: Clients;
  readonly #connections = new Set<BrokerConnection>();
  #sweeping: NodeJS.Timeout | undefined;
  readonly #server: Server;
  readonly faults: FaultSwitches;
  /** Sockets that a fault switch leaves without an answer. */
  readonly #ignored = new Set<Socket>();

  constructor(readonly settings: BrokerSettings) {
    this.#quotas = quotasOf(settings.limits);
    this.#nodes = new NodeRegistry(settings.queueBounds, settings.now, this.#quotas);
    this.#bindNews = new BindNews(this.#nodes, settings.now);
    this.#clients = new Clients(
      this.#quotas,
      settings.users.size > 0,
      user => (user === undefined ? settings.anonymousRole : settings.users.get(user)?.role),
      client => this.#nodes.leaveBehind(client),
    );
    for (const [name, type] of settings.exchanges) this.#nodes.ensureExchange(name, type);
    this.#container = container(settings);
    this.#server = createServer(socket => this.#accept(socket));
    this.#output = new OutputTotal(settings.maxOutput);
    this.faults = new FaultSwitches(settings.faults, {
      close: error =>
        this.#sum(connection => {
          connection.close(error);
          return 1;
        }),
      endSessions: error => this.#sum(connection => connection.endSessions(error)),
      detach: (matches, error) => this.#sum(connection => connection.detach(matches, error)),
      deleteExchange: name => {
        const wasThere = this.#nodes.deleteExchange(name);
        const isIts = ({ role, address }: AttachedLink): boolean => role === 'sender' && address === name;
        this.#sum(connection => connection.detach(isIts, { condition: 'amqp:resource-deleted' }));
        return wasThere;
      },
      unbind: (exchange, matches) => this.#nodes.exchange(exchange)?.unbind(matches) ?? 0,
      replenish: () => {
        for (const connection of this.#connections) connection.replenish();
      },
      freeze: frozen => {
        for (const connection of this.#connections) connection.freeze(frozen);
      },
    });
  }

  /** Gives the port, which is another one than asked for when that was 0. */
  async listen(): Promise<number> {
    this.#server.listen(this.settings.port, this.settings.host);
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      throw new QmfError(
        'unreachable',
        `The broker cannot listen on ${this.settings.host}:${this.settings.port}`,
        { cause: error },
      );
    }
    this.#server.on('error', error => this.settings.onEvent({ level: 'warn', message: error.message }));
    this.#sweeping = setInterval(() => this.#nodes.sweep(), this.settings.unusedNodeTimeout);
    this.#sweeping.unref();
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : this.settings.port;
  }

  #sum(count: (connection: BrokerConnection) => number): number {
    return [...this.#connections].reduce((sum, connection) => sum + count(connection), 0);
  }

  addExchange(name: string, type: 'topic' | 'direct'): void {
    this.#nodes.ensureExchange(name, type);
  }

  stats(): BrokerStats {
    return {
      connections: this.#connections.size,
      handshakes: this.#inHandshake().length,
      used: eachResource(resource => this.#quotas[resource].used),
      output: this.#output.waiting,
      queues: [...this.#nodes.queues].map(queue => queue.stats()),
      exchanges: [...this.#nodes.exchanges].map(({ name, type, bindings }) => ({ name, type, bindings })),
    };
  }

  dropConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    clearInterval(this.#sweeping);
    for (const connection of this.#connections) {
      connection.freeze(false);
      connection.close({ condition: 'amqp:connection:forced', description: 'The broker is stopping' });
    }
    for (const socket of this.#ignored) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const fault = this.faults.onConnect();
    if (fault === 'cut') {
      socket.resetAndDestroy();
      return;
    }
    if (fault === 'ignore') {
      this.#ignored.add(socket.on('error', () => undefined).on('close', () => this.#ignored.delete(socket)));
      return;
    }
    const connection = new BrokerConnection(socket, {
      container: this.#container,
      settings: this.settings,
      nodes: this.#nodes,
      bindNews: this.#bindNews,
      faults: this.faults,
      output: this.#output,
      closeAtOnce: fault && { error: fault.error },
      enter: user => this.#enter(user),
      leave: client => this.#clients.leave(client),
      closed: gone => this.#connections.delete(gone),
    });
    this.#connections.add(connection);
    const [oldest, ...others] = this.#inHandshake();
    if (others.length >= this.settings.maxHandshakes) oldest?.makeWay();
  }

  #inHandshake(): readonly BrokerConnection[] {
    return [...this.#connections].filter(({ inHandshake }) => inHandshake);
  }

  #enter(user: string | undefined): Client | SaidError {
    const { maxConnections, users } = this.settings;
    const open = this.#clients.connections;
    const own = user === undefined && users.size === 0 ? 0 : this.#clients.connectionsOf(user);
    if (own + 1 <= maxConnections - open) return this.#clients.enter(user);
    return {
      condition: 'amqp:resource-limit-exceeded',
      description: `There are ${open} connections, ${own} of them of this client; close some, or raise "maxConnections" of the broker`,
    };
  }
}

function container({ users, allowAnonymous, onEvent }: BrokerSettings): Container {
  const container = rhea.create_container({ id: rhea.generate_uuid() });
  container.on('error', (error: unknown) => {
    onEvent({ level: 'warn', message: error instanceof Error ? error.message : String(error) });
  });
  // The typings leave the two methods out; lib/sasl.js of rhea 3.0 has them.
  const mechanisms = container.sasl_server_mechanisms as {
    enable_plain(check: (user: string | null, password: string | null) => boolean): void;
    enable_anonymous(): void;
  };
  if (users.size > 0) {
    mechanisms.enable_plain((user, password) =>
      samePassword(users.get(user ?? '')?.password, password ?? ''),
    );
  }
  if (allowAnonymous) mechanisms.enable_anonymous();
  return container;
}

/** Compares digests, which are of one length, in a time that tells nothing about the password. */
function samePassword(expected: string | undefined, given: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const same = timingSafeEqual(digest(expected ?? ''), digest(given));
  return same && expected !== undefined;
}
