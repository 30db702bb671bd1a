import {
  BIND_EVENT_KEY,
  type Bound,
  readBindEvent,
  readSubscribeEvent,
  SUBSCRIBE_EVENT_KEY,
} from '../message/bind-event.js';
import type { Envelope } from '../message/envelope.js';
import { topicExchange } from '../message/keys.js';
import type { Binding, Peer } from '../transport/transport.js';
import { textOf } from '../value/text.js';

/** Where a broker announces the bindings that its clients make. */
export interface BindingSource {
  readonly binding: Binding;
  /**
   * @param exchange the one that bindings are looked for of
   * @throws QmfError `malformed_message`
   */
  read(envelope: Envelope, exchange: string): readonly Bound[];
}

/** qpidd raises QMF events, on its own domain whatever that of the agent is; the embedded broker does as qpidd. */
const qmfEvents: BindingSource = {
  binding: {
    exchange: topicExchange('default'),
    exchangeType: 'topic',
    key: `${BIND_EVENT_KEY}.#`,
    create: false,
  },
  read: readBindEvent,
};

/**
 * qpidd 1.40 raises bind events for AMQP 0-10 alone. The links of C++ and Python consoles over AMQP 1.0 are named after the exchange that they
 * receive from (qpid-messaging, Qpid Proton), which is all that an event says of them.
 */
const qpiddSubscriptions: BindingSource = {
  binding: { ...qmfEvents.binding, key: `${SUBSCRIBE_EVENT_KEY}.#` },
  read: (envelope, exchange) =>
    readSubscribeEvent(envelope)
      .filter(queue => queue.includes(exchange))
      .map(() => ({ exchange, key: '#' })),
};

/** The plugin `rabbitmq_event_exchange`; without it the exchange is not there. */
const rabbitMqEvents: BindingSource = {
  binding: { exchange: 'amq.rabbitmq.event', exchangeType: 'topic', key: 'binding.created', create: false },
  read: ({ headers }) => {
    const text = (name: string): string => textOf(headers.get(name)) ?? '';
    return [{ exchange: text('source_name'), key: text('routing_key') }];
  },
};

/** Sources of a broker at most. */
export const MOST_SOURCES = 2;

/** The sources of a broker, by what it says of itself; none for brokers that announce no bindings. */
export function bindingSourcesOf({ product = '' }: Peer): readonly BindingSource[] {
  if (/qpid-cpp/i.test(product)) return [qmfEvents, qpiddSubscriptions];
  if (/imagefactory/i.test(product)) return [qmfEvents];
  return /rabbitmq/i.test(product) ? [rabbitMqEvents] : [];
}
