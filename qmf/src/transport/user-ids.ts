import type { UserIds } from '../message/user-ids.js';

/** Brokers whose user ids are the same in both protocols, or differ by protocol alone; measured by test/src/interop-user-ids.test.ts. */

/**
 * RabbitMQ compares the user id of what it is sent with the login, in either protocol, but makes AMQP 1.0 of messages of AMQP 0-9-1 from
 * headers and contents that the sender writes: sections with another user id among them reach receivers over AMQP 1.0.
 */
export const translatedByRabbitMq: UserIds = {
  kind: 'forgeable-by-translation',
  reason:
    'RabbitMQ makes AMQP 1.0 of what is sent over AMQP 0-9-1 from headers in which a sender can write any user id',
  remedy: 'connect the agent over AMQP 0-9-1 (amqp091://)',
};

/** Of a message that may have come by the other way, from AMQP 1.0 to 0-9-1. */
export const translatedFrom10: UserIds = {
  kind: 'forgeable-by-translation',
  reason:
    'RabbitMQ 4 makes messages of AMQP 0-9-1 of those of AMQP 1.0, whose senders can write any user id, and this one does not show that it is none of them',
  remedy:
    'call over AMQP 0-9-1 (amqp091://); other clients than ours set the property cluster-id, to any text',
};

export const brokerJUserIds: UserIds = {
  kind: 'unverified',
  reason: 'Qpid Broker-J does not compare user ids with the user who has logged in',
  remedy: 'use qpidd, or RabbitMQ over AMQP 0-9-1 (amqp091://)',
};
