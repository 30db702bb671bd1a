import type { BareMessage } from '../../../codec/amqp10-message.js';
import { QmfError } from '../../../errors.js';
import { type Address, addressFromText, addressToText } from '../../../message/envelope.js';
import { amqp091 } from '../../amqp091/amqp091.js';
import { isValueList } from '../../../value/value.js';
import type { Binding } from '../../transport.js';
import { translatedByRabbitMq } from '../../user-ids.js';
import type { Dialect, Workplace } from './dialect.js';

/** RabbitMQ 3 with its plugin `rabbitmq_amqp1_0`: addresses of version 1. */
export const rabbitMq3: Dialect = {
  name: 'rabbitmq3',
  bodyForm: 'data',
  vhostPrefix: 'vhost:',
  refusesBySession: true,
  prepare: (binding, _queue, workplace) => declareExchange(binding, workplace),
  // The key stands as it is, percent signs and all: 3.10 takes %23 for three characters.
  source: ({ exchange, key }) => ({ address: `/exchange/${exchange}/${key}` }),
  route: to => {
    const target = linkAddress(to);
    return { target, to: target, ...(to.subject === undefined ? {} : { subject: to.subject }) };
  },
  // As the 0-9-1 peers behind the same broker write it.
  userIds: () => translatedByRabbitMq,
  replyText: addressToText,
  replyAddress: replyAddressV1,
  textUserId: true,
  sent: withoutListValue,
};

function linkAddress({ node, subject }: Address): string {
  return subject === undefined ? `/amq/queue/${node}` : `/exchange/${node}`;
}

/**
 * `exchange/key` and a queue's name, or the broker's own forms `/exchange/NAME/KEY`, `/queue/NAME`, `/amq/queue/NAME`. The plugin puts
 * `/queue/` before whatever a 0-9-1 peer wrote.
 */
export function replyAddressV1(text: string): Address {
  const exchange = /^\/exchange\/([^/]+)(?:\/(.*))?$/s.exec(text);
  if (exchange?.[1] !== undefined) return { node: exchange[1], subject: exchange[2] ?? '' };
  const queue = /^\/(?:amq\/)?queue\/(.+)$/s.exec(text);
  return addressFromText(queue?.[1] ?? text);
}

/** 3.10 neither routes nor settles a message whose value is a list, and its link is dead from then on; a sequence gets through. */
function withoutListValue(message: BareMessage): BareMessage {
  const { body } = message;
  if (body.form !== 'value' || !isValueList(body.value)) return message;
  return { ...message, body: { form: 'sequence', list: body.value } };
}

/** AMQP 1.0 has no word for it here, so AMQP 0-9-1 says it, which the same port understands. */
async function declareExchange(binding: Binding, { broker, security, signal }: Workplace): Promise<void> {
  const scheme = broker.scheme === 'amqps' ? 'amqp091s' : 'amqp091';
  const { vhost, ...rest } = broker;
  // In AMQP 1.0 a virtual host has the prefix that tells it from a host's name.
  const address = {
    ...rest,
    scheme,
    ...(vhost === undefined ? {} : { vhost: vhost.replace(/^vhost:/, '') }),
  } as const;
  const wire = await amqp091(address, security)
    .dial(signal)
    .catch((error: unknown) => {
      const { message, code, retryable } = QmfError.from(error, 'unreachable');
      const text = `${binding.exchange} could not be declared over AMQP 0-9-1, as the dialect 'rabbitmq3' has to (--dialect): ${message}`;
      throw new QmfError(retryable ? 'connection_lost' : code, text, { cause: error });
    });
  try {
    await wire.bind(binding, () => undefined); // what it hears is lost, and comes to the binding's own link
  } finally {
    await wire.close();
  }
}
