/** A first-in first-out list on a ring that grows; every operation is O(1), unlike `Array.prototype.shift`. */
export class Fifo<T> {
  #ring: (T | undefined)[] = new Array<T | undefined>(16);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#size++) & (this.#ring.length - 1)] = item;
  }

  /** Puts an item back in front of all others. */
  unshift(item: T): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = item;
    this.#size++;
  }

  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#head];
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    if (--this.#size === 0 && this.#ring.length > 1024) this.clear();
    return item;
  }

  /** Keeps the items for which `keep` holds, in their order. */
  retain(keep: (item: T) => boolean): void {
    for (let left = this.#size; left > 0; left--) {
      const item = this.shift();
      if (item !== undefined && keep(item)) this.push(item);
    }
  }

  clear(): void {
    this.#ring = new Array<T | undefined>(16);
    this.#head = 0;
    this.#size = 0;
  }

  #grow(): void {
    const ring = this.#ring;
    const bigger = new Array<T | undefined>(ring.length * 2);
    for (let index = 0; index < this.#size; index++) {
      bigger[index] = ring[(this.#head + index) & (ring.length - 1)];
    }
    this.#ring = bigger;
    this.#head = 0;
  }
}
