import { Exchange, type ExchangeType } from './exchange.js';
import { BrokerQueue, type QueueAccess, type QueueBounds, type QueueLifetime } from './queue.js';

/** The exchanges and queues of one broker, by name. */
export class NodeRegistry {
  readonly #exchanges = new Map<string, Exchange>();
  readonly #queues = new Map<string, BrokerQueue>();

  constructor(
    private readonly bounds: QueueBounds,
    private readonly now: () => number,
  ) {}

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

  get queueCount(): number {
    return this.#queues.size;
  }

  /** The exchange of that name, made if there is none. */
  ensureExchange(name: string, type: ExchangeType): Exchange {
    let exchange = this.#exchanges.get(name);
    if (exchange === undefined) {
      exchange = new Exchange(name, type);
      this.#exchanges.set(name, exchange);
    }
    return exchange;
  }

  /** Deletes an exchange with its bindings; gives whether there was one. */
  deleteExchange(name: string): boolean {
    this.#exchanges.get(name)?.unbind(() => true);
    return this.#exchanges.delete(name);
  }

  /** The queue of that name; if there is none, one is made within the bounds of the broker and those wanted. */
  ensureQueue(
    name: string,
    lifetime: QueueLifetime,
    access: QueueAccess,
    wanted: Partial<QueueBounds> = {},
  ): BrokerQueue {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new BrokerQueue(name, lifetime, access, this.#narrowed(wanted), this.now);
      this.#queues.set(name, queue);
    }
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
    queue.markDeleted();
    if (this.#queues.get(queue.name) === queue) this.#queues.delete(queue.name);
  }
}
