import { unknownUserIds, type UserIds } from '../../message/user-ids.js';
import type { Peer } from '../transport.js';
import { brokerJUserIds } from '../user-ids.js';

/** In what brokers differ where AMQP 0-9-1 leaves room or they leave AMQP 0-9-1. */
export interface Manners {
  /** Arguments that bound a queue and let its oldest messages go; strange ones are refused. */
  readonly queueBound: (limit: number) => Readonly<Record<string, string | number>>;
  /**
   * What `expiration` holds: how long a message lives, or when it ends, by the broker's clock. We don't know that clock, so
   * the latter is neither sent nor read.
   */
  readonly expiration: 'duration' | 'time';
  /**
   * Whether headers reach AMQP 1.0 only as the encoded section that the plugin of RabbitMQ 3 passes on as it is; it drops all
   * others.
   */
  readonly headerSection: boolean;
  /** How far user ids can be relied on over AMQP 0-9-1 (docs/brokers.md, "Who calls"). */
  readonly userIds: UserIds;
  /**
   * Whether the user id counts only beside a cluster id. RabbitMQ 4 makes messages of AMQP 0-9-1 of those of 1.0 without comparing the user id of a
   * second properties section that its sender may have put behind the body; it never writes a cluster id, which is reserved and means nothing.
   */
  readonly marksOrigin: boolean;
  /** How the broker says that a mandatory message reached no queue, to a channel in confirm mode. */
  readonly unroutable: 'return' | 'nack';
}

const common: Manners = {
  userIds: unknownUserIds,
  queueBound: () => ({}),
  expiration: 'duration',
  headerSection: false,
  marksOrigin: false,
  unroutable: 'return',
};

const rabbitMq: Manners = {
  ...common,
  // Whoever is let in without a password is a user like others, and can pass for none of them.
  userIds: { kind: 'vouched' },
  queueBound: limit => ({ 'x-max-length': limit, 'x-overflow': 'drop-head' }),
};

/** As measured with Qpid Broker-J 9.2. */
const qpid: Manners = {
  userIds: brokerJUserIds,
  queueBound: limit => ({ 'qpid.max_count': limit, 'qpid.policy_type': 'ring' }),
  expiration: 'time',
  headerSection: false,
  marksOrigin: false,
  unroutable: 'nack',
};

/** By the product that the broker names when a connection opens. */
export function mannersOf({ product = '', version = '' }: Peer): Manners {
  const is3 = version.startsWith('3.');
  if (/rabbitmq/i.test(product)) return { ...rabbitMq, headerSection: is3, marksOrigin: !is3 };
  return /qpid/i.test(product) ? qpid : common;
}
