import type { Envelope } from '../../message/envelope.js';
import { matchesTopic, topicPattern } from '../../message/topic-match.js';
import type { Binding } from '../transport.js';

type Receiver = (envelope: Envelope) => void;

interface Route {
  readonly binding: Binding;
  readonly matches: (routingKey: string) => boolean;
  readonly deliver: Receiver;
}

/** What is bound to one exchange. */
interface Exchange {
  readonly routes: Set<Route>;
  /** Who gets what has this key, as found before: nearly all messages come under few keys. */
  readonly found: Map<string, readonly Receiver[]>;
}

/** Keys remembered of one exchange. */
const MAX_FOUND = 256;

/**
 * Which binding a message is for. All share one queue, on which a message stands once however many bindings it matches; so
 * each that matches gets it, as if it had a queue of its own.
 */
export class Routes {
  readonly #byExchange = new Map<string, Exchange>();

  /** Adds a binding; the result takes it out. */
  add(binding: Binding, deliver: Receiver): () => void {
    const pattern = topicPattern(binding.key);
    const route: Route = {
      binding,
      deliver,
      matches:
        binding.exchangeType === 'topic'
          ? routingKey => matchesTopic(pattern, routingKey)
          : routingKey => routingKey === binding.key,
    };
    const exchange = this.#byExchange.get(binding.exchange) ?? { routes: new Set(), found: new Map() };
    this.#byExchange.set(binding.exchange, exchange);
    exchange.routes.add(route);
    exchange.found.clear();
    return () => {
      exchange.routes.delete(route);
      exchange.found.clear();
      if (exchange.routes.size === 0 && this.#byExchange.get(binding.exchange) === exchange) {
        this.#byExchange.delete(binding.exchange);
      }
    };
  }

  /** Whether a binding with the same exchange and key is there. */
  has({ exchange, key }: Binding): boolean {
    return [...(this.#byExchange.get(exchange)?.routes ?? [])].some(({ binding }) => binding.key === key);
  }

  /** Whether anything is bound to an exchange. */
  listensTo(exchange: string): boolean {
    return this.#byExchange.has(exchange);
  }

  /** All bindings. */
  get bindings(): readonly Binding[] {
    return [...this.#byExchange.values()].flatMap(({ routes }) => [...routes].map(({ binding }) => binding));
  }

  /** Those that get a message. */
  to(exchange: string, routingKey: string): readonly Receiver[] {
    const bound = this.#byExchange.get(exchange);
    if (bound === undefined) return [];
    const known = bound.found.get(routingKey);
    if (known !== undefined) return known;
    const matching = [...bound.routes].filter(({ matches }) => matches(routingKey));
    const receivers = matching.map(({ deliver }) => deliver);
    if (bound.found.size >= MAX_FOUND) bound.found.clear();
    bound.found.set(routingKey, receivers);
    return receivers;
  }
}
