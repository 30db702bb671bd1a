import { QmfError } from '../errors.js';

/** Steps after which a long evaluation pauses: well under a millisecond. */
const SLICE = 20_000;

/**
 * Counts the work of one query: expressions, operands, visited states of patterns, compared text, objects. The count depends on the query
 * and the data alone, never on the machine.
 */
export class StepMeter {
  #spent = 0;
  #sliceEnd: number;

  /**
   * @param work the counted work, as the error names it
   * @param limit steps
   * @param slice steps between two pauses
   */
  constructor(
    readonly work: string,
    readonly limit: number,
    private readonly slice = SLICE,
  ) {
    this.#sliceEnd = slice;
  }

  /** Steps so far. */
  get spent(): number {
    return this.#spent;
  }

  /** If set, the work pauses at the next opportunity, and others have their turn. */
  get isDue(): boolean {
    return this.#spent >= this.#sliceEnd;
  }

  /** @throws QmfError `query_too_costly` beyond the limit */
  spend(steps: number): void {
    this.#spent += steps;
    if (this.#spent <= this.limit) return;
    throw new QmfError(
      'query_too_costly',
      `${this.work} takes more than ${this.limit} steps; ask for one object or class, use fewer or simpler patterns, or compare with eq`,
    );
  }

  /** Begins the next slice. */
  resume(): void {
    this.#sliceEnd = this.#spent + this.slice;
  }
}

/** Work that pauses where its meter is due, and gives a result at its end. */
export type Paused<T> = Generator<undefined, T, undefined>;

/** Runs paused work to its end without a pause, for predicates and data of one's own. */
export function withoutPause<T>(work: Paused<T>): T {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}
