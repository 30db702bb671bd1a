import { BIND_EVENT_KEY, type Bound, readBindEvent } from '../message/bind-event.js';
import type { Envelope } from '../message/envelope.js';
import { topicExchange } from '../message/keys.js';
import type { Binding, Peer } from '../transport/transport.js';
import { textOf } from '../value/text.js';

/** Where a broker announces the bindings that its clients make. */
export interface BindingSource {
  readonly binding: Binding;
  /** @throws QmfError `malformed_message` */
  read(envelope: Envelope): readonly Bound[];
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

/** The plugin `rabbitmq_event_exchange`; without it the exchange is not there. */
const rabbitMqEvents: BindingSource = {
  binding: { exchange: 'amq.rabbitmq.event', exchangeType: 'topic', key: 'binding.created', create: false },
  read: ({ headers }) => {
    const text = (name: string): string => textOf(headers.get(name)) ?? '';
    return [{ exchange: text('source_name'), key: text('routing_key') }];
  },
};

/** The source of a broker, by what it says of itself; undefined for brokers that announce no bindings. */
export function bindingSourceOf({ product = '' }: Peer): BindingSource | undefined {
  if (/qpid-cpp|imagefactory/i.test(product)) return qmfEvents;
  return /rabbitmq/i.test(product) ? rabbitMqEvents : undefined;
}
