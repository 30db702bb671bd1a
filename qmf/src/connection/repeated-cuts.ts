import { QmfError } from '../errors.js';

/** Ends in a row that make a habit. */
const HABIT = 3;
/** A connection that lasted longer than this was not ended by what was sent at its beginning, in milliseconds. */
const SOON = 60_000;

/**
 * Notices that a broker ends connection after connection upon what is published, as RabbitMQ 3 does over AMQP 1.0 when a queue that is
 * bound to our events refuses them. Each end by itself looks like a network that breaks.
 */
export class RepeatedCuts {
  #count = 0;

  /**
   * The reason of an end, with a remedy if it was the third in a row with messages under way.
   *
   * @param underWay messages on which the broker had not given its word
   * @param openFor milliseconds that the connection was open
   */
  named(reason: QmfError, underWay: number, openFor: number): QmfError {
    if (underWay === 0) this.#count = 0;
    else this.#count = openFor <= SOON ? this.#count + 1 : 1;
    if (this.#count < HABIT || reason.remedy !== undefined) return reason;
    return new QmfError(
      reason.code,
      `${reason.message}; ${this.#count} times in a row while messages were being sent (${underWay} under way)`,
      {
        cause: reason,
        remedy:
          "look into the broker's log; a queue that is full, refuses messages ('reject-publish') and is bound to agent.# has RabbitMQ 3 do this over AMQP 1.0: drain or delete it, or use amqp091:// (docs/brokers.md)",
      },
    );
  }
}
