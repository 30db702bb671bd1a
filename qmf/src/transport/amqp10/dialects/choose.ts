import { unknownUserIds, type UserIds } from '../../../message/user-ids.js';
import type { Peer } from '../../transport.js';
import { artemis } from './artemis.js';
import { brokerJ } from './broker-j.js';
import type { Dialect, DialectName, LoggedInBroker } from './dialect.js';
import { embedded, qpidd } from './qpidd.js';
import { rabbitMq3 } from './rabbitmq3.js';
import { rabbitMq4 } from './rabbitmq4.js';

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  qpidd,
  'broker-j': brokerJ,
  rabbitmq3: rabbitMq3,
  rabbitmq4: rabbitMq4,
  artemis,
  embedded,
};

/** The dialect of a broker by what it says of itself in its open; an unknown one is spoken to as qpidd. */
export function dialectFor(peer: Peer): Dialect {
  return knownDialect(peer) ?? qpidd;
}

/** The same for brokers that we know. */
export function knownDialect({ product = '', version = '' }: Peer): Dialect | undefined {
  if (/rabbitmq/i.test(product)) return majorVersion(version) >= 4 ? rabbitMq4 : rabbitMq3;
  if (/broker-j/i.test(product)) return brokerJ;
  if (/artemis/i.test(product)) return artemis;
  if (/imagefactory/i.test(product)) return embedded;
  return /qpid-cpp/i.test(product) ? qpidd : undefined;
}

/**
 * How far user ids can be relied on. A broker that is known to be of another make than the dialect that was forced behaves as its own make
 * does; one that is not known is taken at the word of who has forced a dialect, and vouches for nothing otherwise.
 */
export function userIdsAt(dialect: Dialect, isForced: boolean, broker: LoggedInBroker): UserIds {
  const known = knownDialect(broker.peer);
  if (known !== undefined) return known.userIds(broker);
  return isForced ? dialect.userIds(broker) : unknownUserIds;
}

function majorVersion(version: string): number {
  return Number.parseInt(version, 10) || 0;
}
