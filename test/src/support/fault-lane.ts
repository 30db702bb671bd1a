import type { Socket } from 'node:net';

/** Which way bytes go. */
export type Direction = 'toBroker' | 'toClient';

/** What all lanes of one direction go by; changed while they run. */
export interface LaneConditions {
  /** Milliseconds for which a byte is held back. */
  delay: number;
  bytesPerSecond: number;
  /** Whether new lanes are silent from their start. */
  stalled: boolean;
  /** Bytes that may still pass before `spent` is called. */
  budget: { left: number; readonly spent: () => void } | undefined;
}

export function newConditions(): LaneConditions {
  return { delay: 0, bytesPerSecond: Number.POSITIVE_INFINITY, stalled: false, budget: undefined };
}

/** Beyond this nothing more is read, so that the sender feels it. */
const bufferLimit = 1 << 20;
/** With a limited rate the bytes go in pieces of so many milliseconds. */
const pieceTime = 20;

/** One direction of one connection. */
export class Lane {
  readonly #queue: { bytes: Buffer; readonly due: number }[] = [];
  #buffered = 0;
  #free = 0;
  #stalled: boolean;
  #ended = false;
  #blocked = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly conditions: LaneConditions,
  ) {
    this.#stalled = conditions.stalled;
    from.on('data', (bytes: Buffer) => {
      this.#queue.push({ bytes, due: performance.now() + conditions.delay });
      this.#buffered += bytes.length;
      this.#pump();
    });
    from.on('end', () => {
      this.#ended = true;
      this.#pump();
    });
    to.on('drain', () => {
      this.#blocked = false;
      this.#pump();
    });
    if (this.#stalled) from.pause();
  }

  toString(): string {
    const marks = [this.#stalled && 'stalled', this.#blocked && 'blocked', this.#ended && 'ended'];
    return `${this.#buffered} bytes${marks.map(mark => (mark === false ? '' : ` ${mark}`)).join('')}`;
  }

  stall(): void {
    this.#stalled = true;
    this.from.pause();
  }

  resume(): void {
    this.#stalled = false;
    this.#pump();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }

  #pump(): void {
    clearTimeout(this.#timer);
    while (!this.#stalled && !this.#blocked && !this.to.destroyed) {
      const head = this.#queue[0];
      if (head === undefined) {
        if (this.#ended) this.to.end();
        break;
      }
      const wait = Math.max(head.due, this.#free) - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#pump(), Math.ceil(wait));
        break;
      }
      this.#pass(head);
    }
    if (this.#stalled || this.#buffered > bufferLimit) this.from.pause();
    else this.from.resume();
  }

  /** Writes as much of the head of the queue as may go now. */
  #pass(head: { bytes: Buffer }): void {
    const { bytesPerSecond, budget } = this.conditions;
    const byRate = Math.max(1, Math.floor((bytesPerSecond * pieceTime) / 1_000));
    const length = Math.min(head.bytes.length, byRate, budget?.left ?? Number.POSITIVE_INFINITY);
    const piece = head.bytes.subarray(0, length);
    head.bytes = head.bytes.subarray(length);
    if (head.bytes.length === 0) this.#queue.shift();
    this.#buffered -= length;
    if (bytesPerSecond !== Number.POSITIVE_INFINITY)
      this.#free = Math.max(this.#free, performance.now()) + (length / bytesPerSecond) * 1_000;
    if (budget === undefined) {
      this.#blocked = !this.to.write(piece);
      return;
    }
    budget.left -= length;
    if (budget.left > 0) {
      this.#blocked = !this.to.write(piece);
      return;
    }
    this.conditions.budget = undefined;
    this.#stalled = true; // nothing may overtake the cut
    this.to.write(piece, () => budget.spent());
  }
}
