import { OverQuota } from './over-quota.js';

export interface QuotaLimits {
  /** All callers together. */
  readonly total: number;
  readonly each: number;
}

/** Bounds what callers hold at a time: subscriptions, bytes. A caller is a text, wherever it comes from. */
export class Quota {
  readonly #held = new Map<string, number>();
  #total = 0;

  /**
   * @param what the thing that is counted, for people: `subscriptions`
   * @param remedy what a caller may do about it
   */
  constructor(
    private readonly limits: QuotaLimits,
    private readonly what: string,
    private readonly remedy: string,
  ) {}

  /** The amount that all callers hold. */
  get total(): number {
    return this.#total;
  }

  /**
   * Takes an amount. The result gives it back; a second time it does nothing. A caller that holds nothing may take more than its share once, as
   * long as there is room for it.
   *
   * @throws OverQuota when the caller, or all together, would hold too much
   */
  take(caller: string, amount: number): () => void {
    const own = this.#held.get(caller) ?? 0;
    const { total, each } = this.limits;
    if (own > 0 && own + amount > each)
      throw new OverQuota(`you have ${own} ${this.what} of at most ${each} already; ${this.remedy}`);
    if (this.#total > 0 && this.#total + amount > total)
      throw new OverQuota(
        `all callers have ${this.#total} ${this.what} of at most ${total} already; try again later`,
      );
    this.#change(caller, amount);
    let isHeld = true;
    return () => {
      if (isHeld) this.#change(caller, -amount);
      isHeld = false;
    };
  }

  #change(caller: string, amount: number): void {
    this.#total += amount;
    const own = (this.#held.get(caller) ?? 0) + amount;
    if (own === 0) this.#held.delete(caller);
    else this.#held.set(caller, own);
  }
}
