import type { Occasions } from './kinds.js';

/** A rule that was set. */
export interface FaultRule {
  /** How often it has struck. */
  readonly hits: number;
  /** Takes it back. */
  off(): void;
}

interface Rule<Subject, Fault> {
  readonly fault: Fault;
  readonly matches: (subject: Subject) => boolean;
  skip: number;
  left: number;
  hits: number;
}

/** Rules for one kind of occasion. The first that matches strikes. */
export class Rules<Subject, Fault> {
  #rules: readonly Rule<Subject, Fault>[] = [];

  /** Whether there is any; to be asked first, so that a broker without faults pays one comparison. */
  get armed(): boolean {
    return this.#rules.length > 0;
  }

  add(
    fault: Fault,
    matches: (subject: Subject) => boolean,
    { skip = 0, times = Infinity }: Occasions,
    afterwards: () => void = () => undefined,
  ): FaultRule {
    const rule: Rule<Subject, Fault> = { fault, matches, skip, left: times, hits: 0 };
    this.#rules = [...this.#rules, rule];
    return {
      get hits() {
        return rule.hits;
      },
      off: () => {
        this.#rules = this.#rules.filter(each => each !== rule);
        afterwards();
      },
    };
  }

  strike(subject: Subject): Fault | undefined {
    for (const rule of this.#rules) {
      if (!rule.matches(subject) || rule.skip-- > 0) continue;
      if (rule.left <= 0) continue;
      rule.left--;
      rule.hits++;
      return rule.fault;
    }
    return undefined;
  }

  clear(): void {
    this.#rules = [];
  }
}
