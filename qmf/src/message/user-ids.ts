/**
 * How far the user ids of messages can be relied on over a connection. An agent sees the id that a message carries; who logged in is known to
 * the broker alone, and brokers differ in whether they compare the two (docs/brokers.md, "Who calls").
 *
 * - `vouched`: the broker refuses messages under any name but the sender's own.
 * - `unverified`: it passes on whatever name a sender writes.
 * - `forgeable-by-translation`: it compares names, but senders of another protocol can write a name that it takes for its own when it translates
 *   their messages.
 */
export type UserIds =
  | { readonly kind: 'vouched' }
  | {
      readonly kind: 'unverified' | 'forgeable-by-translation';
      /** For people: why. */
      readonly reason: string;
      /** For people: what to do about it. */
      readonly remedy: string;
    };

/** What holds for connections that say nothing of it. */
export const unknownUserIds: UserIds = {
  kind: 'unverified',
  reason: 'nothing is known of this broker',
  remedy: 'use a broker that checks user ids: qpidd, or RabbitMQ over AMQP 0-9-1 (amqp091://)',
};
