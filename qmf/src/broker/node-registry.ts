import type { Client } from './clients.js';
import { Exchange, type ExchangeType } from './exchange.js';
import { BrokerQueue, type QueueAccess, type QueueBounds, type QueueLifetime } from './queue.js';
import { type Owner, type Quotas, sharesOf } from './quota.js';

/** The part of a resource that nodes may use of which no client is connected. */
const leftBehindPart = 1 / 8;

/** The exchanges and queues of one broker, by name. */
export class NodeRegistry {
  readonly #exchanges = new Map<string, Exchange>();
  readonly #queues = new Map<string, BrokerQueue>();
  /** Charged for the nodes whose client has left. */
  readonly #leftBehind: Owner;
  /** Nodes that were in use, or made, since the last {@link sweep}. */
  #fresh = new WeakSet<BrokerQueue | Exchange>();

  constructor(
    private readonly bounds: QueueBounds,
    private readonly now: () => number,
    private readonly quotas: Quotas,
  ) {
    this.#leftBehind = { shares: sharesOf(quotas) };
  }

  exchange(name: string): Exchange | undefined {
    return this.#exchanges.get(name);
  }

  queue(name: string): BrokerQueue | undefined {
    return this.#queues.get(name);
  }

  get exchanges(): Iterable<Exchange> {
    return this.#exchanges.values();
  }

  get queues(): Iterable<BrokerQueue> {
    return this.#queues.values();
  }

  /** The exchange of that name, made to stay if there is none. */
  ensureExchange(name: string, type: ExchangeType): Exchange {
    const exchange = this.#exchanges.get(name) ?? new Exchange(name, type, undefined);
    this.#exchanges.set(name, exchange);
    return exchange;
  }

  /** The exchange of that name, made for the client if there is none; undefined where its share is used up. */
  exchangeOnDemand(name: string, type: ExchangeType, client: Client): Exchange | undefined {
    const known = this.#exchanges.get(name);
    if (known !== undefined) return known;
    if (!client.shares.exchanges.take(1)) return undefined;
    const exchange = new Exchange(name, type, client);
    this.#exchanges.set(name, exchange);
    this.#fresh.add(exchange);
    return exchange;
  }

  /** Deletes an exchange with its bindings; gives whether there was one. */
  deleteExchange(name: string): boolean {
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) return false;
    exchange.unbind(() => true);
    this.#deleteExchange(exchange);
    return true;
  }

  /**
   * The queue of that name; if there is none, one is made for the client, within the bounds of the broker and those wanted.
   * Undefined where the client's share is used up.
   */
  ensureQueue(
    name: string,
    kind: { readonly lifetime: QueueLifetime; readonly access: QueueAccess },
    client: Client,
    wanted: Partial<QueueBounds> = {},
  ): BrokerQueue | undefined {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    if (!client.shares.queues.take(1)) return undefined;
    const bounds = this.#narrowed(wanted);
    const { maker } = client;
    const queue = new BrokerQueue({ name, ...kind, bounds, owner: client, maker, now: this.now });
    this.#queues.set(name, queue);
    this.#fresh.add(queue);
    return queue;
  }

  /** A peer may have a smaller queue than the broker allows, never a bigger one. */
  #narrowed({ maxMessages, maxBytes, whenFull }: Partial<QueueBounds>): QueueBounds {
    return {
      maxMessages: Math.min(maxMessages ?? Infinity, this.bounds.maxMessages),
      maxBytes: Math.min(maxBytes ?? Infinity, this.bounds.maxBytes),
      whenFull: whenFull ?? this.bounds.whenFull,
    };
  }

  deleteQueue(queue: BrokerQueue): void {
    if (queue.deleted) return;
    queue.markDeleted();
    if (this.#queues.get(queue.name) === queue) this.#queues.delete(queue.name);
  }

  #deleteExchange(exchange: Exchange): void {
    exchange.owner?.shares.exchanges.give(1);
    this.#exchanges.delete(exchange.name);
  }

  /** A client uses a queue whose own client has left: it is charged for it from now on. */
  adopt(queue: BrokerQueue, client: Client): void {
    if (queue.owner === this.#leftBehind) queue.moveTo(client);
  }

  /** A client has left. Of the nodes that it leaves, the oldest go beyond an eighth of the totals. */
  leaveBehind(client: Client): void {
    for (const queue of this.#queues.values()) {
      if (queue.owner === client) queue.moveTo(this.#leftBehind);
    }
    for (const exchange of this.#exchanges.values()) {
      if (exchange.owner === client) exchange.moveTo(this.#leftBehind);
    }
    const { bytes, queues, exchanges } = this.#leftBehind.shares;
    const within = (resource: 'bytes' | 'queues' | 'exchanges'): boolean =>
      this.#leftBehind.shares[resource].used <= this.quotas[resource].total * leftBehindPart;
    if (bytes.used + queues.used > 0) {
      for (const queue of this.#queues.values()) {
        if (within('bytes') && within('queues')) break;
        if (queue.owner === this.#leftBehind && !queue.used) this.deleteQueue(queue);
      }
    }
    if (exchanges.used > 0) {
      for (const exchange of this.#exchanges.values()) {
        if (within('exchanges')) break;
        if (exchange.owner === this.#leftBehind && !exchange.used) this.#deleteExchange(exchange);
      }
    }
  }

  /** Deletes the nodes made by clients that nobody has used since the last sweep. */
  sweep(): void {
    const before = this.#fresh;
    this.#fresh = new WeakSet();
    const stale = (node: BrokerQueue | Exchange): boolean => {
      if (node.used) this.#fresh.add(node);
      return !node.used && !before.has(node);
    };
    for (const queue of this.#queues.values()) if (stale(queue)) this.deleteQueue(queue);
    for (const exchange of this.#exchanges.values()) {
      if (exchange.owner !== undefined && stale(exchange)) this.#deleteExchange(exchange);
    }
  }
}
