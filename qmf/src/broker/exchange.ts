import type { BrokerQueue } from './queue.js';
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

/** Routes kept in memory; more different keys than this and the memory starts again from nothing. */
const rememberedRoutes = 4096;
/** Longer keys are not remembered, so a peer with huge subjects can't fill the memory with them. */
const rememberedKeyLength = 255;

/** An exchange: finds the queues whose binding matches a routing key. */
export class Exchange {
  readonly #bindings = new Set<Binding>();
  readonly #routes = new Map<string, readonly BrokerQueue[]>();

  constructor(
    readonly name: string,
    readonly type: ExchangeType,
  ) {}

  get bindings(): number {
    return this.#bindings.size;
  }

  /** Binds a queue; binding it twice with the same key is binding it once. The binding goes with the queue. */
  bind(queue: BrokerQueue, key: string): void {
    for (const known of this.#bindings) {
      if (known.queue === queue && known.key === key) return;
    }
    const binding: Binding = { key, pattern: topicPattern(key), queue };
    this.#bindings.add(binding);
    this.#routes.clear();
    queue.atDeletion(() => {
      this.#bindings.delete(binding);
      this.#routes.clear();
    });
  }

  /** Takes bindings away, and gives how many there were. Their queues stay. */
  unbind(matches: BindingTest): number {
    const chosen = [...this.#bindings].filter(({ key }) => matches(key));
    for (const binding of chosen) this.#bindings.delete(binding);
    this.#routes.clear();
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
      if (this.#routes.size >= rememberedRoutes) this.#routes.clear();
      this.#routes.set(key, route);
    }
    return route;
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
