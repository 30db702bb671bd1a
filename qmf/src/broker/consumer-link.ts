import type { FaultSwitches } from './faults/index.js';
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
  /** A settled message of which the rest waits for the peer: until it is out it counts against the bounds of the queue. */
  #half: BrokerMessage | undefined;
  /** What a fault switch holds up, with all that is behind it. */
  #delayed: { readonly message: BrokerMessage; readonly until: number } | undefined;

  constructor(
    readonly queue: BrokerQueue,
    private readonly link: LinkInternals,
    private readonly outbox: Outbox,
    /** Deliveries of the whole session by id; undefined when this link sends them settled. */
    private readonly unsettled: Map<number, Unsettled> | undefined,
    private readonly faults: FaultSwitches,
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
    if (this.faults.watchesDeliveries) return this.#misbehave(message);
    return this.#send(message);
  }

  #misbehave(message: BrokerMessage): Offer {
    if (this.#delayed !== undefined && this.#delayed.until > Date.now()) return 'declined';
    const waited = this.#delayed?.message === message;
    this.#delayed = undefined;
    const fault = waited
      ? undefined
      : this.faults.onDeliver({ queue: this.queue.name, subject: message.subject });
    if (fault === undefined) return this.#send(message);
    if (fault === 'drop') return 'taken';
    if (fault === 'duplicate') {
      const offer = this.#send(message);
      if (this.link.credit <= 0 || !this.outbox.ready) return offer;
      // A copy that is not of the queue: its settling must not count twice.
      this.outbox.send(this.link, message.bytes, true, () => undefined);
      return this.unsettled === undefined ? 'taken' : 'held';
    }
    this.#delayed = { message, until: Date.now() + fault.milliseconds };
    setTimeout(() => {
      this.#delayed = this.#delayed?.message === message ? { message, until: 0 } : this.#delayed;
      this.pump();
    }, fault.milliseconds);
    return 'declined';
  }

  #send(message: BrokerMessage): Offer {
    const id = this.outbox.send(this.link, message.bytes, this.unsettled === undefined, () =>
      this.#halfIsOver(),
    );
    if (this.unsettled === undefined) {
      if (!this.outbox.isMidMessage) return 'taken';
      this.#half = message;
      return 'held';
    }
    this.unsettled.set(id, { link: this, message });
    return 'held';
  }

  #halfIsOver(): void {
    const half = this.#half;
    this.#half = undefined;
    if (half !== undefined) this.queue.settled(half);
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
    this.#halfIsOver();
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
