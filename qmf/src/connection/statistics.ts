import { brokerRefusals, type QmfError } from '../errors.js';

/** Numbers of a connection since it was made; `waiting`, `underWay` and `bytes` are of this moment. */
export interface ConnectionStatistics {
  /** Dials, with or without success. */
  readonly attempts: number;
  /** Connections that came to be open again after one had been. */
  readonly reconnects: number;
  /** Of these, those to another broker than the one before. */
  readonly failovers: number;
  /** Messages that the broker accepted. */
  readonly accepted: number;
  /** Messages that the broker did not take at the time (outcomes released and modified). */
  readonly released: number;
  /** Messages that the broker refused for good, or whose address it refused. */
  readonly rejected: number;
  /** Kept messages sent once more: the connection broke before the broker's word on them, or it was `released`. */
  readonly resent: number;
  /** Messages that found no room in the outbox, or had to make room there. */
  readonly dropped: number;
  /** Kept messages that were dropped because three connections in a row had ended while they were on their way. */
  readonly poisoned: number;
  /** Kept messages that are not handed to the broker yet. */
  readonly waiting: number;
  /** Messages on their way, kept ones and others: the broker has not given its word on them. */
  readonly underWay: number;
  /** About how much memory the kept messages take. */
  readonly bytes: number;
}

type Counts = Omit<ConnectionStatistics, 'waiting' | 'underWay' | 'bytes'>;

/** Counts what happens. */
export class Tally {
  attempts = 0;
  reconnects = 0;
  failovers = 0;
  accepted = 0;
  released = 0;
  rejected = 0;
  resent = 0;
  dropped = 0;
  poisoned = 0;

  counts(): Counts {
    const { attempts, reconnects, failovers, accepted, released, rejected, resent, dropped, poisoned } = this;
    return { attempts, reconnects, failovers, accepted, released, rejected, resent, dropped, poisoned };
  }

  /** The end of a message that was sent; a lost connection is none. */
  refused({ code }: QmfError): void {
    if (code === 'message_released') this.released++;
    else if (brokerRefusals.has(code)) this.rejected++;
  }
}
