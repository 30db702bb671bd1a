import { QmfError } from '../errors.js';
import { backoffDelay, type RetryPolicy } from './backoff.js';

/** What comes after a broker has failed. */
export type NextStep =
  | { readonly kind: 'dial' }
  | { readonly kind: 'wait'; readonly delay: number; readonly reason: QmfError }
  | { readonly kind: 'give-up'; readonly reason: QmfError };

/**
 * What the waits grow to, in milliseconds, at a broker that lets us in, however soon it throws us out again: several breaks in
 * a row must not cost much more than each by itself, and once a second is no burden for a broker that does so always.
 */
const LONGEST_AFTER_OPEN = 1_000;

/**
 * Which broker of the list is dialled, and when: the next one at once, until each has had its turn in the round; then after a
 * pause that grows from round to round. Brokers that refused us for good are left out.
 */
export class Failover {
  readonly #brokers: readonly string[];
  readonly #policy: RetryPolicy;
  readonly #random: () => number;
  #present = 0;
  /** Positions in the list. */
  readonly #tried = new Set<number>();
  readonly #refused = new Set<number>();
  /** Those that did not let us in when they were tried last. */
  readonly #down = new Set<number>();
  readonly #said = new Map<number, QmfError>();
  /** Since a connection was stable: the pauses follow from it. */
  #rounds = 0;
  /** Since any broker let us in: giving up follows from it. */
  #vainRounds = 0;
  #wasOpenThisRound = false;
  #awaySince: number;

  /** @param now when the connection was started, in milliseconds */
  constructor(brokers: readonly string[], policy: RetryPolicy, random: () => number, now: number) {
    this.#brokers = brokers;
    this.#policy = policy;
    this.#random = random;
    this.#awaySince = now;
  }

  /** Position of the broker whose turn it is. */
  get present(): number {
    return this.#present;
  }

  /** Whether the present broker did not let us in the last time, and another one did or was not tried yet. */
  get isDoubtful(): boolean {
    return this.#down.has(this.#present) && this.#down.size < this.#brokers.length;
  }

  /**
   * The present broker failed.
   *
   * @param openFor milliseconds that its connection was open, if it came to that
   */
  failed(reason: QmfError, now: number, openFor?: number): NextStep {
    if (openFor !== undefined) this.#wasOpen(openFor, now);
    const present = this.#present;
    this.#said.set(present, reason);
    this.#tried.add(present);
    if (openFor === undefined) this.#down.add(present);
    else this.#down.delete(present);
    if (!reason.retryable && !this.#policy.retryRefused) this.#refused.add(present);
    const left = this.#policy.giveUpAfter - (now - this.#awaySince);
    if (this.#refused.size === this.#brokers.length || left <= 0) return this.#giveUp();
    const next = this.#next();
    if (next !== undefined) {
      this.#present = next;
      return { kind: 'dial' };
    }
    return this.#endRound(left);
  }

  #wasOpen(openFor: number, now: number): void {
    this.#vainRounds = 0;
    this.#wasOpenThisRound = true;
    if (openFor < this.#policy.stableAfter) {
      this.#awaySince += openFor;
      const doublings = Math.floor(Math.log2(LONGEST_AFTER_OPEN / this.#policy.initialDelay));
      this.#rounds = Math.max(0, Math.min(this.#rounds, doublings));
      return;
    }
    this.#awaySince = now;
    this.#rounds = 0;
    this.#tried.clear();
    this.#refused.clear();
    this.#said.clear();
  }

  #endRound(left: number): NextStep {
    this.#rounds++;
    if (!this.#wasOpenThisRound) this.#vainRounds++;
    this.#wasOpenThisRound = false;
    if (this.#vainRounds >= this.#policy.maxAttempts) return this.#giveUp();
    this.#tried.clear();
    this.#present = this.#next() ?? this.#present; // not all have refused: checked before
    const delay = Math.min(left, backoffDelay(this.#rounds, this.#policy, this.#random));
    return { kind: 'wait', delay, reason: everyWord(this.#brokers, this.#said) };
  }

  /** The next in the list, after the present one, that was not tried in this round. */
  #next(): number | undefined {
    const count = this.#brokers.length;
    for (let step = 1; step <= count; step++) {
      const position = (this.#present + step) % count;
      if (!this.#tried.has(position) && !this.#refused.has(position)) return position;
    }
    return undefined;
  }

  #giveUp(): NextStep {
    return { kind: 'give-up', reason: everyWord(this.#brokers, this.#said) };
  }
}

/** One broker's reason as it is; of several, what each of them said last. */
function everyWord(brokers: readonly string[], said: ReadonlyMap<number, QmfError>): QmfError {
  const reasons = [...said.values()];
  const [first] = reasons;
  if (first !== undefined && brokers.length === 1) return first;
  const refused = reasons.every(reason => !reason.retryable) ? first : undefined;
  const remedies = new Set(reasons.flatMap(({ remedy }) => (remedy === undefined ? [] : [remedy])));
  const words = brokers.flatMap((broker, position) => {
    const reason = said.get(position);
    if (reason === undefined) return [];
    return [reason.message.includes(broker) ? reason.message : `${broker}: ${reason.message}`];
  });
  return new QmfError(
    refused?.code ?? 'unreachable',
    `none of the ${brokers.length} brokers can be used: ${words.join('; ')}`,
    {
      cause: new AggregateError(reasons),
      ...(remedies.size === 0 ? {} : { remedy: [...remedies].join('; ') }),
    },
  );
}
