import { type Address, addressFromText, addressToText } from '../../../message/envelope.js';
import { int32, type Value } from '../../../value/value.js';
import type { Binding } from '../../transport.js';
import { translatedByRabbitMq } from '../../user-ids.js';
import type { Dialect, Workplace } from './dialect.js';
import { managementRefused, ManagementLinks } from './rabbitmq4-management.js';

/**
 * RabbitMQ 4, whose AMQP 1.0 has addresses of version 2: receivers listen to queues alone, which must have been declared and bound
 * before.
 */
export const rabbitMq4: Dialect = {
  name: 'rabbitmq4',
  bodyForm: 'data',
  vhostPrefix: 'vhost:',
  refusesBySession: true,
  releasesUnroutable: true,
  prepare: (binding, queue, workplace) => bindQueue(binding, queueName(queue), workplace),
  sessionRefused: managementRefused,
  source: (_binding, queue) => ({ address: addressV2({ node: queueName(queue) }) }),
  // A link's own target would fix the key for all its messages.
  route: to => ({ to: addressV2(to), ...(to.subject === undefined ? {} : { subject: to.subject }) }),
  // As the 0-9-1 peers behind the same broker write it.
  userIds: () => translatedByRabbitMq,
  replyText: addressToText,
  replyAddress: replyAddressV2,
};

/** Begins as the exchanges do, so that one pattern in a user's permissions covers all. */
function queueName(link: string): string {
  return `qmf.${link}`;
}

function addressV2({ node, subject }: Address): string {
  const name = encodeURIComponent(node);
  return subject === undefined ? `/queues/${name}` : `/exchanges/${name}/${encodeURIComponent(subject)}`;
}

/** `exchange/key` and a queue's name, or the broker's own forms `/exchanges/NAME/KEY` and `/queues/NAME`. */
export function replyAddressV2(text: string): Address {
  const [, exchange, key = ''] = /^\/exchanges\/([^/]+)(?:\/([^/]*))?$/.exec(text) ?? [];
  const [, queue] = /^\/queues\/([^/]+)$/.exec(text) ?? [];
  try {
    if (exchange !== undefined)
      return { node: decodeURIComponent(exchange), subject: decodeURIComponent(key) };
    if (queue !== undefined) return { node: decodeURIComponent(queue) };
  } catch {
    // a % that is meant as one: not an address of this broker's
  }
  return addressFromText(text);
}

/** What waits in one queue at most; the oldest go first, as a console that lags behind can ask for the end of a build. */
const QUEUE_LIMIT = 50_000;

async function bindQueue(
  { exchange, exchangeType, key }: Binding,
  queue: string,
  { session, makesExchange, signal }: Workplace,
): Promise<void> {
  const links = new ManagementLinks(session, signal);
  const put = (path: string, name: string, body: readonly (readonly [string, Value])[]): Promise<void> =>
    links.request('PUT', `/${path}/${encodeURIComponent(name)}`, new Map(body));
  try {
    if (makesExchange) {
      await put('exchanges', exchange, [
        ['type', exchangeType],
        ['durable', false],
        ['auto_delete', false],
      ]);
    }
    await put('queues', queue, [
      ['durable', false],
      ['exclusive', true],
      ['auto_delete', true],
      [
        'arguments',
        new Map<string, Value>([
          ['x-queue-type', 'classic'],
          ['x-max-length', int32(QUEUE_LIMIT)],
          ['x-overflow', 'drop-head'],
        ]),
      ],
    ]);
    await links.request(
      'POST',
      '/bindings',
      new Map<string, Value>([
        ['source', exchange],
        ['destination_queue', queue],
        ['binding_key', key],
        ['arguments', new Map()],
      ]),
    );
  } finally {
    links.close();
  }
}
