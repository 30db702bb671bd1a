import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import type { Wire } from '../transport/transport.js';
import { type Importance, type Kept, Lane } from './lane.js';
import { MessageIds } from './message-ids.js';
import { messageSize } from './message-size.js';
import type { Tally } from './statistics.js';
import type { Timers } from './timers.js';

export interface OutboxOptions {
  /** Messages. */
  readonly limit: number;
  /** Bytes of memory, about. */
  readonly byteLimit: number;
  /** Messages handed to the wire and not settled, for one destination: one without credit doesn't hold up the others. */
  readonly window: number;
  readonly tally: Tally;
  readonly timers: Timers;
  /** A message was dropped, because there was no room. */
  readonly onDrop: () => void;
  /** The last message has left. */
  readonly onEmpty: () => void;
}

/** How far beyond the limits lasting messages may fill the outbox when there is no progress left to drop. */
const LASTING_FACTOR = 8;
/** How many times the window of one destination is that of all together. */
const WINDOW_FACTOR = 4;
/** How often a lasting message that was released is sent again, and the first of the pauses before that, in milliseconds. */
const RELEASE_RETRIES = 3;
const RELEASE_PAUSE = 100;
/**
 * Ends of a connection in a row at which one message was on its way: after so many it is sent with no other beside it, so that one more end
 * tells whether it is the cause; and after so many it is taken for the cause, and dropped.
 */
const SUSPICIOUS_ENDS = 2;
const POISONOUS_ENDS = 3;
/** Destinations without messages that are remembered. */
const IDLE_LANES = 16;

