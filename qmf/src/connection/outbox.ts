import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';

interface Kept {
  readonly envelope: Envelope;
  readonly resolve: () => void;
  readonly reject: (error: QmfError) => void;
}

/** Messages that wait for the broker to come back, in order and bounded. */
export class Outbox {
  #kept: Kept[] = [];

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.#kept.length;
  }

  /** Keeps a message; settles when it was sent, or with `outbox_full` at once. */
  keep(envelope: Envelope): Promise<void> {
    if (this.#kept.length >= this.limit) {
      return Promise.reject(
        new QmfError(
          'outbox_full',
          `${this.limit} messages wait for the broker already; this one is dropped`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      this.#kept.push({ envelope, resolve, reject });
    });
  }

  /** Hands everything over, oldest first. What `send` keeps again counts as new. */
  flush(send: (envelope: Envelope) => Promise<void>): void {
    for (const { envelope, resolve, reject } of this.#kept.splice(0)) {
      send(envelope).then(resolve, (error: unknown) => reject(QmfError.from(error, 'connection_lost')));
    }
  }

  /** Fails everything that waits. */
  fail(reason: QmfError): void {
    for (const { reject } of this.#kept.splice(0)) reject(reason);
  }
}
