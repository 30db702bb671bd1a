/** What can stand in a {@link Chain}. */
export interface Link<T> {
  previous: T | undefined;
  next: T | undefined;
}

/** A list whose items know their neighbours, so that any of them leaves at the same small cost. */
export class Chain<T extends Link<T>> {
  #first: T | undefined;
  #last: T | undefined;

  get first(): T | undefined {
    return this.#first;
  }

  get last(): T | undefined {
    return this.#last;
  }

  push(item: T): void {
    item.previous = this.#last;
    item.next = undefined;
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
  }

  /** Puts an item before one of this chain, or at the end. */
  insert(item: T, before: T | undefined): void {
    if (before === undefined) {
      this.push(item);
      return;
    }
    item.previous = before.previous;
    item.next = before;
    if (before.previous === undefined) this.#first = item;
    else before.previous.next = item;
    before.previous = item;
  }

  /** Takes out an item of this chain. */
  remove(item: T): void {
    if (item.previous === undefined) this.#first = item.next;
    else item.previous.next = item.next;
    if (item.next === undefined) this.#last = item.previous;
    else item.next.previous = item.previous;
    item.previous = undefined;
    item.next = undefined;
  }

  /** Moves all items of another chain to the front of this one, in their order. */
  takeInFront(other: Chain<T>): void {
    if (other.#last === undefined) return;
    if (this.#first === undefined) this.#last = other.#last;
    else {
      other.#last.next = this.#first;
      this.#first.previous = other.#last;
    }
    this.#first = other.#first;
    other.clear();
  }

  /** Forgets all items; what they know of their neighbours is worth nothing then. */
  clear(): void {
    this.#first = undefined;
    this.#last = undefined;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let item = this.#first; item !== undefined; item = item.next) yield item;
  }
}
