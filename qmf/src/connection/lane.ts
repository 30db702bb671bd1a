import type { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import { Chain, type Link } from './chain.js';

/**
 * Whether a message may go when the outbox is full: `progress` is overtaken by the next of its kind, `lasting` tells what
 * no other message will repeat.
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
  /** Connections in a row that have ended while it was on its way to the broker. */
  ends: number;
  /** It goes with no other beside it. */
  isSuspect: boolean;
  /** How often the broker did not take it. */
  releases: number;
}

/** Routing keys that are remembered as choked: each console that stops reading adds the one of its answers. */
const CHOKED_KEYS = 100;

/** The messages for one destination, in the order in which they were given: first those under way, then those that wait. */
export class Lane {
  readonly #underWay = new Chain<Kept>();
  readonly #waiting = new Chain<Kept>();
  #underWayCount = 0;
  /** The first of those that wait and may be dropped. */
  #firstProgress: Kept | undefined;
  /** Nothing is sent for a while: the broker took a message no more. */
  isPaused = false;
  /** Routing keys of which the broker takes nothing, however often it is tried. */
  readonly #choked = new Set<string>();

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

  /** Whether a message of the same key was not taken, however often it was tried, and none has been since. */
  isChoked({ envelope }: Kept): boolean {
    return this.#choked.has(keyOf(envelope));
  }

  choke({ envelope }: Kept): void {
    const [oldest] = this.#choked;
    if (oldest !== undefined && this.#choked.size >= CHOKED_KEYS) this.#choked.delete(oldest);
    this.#choked.add(keyOf(envelope));
  }

  /** The broker has taken a message. What it thinks of other keys is not known: their messages are for other queues. */
  unchoke({ envelope }: Kept): void {
    this.#choked.delete(keyOf(envelope));
  }

  /** The connection has ended, and nothing that waits was on its way. */
  clearWaiting(): void {
    for (const kept of this.#waiting) kept.ends = 0;
  }

  /** What was under way takes its place again among those that wait; another wire may find other queues. */
  recall(): void {
    this.isPaused = false;
    this.#choked.clear();
    if (this.#underWay.first === undefined) return;
    // Those that were put back one by one may be older.
    const isInOrder = (this.#underWay.last?.number ?? 0) < (this.#waiting.first?.number ?? Infinity);
    for (const kept of this.#underWay) kept.place = 'waiting';
    this.#waiting.takeInFront(this.#underWay);
    this.#underWayCount = 0;
    if (!isInOrder) {
      const all = [...this.#waiting].sort((left, right) => left.number - right.number);
      this.#waiting.clear();
      for (const kept of all) this.#waiting.push(kept);
    }
    this.#firstProgress = progressFrom(this.#waiting.first);
  }

  /** A message under way takes its place again among those that wait. */
  putBack(kept: Kept): void {
    this.remove(kept);
    kept.place = 'waiting';
    let later = this.#waiting.first;
    while (later !== undefined && later.number < kept.number) later = later.next;
    this.#waiting.insert(kept, later);
    if (kept.importance === 'progress') this.#firstProgress = progressFrom(this.#waiting.first);
  }

  *[Symbol.iterator](): Generator<Kept> {
    yield* this.#underWay;
    yield* this.#waiting;
  }

  #leaveWaiting(kept: Kept): void {
    if (kept === this.#firstProgress) this.#firstProgress = progressFrom(kept.next);
    this.#waiting.remove(kept);
  }
}

function keyOf({ to }: Envelope): string {
  return to.subject ?? '';
}

function progressFrom(kept: Kept | undefined): Kept | undefined {
  let found = kept;
  while (found !== undefined && found.importance !== 'progress') found = found.next;
  return found;
}