/**
 * Messages that are sent until the broker has given its word on them, in the order in which they were given to each destination.
 *
 * The outbox holds those that wait and those under way alike, and hands a wire a bounded number only: so the limits hold too
 * while a broker is there and takes nothing, and what is dropped is chosen by importance. When the limits are reached the oldest
 * progress goes first; lasting messages go up to eight times the limits, and are refused only then.
 *
 * A broker whose queue for one console is full releases what goes to all of them (wire document §1.5). Lasting messages are then
 * sent a few times more, with short pauses; when that was in vain, no others of the same routing key are until the broker takes
 * one of them, so that a console that has stopped reading delays no other, and the others don't hear everything four times. By
 * key, because the answers to consoles that do read are accepted all the while.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #ids = new MessageIds();
  readonly #lanes = new Map<string, Lane>();
  /** Those that had to stop because of the window of all. */
  readonly #held = new Set<Lane>();
  #wire: Wire | undefined;
  #size = 0;
  #bytes = 0;
  #underWay = 0;
  #number = 0;
  /** Those that are sent alone, see {@link SUSPICIOUS_ENDS}. */
  #suspects = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Messages that wait or are under way. */
  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Takes a message; settles with the broker's word on it, with `outbox_full`, or as {@link fail} says. */
  keep(envelope: Envelope, importance: Importance): Promise<void> {
    const size = messageSize(envelope);
    if (!this.#makeRoom(size, importance)) return Promise.reject(this.#dropped());
    return new Promise((resolve, reject) => {
      const { node } = envelope.to;
      let lane = this.#lanes.get(node);
      if (lane === undefined) this.#lanes.set(node, (lane = new Lane()));
      const kept: Kept = {
        envelope: this.#ids.withId(envelope),
        importance,
        number: this.#number++,
        size,
        lane,
        resolve,
        reject,
        place: 'waiting',
        wasSent: false,
        ends: 0,
        isSuspect: false,
        releases: 0,
        previous: undefined,
        next: undefined,
      };
      this.#size++;
      this.#bytes += size;
      lane.add(kept);
      this.#pump(lane);
    });
  }

  /** Sends on this wire from now on, beginning with the oldest. */
  attach(wire: Wire): void {
    this.#wire = wire;
    this.#judge();
    for (const lane of this.#lanes.values()) this.#pump(lane);
  }

  /** The wire has ended: what was under way on it waits in its old place. */
  detach(): void {
    this.#wire = undefined;
    this.#held.clear();
    this.#underWay = 0;
    for (const lane of this.#lanes.values()) {
      lane.clearWaiting();
      lane.recall();
    }
  }

  /** Finds those that may be what ends the connections. */
  #judge(): void {
    const all = [...this.#lanes.values()].flatMap(lane => [...lane]);
    for (const kept of all) {
      kept.isSuspect = kept.ends >= SUSPICIOUS_ENDS;
      if (kept.ends >= POISONOUS_ENDS) this.#dropPoison(kept);
    }
    this.#suspects = all.filter(({ place, isSuspect }) => place !== 'gone' && isSuspect).length;
  }

  #dropPoison(kept: Kept): void {
    this.#options.tally.poisoned++;
    this.#leave(kept);
    const text = `poison message: ${kept.ends} connections in a row have ended while it was on its way, so it is dropped`;
    kept.reject(new QmfError('message_rejected', text));
  }

  /** Fails everything. */
  fail(reason: QmfError): void {
    this.#wire = undefined;
    const all = [...this.#lanes.values()].flatMap(lane => [...lane]);
    for (const kept of all) this.#leave(kept);
    for (const kept of all) kept.reject(reason);
  }

  #pump(lane: Lane): void {
    const wire = this.#wire;
    if (wire === undefined || lane.isPaused) return;
    while (lane.underWayCount < this.#options.window) {
      const kept = lane.next;
      if (kept === undefined) return;
      if (this.#isWindowFull) {
        this.#held.add(lane);
        return;
      }
      this.#send(wire, kept);
    }
  }

  #send(wire: Wire, kept: Kept): void {
    kept.lane.send(kept);
    this.#underWay++;
    if (kept.wasSent) this.#options.tally.resent++;
    kept.wasSent = true;
    wire.send(kept.envelope).then(
      () => this.#settle(kept, undefined),
      (error: unknown) => this.#settle(kept, QmfError.from(error, 'connection_lost')),
    );
  }

  #settle(kept: Kept, error: QmfError | undefined): void {
    if (kept.place === 'gone') return;
    // Whether it arrived is not known: it keeps its place, and the end of the wire, of which this is a part, recalls it.
    if (error?.code === 'connection_lost' || error?.code === 'closed') {
      kept.ends = error.isUnsent ? 0 : kept.ends + 1;
      return;
    }
    const { tally } = this.#options;
    if (error === undefined) {
      tally.accepted++;
      kept.lane.unchoke(kept);
      this.#leave(kept);
      kept.resolve();
    } else {
      tally.refused(error);
      if (error.code === 'message_released' && this.#sendsAgain(kept)) return;
      this.#leave(kept);
      kept.reject(error);
    }
    // One after the other while messages go alone, or else a busy destination would keep the turn.
    if (this.#suspects === 0) this.#pump(kept.lane);
    for (const lane of this.#held) {
      if (this.#isWindowFull) break;
      this.#held.delete(lane);
      this.#pump(lane);
    }
    this.#pump(kept.lane);
  }

  /** Puts a lasting message that was released back for another try. */
  #sendsAgain(kept: Kept): boolean {
    const { lane } = kept;
    if (kept.place === 'waiting') return true; // a late word of a wire that has ended; it is sent again anyway
    if (kept.importance !== 'lasting' || lane.isChoked(kept)) return false;
    if (kept.releases === RELEASE_RETRIES) {
      lane.choke(kept);
      return false;
    }
    lane.putBack(kept);
    kept.ends = 0;
    this.#underWay--;
    const pause = RELEASE_PAUSE * 2 ** kept.releases++;
    if (lane.isPaused) return true;
    lane.isPaused = true;
    const wire = this.#wire;
    this.#options.timers.after(pause, () => {
      // On another wire the lane was taken up at once.
      if (wire !== this.#wire) return;
      lane.isPaused = false;
      this.#pump(lane);
    });
    return true;
  }

  #leave(kept: Kept): void {
    const { lane } = kept;
    if (kept.place === 'under way') this.#underWay--;
    if (kept.isSuspect) this.#suspects--;
    lane.remove(kept);
    this.#size--;
    this.#bytes -= kept.size;
    if (lane.isEmpty && this.#lanes.size > IDLE_LANES) {
      this.#lanes.delete(kept.envelope.to.node);
      this.#held.delete(lane);
    }
    if (this.#size === 0) this.#options.onEmpty();
  }

  get #isWindowFull(): boolean {
    return this.#underWay >= (this.#suspects > 0 ? 1 : this.#options.window * WINDOW_FACTOR);
  }

  #makeRoom(size: number, importance: Importance): boolean {
    while (!this.#hasRoom(size, 1)) {
      const oldest = this.#oldestProgress();
      if (oldest === undefined) return importance === 'lasting' && this.#hasRoom(size, LASTING_FACTOR);
      this.#leave(oldest);
      oldest.reject(this.#dropped());
    }
    return true;
  }

  /** A message larger than everything is for an empty outbox only. */
  #hasRoom(size: number, factor: number): boolean {
    if (this.#size === 0) return true;
    const { limit, byteLimit } = this.#options;
    return this.#size < limit * factor && this.#bytes + size <= byteLimit * factor;
  }

  #oldestProgress(): Kept | undefined {
    let oldest: Kept | undefined;
    for (const { firstProgress } of this.#lanes.values()) {
      if (firstProgress === undefined) continue;
      if (oldest === undefined || firstProgress.number < oldest.number) oldest = firstProgress;
    }
    return oldest;
  }

  #dropped(): QmfError {
    this.#options.tally.dropped++;
    this.#options.onDrop();
    return new QmfError(
      'outbox_full',
      `${this.#size} messages (${Math.ceil(this.#bytes / 1024)} kB) wait for the broker; this one was dropped`,
    );
  }
}
