import { type Address, addressFromText, addressToText } from '../../../message/envelope.js';
import type { Dialect } from './dialect.js';

/**
 * Apache ActiveMQ Artemis. It has no exchanges: exchange and key make one multicast address, which the broker creates when it
 * is used, and whose wildcards are those of topic keys. Only programs that know this find each other there.
 */
export const artemis: Dialect = {
  name: 'artemis',
  bodyForm: 'value',
  refusesBySession: false,
  source: ({ exchange, key }) => ({
    address: multicast({ node: exchange, subject: key }),
    capabilities: ['topic'], // multicast, where the address has to be made
  }),
  // Keys are many: a link for each would be made and dropped with every other event.
  route: to => ({ to: multicast(to), ...(to.subject === undefined ? {} : { subject: to.subject }) }),
  userIds: () => ({
    kind: 'unverified',
    reason: 'Artemis does not compare user ids with the user who has logged in',
    remedy: 'use qpidd, or RabbitMQ over AMQP 0-9-1 (amqp091://)',
  }),
  replyText: addressToText,
  replyAddress: addressFromText,
};

function multicast({ node, subject }: Address): string {
  return subject === undefined || subject === '' ? node : `${node}.${subject}`;
}
