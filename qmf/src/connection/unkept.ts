import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import type { Wire } from '../transport/transport.js';
import type { Tally } from './statistics.js';

/** Messages under way; together with those of the outbox, less than the 10 000 that a wire takes. */
const MOST = 5_000;

/** Messages that are not kept: a break of the connection fails them. */
export class Unkept {
  #count = 0;

  /** @param onSettled one of them has come to its end */
  constructor(
    private readonly tally: Tally,
    private readonly onSettled: () => void,
  ) {}

  /** How many are under way. */
  get count(): number {
    return this.#count;
  }

  /**
   * @param broker for people
   * @throws QmfError as {@link Wire.send}, and `outbox_full` when too many are under way
   */
  send(wire: Wire, envelope: Envelope, broker: string): Promise<void> {
    if (this.#count >= MOST) {
      return Promise.reject(new QmfError('outbox_full', `${MOST} requests wait for ${broker} already`));
    }
    this.#count++;
    return wire.send(envelope).then(
      () => {
        this.tally.accepted++;
        this.#settled();
      },
      (error: unknown) => {
        const failure = QmfError.from(error, 'connection_lost');
        this.tally.refused(failure);
        this.#settled();
        throw failure;
      },
    );
  }

  #settled(): void {
    this.#count--;
    this.onSettled();
  }
}
