import type { BrokerQueue } from './queue.js';
import type { Owner } from './quota.js';
import { matchesTopic, type TopicPattern, topicPattern } from '../message/topic-match.js';

/**
 * Kinds of exchange. The two `management-` kinds route like the plain ones; qpidd gives its QMF exchanges these type names, and
 * as its address handling looks for the plain names only, they behave differently in an attach (wire document §1.5).
 */
export type ExchangeType = 'topic' | 'direct' | 'management-topic' | 'management-direct';

interface Binding {
  readonly key: string;
  readonly pattern: TopicPattern;
  readonly queue: BrokerQueue;
}

/** Which bindings are taken away. */
export type BindingTest = (key: string) => boolean;

/** Queues in all remembered routes together, each route counting for some more; beyond, the memory starts again from nothing. */
const rememberedQueues = 65_536;
const routeOverhead = 16;
/** Longer keys are not remembered, so a peer with huge subjects can't fill the memory with them. */
const rememberedKeyLength = 255;

/** An exchange: finds the queues whose binding matches a routing key. */
export class Exchange {
  readonly #bindings = new Set<Binding>();
  readonly #byKey = new Map<string, Set<Binding>>();
  readonly #routes = new Map<string, readonly BrokerQueue[]>();
  #remembered = 0;
  #publishers = 0;
  #owner: Owner | undefined;

  constructor(
    readonly name: string,
    readonly type: ExchangeType,
    /** The client that made it and is charged for it; undefined for an exchange of the broker's own, which stays. */
    owner: Owner | undefined,
  ) {
    this.#owner = owner;
  }

  get owner(): Owner | undefined {
    return this.#owner;
  }

  moveTo(owner: Owner): void {
    this.#owner?.shares.exchanges.give(1);
    owner.shares.exchanges.add(1);
    this.#owner = owner;
  }

  /** Whether a queue is bound or a publisher attached. */
  get used(): boolean {
    return this.#bindings.size > 0 || this.#publishers > 0;
  }

  addPublisher(): void {
    this.#publishers++;
  }

  removePublisher(): void {
    this.#publishers--;
  }

  get bindings(): number {
    return this.#bindings.size;
  }

  /**
   * Binds a queue; binding it twice with the same key is binding it once. The binding goes with the queue.
   *
   * @returns `false` when the queue's owner may have no further binding
   */
  bind(queue: BrokerQueue, key: string): boolean {
    const same = this.#byKey.get(key) ?? new Set();
    for (const known of same) if (known.queue === queue) return true;
    const binding: Binding = { key, pattern: topicPattern(key), queue };
    if (!queue.addBinding(binding.pattern.length)) return false;
    this.#bindings.add(binding);
    this.#byKey.set(key, same.add(binding));
    this.#forgetRoutes();
    queue.atDeletion(() => this.#remove(binding));
    return true;
  }

  #remove(binding: Binding): void {
    this.#bindings.delete(binding);
    const same = this.#byKey.get(binding.key);
    same?.delete(binding);
    if (same?.size === 0) this.#byKey.delete(binding.key);
    this.#forgetRoutes();
  }

  /** Whether a queue is bound with exactly this key whose maker is one that `matches`. */
  boundBy(key: string, matches: (maker: unknown) => boolean): boolean {
    for (const { queue } of this.#byKey.get(key) ?? []) if (matches(queue.maker)) return true;
    return false;
  }

  #forgetRoutes(): void {
    this.#routes.clear();
    this.#remembered = 0;
  }

  /** Takes bindings away, and gives how many there were. Their queues stay. */
  unbind(matches: BindingTest): number {
    const chosen = [...this.#bindings].filter(({ key }) => matches(key));
    for (const binding of chosen) {
      this.#remove(binding);
      binding.queue.removeBinding(binding.pattern.length);
    }
    return chosen.length;
  }

  /** The queues for a routing key; each once, however many of its bindings match. */
  route(key: string): readonly BrokerQueue[] {
    const known = this.#routes.get(key);
    if (known !== undefined) return known;
    const queues = new Set<BrokerQueue>();
    for (const binding of this.#bindings) {
      if (this.#matches(binding, key)) queues.add(binding.queue);
    }
    const route = [...queues];
    if (key.length <= rememberedKeyLength) {
      this.#remembered += route.length + routeOverhead;
      if (this.#remembered > rememberedQueues) {
        this.#forgetRoutes();
        this.#remembered = route.length + routeOverhead;
      }
      this.#routes.set(key, route);
    }
    return route;
  }

  /** The queues whose bindings match a key and begin with the same words as it, so many of them, none a wildcard. */
  routeByName(key: string, words: number): readonly BrokerQueue[] {
    const named = key.split('.').slice(0, words);
    const queues = new Set<BrokerQueue>();
    for (const binding of this.#bindings) {
      if (named.every((word, at) => binding.pattern[at] === word) && this.#matches(binding, key)) {
        queues.add(binding.queue);
      }
    }
    return [...queues];
  }

  #matches(binding: Binding, key: string): boolean {
    switch (this.type) {
      case 'topic':
      case 'management-topic':
        return matchesTopic(binding.pattern, key);
      case 'direct':
      case 'management-direct':
        return binding.key === key;
    }
  }
}
