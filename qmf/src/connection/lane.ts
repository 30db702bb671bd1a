import type { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import { Chain, type Link } from './chain.js';

/**
 * Whether a message may go when the outbox is full: `progress` is overtaken by the next of its kind, `lasting` tells what
 * nobody else will tell.
 */
export type Importance = 'progress' | 'lasting';

/** A message in the outbox. */
export interface Kept extends Link<Kept> {
  readonly envelope: Envelope;
  readonly importance: Importance;
  /** Grows from message to message. */
  readonly number: number;
  /** Bytes of memory, about. */
  readonly size: number;
  readonly lane: Lane;
  readonly resolve: () => void;
  readonly reject: (error: QmfError) => void;
  place: 'waiting' | 'under way' | 'gone';
  wasSent: boolean;
}

/** The messages for one destination, in the order in which they were given: first those under way, then those that wait. */
export class Lane {
  readonly #underWay = new Chain<Kept>();
  readonly #waiting = new Chain<Kept>();
  #underWayCount = 0;
  /** The first of those that wait and may be dropped. */
  #firstProgress: Kept | undefined;

  get underWayCount(): number {
    return this.#underWayCount;
  }

  get isEmpty(): boolean {
    return this.#waiting.first === undefined && this.#underWayCount === 0;
  }

  /** Whose turn it is to be sent. */
  get next(): Kept | undefined {
    return this.#waiting.first;
  }

  get firstProgress(): Kept | undefined {
    return this.#firstProgress;
  }

  add(kept: Kept): void {
    this.#waiting.push(kept);
    if (kept.importance === 'progress') this.#firstProgress ??= kept;
  }

  /** `kept` is {@link next}; it goes out now. */
  send(kept: Kept): void {
    this.#leaveWaiting(kept);
    this.#underWay.push(kept);
    this.#underWayCount++;
    kept.place = 'under way';
  }

  remove(kept: Kept): void {
    if (kept.place === 'waiting') this.#leaveWaiting(kept);
    else if (kept.place === 'under way') {
      this.#underWay.remove(kept);
      this.#underWayCount--;
    }
    kept.place = 'gone';
  }

  /** What was under way takes its place again before all that waits. */
  recall(): void {
    let progress: Kept | undefined;
    for (const kept of this.#underWay) {
      kept.place = 'waiting';
      if (kept.importance === 'progress') progress ??= kept;
    }
    this.#firstProgress = progress ?? this.#firstProgress;
    this.#waiting.takeInFront(this.#underWay);
    this.#underWayCount = 0;
  }

  *[Symbol.iterator](): Generator<Kept> {
    yield* this.#underWay;
    yield* this.#waiting;
  }

  #leaveWaiting(kept: Kept): void {
    if (kept === this.#firstProgress) {
      let after = kept.next;
      while (after !== undefined && after.importance !== 'progress') after = after.next;
      this.#firstProgress = after;
    }
    this.#waiting.remove(kept);
  }
}
