import type { BrokerMessage } from './message.js';
import type { Outbox } from './outbox.js';
import type { BrokerQueue, Consumer, Offer } from './queue.js';
import type { LinkInternals } from './rhea-internals.js';
import type { Outcome } from './session-guard.js';

type State =
  /** Our attach has not been written yet; a transfer must not overtake it. */
  'attaching' | 'open' | 'closed';

/** A delivery that the receiver has to settle. */
export interface Unsettled {
  readonly link: ConsumerLink;
  readonly message: BrokerMessage;
}

/** A link from a queue to a receiver. */
export class ConsumerLink implements Consumer {
  #state: State = 'attaching';

  constructor(
    readonly queue: BrokerQueue,
    private readonly link: LinkInternals,
    private readonly outbox: Outbox,
    /** Deliveries of the whole session by id; undefined when this link sends them settled. */
    private readonly unsettled: Map<number, Unsettled> | undefined,
  ) {
    queue.addConsumer(this);
  }

  /** Our attach is on its way: deliveries may follow. */
  opened(): void {
    if (this.#state !== 'attaching') return;
    this.#state = 'open';
    this.queue.pump();
  }

  offer(message: BrokerMessage): Offer {
    if (this.#state !== 'open' || this.link.credit <= 0 || !this.outbox.ready) return 'declined';
    const id = this.outbox.send(this.link, message.bytes, this.unsettled === undefined);
    if (this.unsettled === undefined) return 'taken';
    this.unsettled.set(id, { link: this, message });
    return 'held';
  }

  /** The receiver may be able to take more. */
  pump(): void {
    if (this.#state === 'open') this.queue.pump();
  }

  /** The receiver said what became of a delivery; qpidd puts back what was released or modified and drops what was rejected. */
  settle(message: BrokerMessage, outcome: Outcome): void {
    if (outcome === 'released' || outcome === 'modified') this.queue.putBack([message]);
    else this.queue.settled(message);
  }

  /** The link is gone: what it had not settled goes back. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.outbox.forget(this.link);
    this.queue.removeConsumer(this);
    this.queue.putBack(this.#takeBack());
  }

  #takeBack(): readonly BrokerMessage[] {
    const messages: BrokerMessage[] = [];
    for (const [id, delivery] of this.unsettled ?? []) {
      if (delivery.link !== this) continue;
      messages.push(delivery.message);
      this.unsettled?.delete(id);
    }
    return messages;
  }
}
