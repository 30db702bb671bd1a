import { randomUUID } from 'node:crypto';
import { encodeBareMessage } from '../codec/amqp10-message.js';
import type { AgentName } from '../message/agent-name.js';
import { type BindEvent, BIND_EVENT_KEY, encodeBindEvent } from '../message/bind-event.js';
import { topicExchange } from '../message/keys.js';
import { readMessage } from './message.js';
import type { NodeRegistry } from './node-registry.js';

/**
 * Raises the event that qpidd raises for a binding, so that agents notice a console that has come. The broker is no QMF agent, which
 * consoles could ask about it: the event goes to those alone who name it, up to its package, in their binding.
 */
export class BindNews {
  readonly #agent: AgentName = {
    vendor: 'imagefactory.org',
    product: 'embedded-broker',
    instance: randomUUID(),
  };
  #last = 0n;

  constructor(
    private readonly nodes: NodeRegistry,
    private readonly now: () => number,
  ) {}

  raise(event: BindEvent): void {
    const { subject, headers, contentType, body } = encodeBindEvent(this.#agent, event, this.#timestamp());
    const queues = this.nodes.exchange(topicExchange('default'))?.routeByName(subject, namedWords) ?? [];
    if (queues.length === 0) return;
    const bytes = encodeBareMessage({
      subject,
      ...(contentType === undefined ? {} : { contentType }),
      applicationProperties: headers,
      body,
    });
    for (const queue of queues) queue.enqueue(readMessage(bytes, this.now(), this));
  }

  /** Nanoseconds since 1970, never twice the same. */
  #timestamp(): bigint {
    const now = BigInt(Math.floor(this.now())) * 1_000_000n;
    this.#last = now > this.#last ? now : this.#last + 1n;
    return this.#last;
  }
}

/** `agent`, `ind`, `event`, and the package. */
const namedWords = BIND_EVENT_KEY.split('.').length - 1;
