import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BusConnection, QmfError } from '@imagefactory/qmf';
import { eq, not, or, reMatch } from '@imagefactory/qmf/query';
import { BuildAdaptor } from '@imagefactory/schema';
import type { Outcomes } from './contract.js';

/** Code of the exception for more than a caller's share (docs/errors.md). */
const BUSY = 8;

/** Messages that a console hands to its broker before that has taken the first: a little less than it may. */
const MOST_UNDER_WAY = 4_000;

const { packageName, className } = BuildAdaptor.schema.id;

/** Nearly as many patterns as may be, each with many ways through it, and none found: it ends with the budget. */
export const worstQuery = {
  packageName,
  className,
  where: or(
    ...Array.from({ length: 120 }, (_term, index) =>
      reMatch('descriptor', `(.?.?){80}\\x${10 + (index % 80)}`),
    ),
  ),
};
/** One comparison of the same text. */
export const plainQuery = { packageName, className, where: not(eq('descriptor', '')) };

/** Keeps requests going, and counts how they end. */
export class Pressure {
  #isOn = false;
  #running: Promise<void>[] = [];
  readonly #counts = { answered: 0, refused: 0, notTaken: 0, failed: 0 };

  get outcomes(): Outcomes {
    return { ...this.#counts };
  }

  keepGoing(inFlight: number, request: () => Promise<unknown>): void {
    this.#isOn = true;
    const one = async (): Promise<void> => {
      while (this.#isOn) await this.count(request());
    };
    this.#running = Array.from({ length: inFlight }, one);
  }

  /** Makes all requests as fast as the connection takes them, and settles when each has ended. Gives how they did. */
  async burst(count: number, connection: BusConnection, request: () => Promise<unknown>): Promise<Outcomes> {
    const ends: Promise<void>[] = [];
    while (ends.length < count) {
      if (connection.statistics.underWay < MOST_UNDER_WAY) ends.push(this.count(request()));
      else await nextTurn();
    }
    await Promise.all(ends);
    return this.outcomes;
  }

  async calm(): Promise<Outcomes> {
    this.#isOn = false;
    await Promise.all(this.#running);
    return this.outcomes;
  }

  async count(request: Promise<unknown>): Promise<void> {
    try {
      await request;
      this.#counts.answered++;
    } catch (error) {
      if (!(error instanceof QmfError)) this.#counts.failed++;
      else if (error.agentCode === BUSY) this.#counts.refused++;
      else if (error.code === 'message_released') this.#counts.notTaken++;
      else this.#counts.failed++;
    }
  }
}
