import { Fifo } from './fifo.js';

/**
 * Items of several sources, in order for each source. The sources take turns, so that an item waits for at most one of each other source and
 * those of its own, however many the others have.
 */
export class FairFifo<S, T> {
  /** By source, none empty; the first has its turn. */
  readonly #lanes = new Map<S, Fifo<T>>();
  #size = 0;

  constructor(private readonly sourceOf: (item: T) => S) {}

  get size(): number {
    return this.#size;
  }

  /** Items of one source. */
  sizeOf(source: S): number {
    return this.#lanes.get(source)?.size ?? 0;
  }

  push(item: T): void {
    this.#laneOf(item).push(item);
    this.#size++;
  }

  /** Puts an item back in front of the others of its source. */
  unshift(item: T): void {
    this.#laneOf(item).unshift(item);
    this.#size++;
  }

  peek(): T | undefined {
    for (const lane of this.#lanes.values()) return lane.peek();
    return undefined;
  }

  /** Takes the item that {@link peek} shows; the turn passes to the next source. */
  shift(): T | undefined {
    for (const [source, lane] of this.#lanes) {
      const item = this.#take(source, lane);
      if (lane.size > 0 && this.#lanes.size > 1) {
        this.#lanes.delete(source);
        this.#lanes.set(source, lane);
      }
      return item;
    }
    return undefined;
  }

  /** Takes the oldest item of the source that has most. */
  shiftLongest(): T | undefined {
    let longest: [S, Fifo<T>] | undefined;
    for (const entry of this.#lanes) if (entry[1].size > (longest?.[1].size ?? 0)) longest = entry;
    return longest && this.#take(...longest);
  }

  /** Keeps the items for which `keep` holds, in their order. */
  retain(keep: (item: T) => boolean): void {
    for (const [source, lane] of this.#lanes) {
      this.#size -= lane.size;
      lane.retain(keep);
      this.#size += lane.size;
      if (lane.size === 0) this.#lanes.delete(source);
    }
  }

  clear(): void {
    this.#lanes.clear();
    this.#size = 0;
  }

  #laneOf(item: T): Fifo<T> {
    const source = this.sourceOf(item);
    let lane = this.#lanes.get(source);
    if (lane === undefined) this.#lanes.set(source, (lane = new Fifo()));
    return lane;
  }

  #take(source: S, lane: Fifo<T>): T | undefined {
    const item = lane.shift();
    this.#size--;
    if (lane.size === 0) this.#lanes.delete(source);
    return item;
  }
}
