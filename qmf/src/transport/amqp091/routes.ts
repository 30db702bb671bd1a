import type { Envelope } from '../../message/envelope.js';
import { matchesTopic, topicPattern } from '../../message/topic-match.js';
import type { Binding } from '../transport.js';

interface Route {
  readonly binding: Binding;
  readonly matches: (routingKey: string) => boolean;
  readonly deliver: (envelope: Envelope) => void;
}

/**
 * Which binding a message is for. All share one queue, on which a message stands once however many bindings it matches; so
 * each that matches gets it, as if it had a queue of its own.
 */
export class Routes {
  readonly #byExchange = new Map<string, Set<Route>>();

  /** Adds a binding; the result takes it out. */
  add(binding: Binding, deliver: (envelope: Envelope) => void): () => void {
    const pattern = topicPattern(binding.key);
    const route: Route = {
      binding,
      deliver,
      matches:
        binding.exchangeType === 'topic'
          ? routingKey => matchesTopic(pattern, routingKey)
          : routingKey => routingKey === binding.key,
    };
    const routes = this.#byExchange.get(binding.exchange) ?? new Set();
    this.#byExchange.set(binding.exchange, routes.add(route));
    return () => {
      routes.delete(route);
      if (routes.size === 0 && this.#byExchange.get(binding.exchange) === routes) {
        this.#byExchange.delete(binding.exchange);
      }
    };
  }

  /** Whether a binding with the same exchange and key is there. */
  has({ exchange, key }: Binding): boolean {
    return [...(this.#byExchange.get(exchange) ?? [])].some(({ binding }) => binding.key === key);
  }

  /** Those that get a message. */
  to(exchange: string, routingKey: string): ((envelope: Envelope) => void)[] {
    const matching: ((envelope: Envelope) => void)[] = [];
    for (const route of this.#byExchange.get(exchange) ?? []) {
      if (route.matches(routingKey)) matching.push(route.deliver);
    }
    return matching;
  }
}
