import type { Delivery, Receiver, Sender, Session } from 'rhea';
import { on } from './events.js';

/** What rhea's typings leave out of senders and their sessions; checked against rhea 3.0 by transport/amqp10/refusals.test.ts. */
interface SenderInternals {
  credit: number;
  delivery_count: number;
  readonly connection: { _register(): void };
}

interface OutgoingDeliveries {
  readonly outgoing: { readonly next_pending_delivery: number; available(): number };
}

/**
 * How many messages a sender may still be given. rhea counts credit down only when it writes, at the end of a turn or when the
 * peer's session window opens; what is handed over beyond the credit holds up all other links of the session until this one gets more.
 */
export class CreditLeft {
  readonly #link: SenderInternals;
  readonly #session: OutgoingDeliveries;
  /** Ids of deliveries that were handed over, oldest first; those before `#first` have been written. */
  #handed: number[] = [];
  #first = 0;

  constructor(sender: Sender, session: Session) {
    this.#link = sender as unknown as SenderInternals;
    this.#session = session as unknown as OutgoingDeliveries;
  }

  handedOver(delivery: Delivery): void {
    this.#handed.push(delivery.id);
  }

  get any(): boolean {
    const { outgoing } = this.#session;
    return this.#link.credit > this.#unwritten(outgoing.next_pending_delivery) && outgoing.available() > 0;
  }

  #unwritten(next: number): number {
    const handed = this.#handed;
    while (this.#first < handed.length && Number(handed[this.#first]) < next) this.#first++;
    if (this.#first === handed.length && this.#first > 0) {
      this.#handed = [];
      this.#first = 0;
    }
    return this.#handed.length - this.#first;
  }
}

/** Answers a peer that wants its credit used up: after what was handed over, the rest of it lapses. */
export function lapseCredit(sender: Sender): void {
  const link = sender as unknown as SenderInternals;
  if (link.credit <= 0 || !sender.is_open()) return;
  // rhea would count the credit down one by one, and there can be four thousand million.
  link.delivery_count = (link.delivery_count + link.credit - 1) >>> 0;
  link.credit = 1;
  sender.set_drained(true);
  link.connection._register();
}

/**
 * Lets a receiver, opened with `credit_window: 0`, get so many messages ahead. Credit is given anew when half of it is used; rhea gives it
 * after each quarter, which for a small window is a frame more for every few messages.
 */
export function keepCredit(receiver: Receiver, window: number): void {
  // Not in rhea's typings: what is left of the credit that was given.
  const link = receiver as unknown as { readonly credit: number };
  const topUp = (): void => {
    if (link.credit <= window / 2) receiver.add_credit(window - link.credit);
  };
  on(receiver, 'receiver_open', topUp);
  on(receiver, 'message', topUp);
}
