import { eq, not, QmfError, or, reMatch } from '@imagefactory/qmf';
import { BuildAdaptor } from '@imagefactory/schema';
import type { Outcomes } from './contract.js';

/** Code of the exception for more than a caller's share (docs/errors.md). */
const BUSY = 8;

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
  readonly #counts = { answered: 0, refused: 0, failed: 0 };

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
      if (error instanceof QmfError && error.agentCode === BUSY) this.#counts.refused++;
      else this.#counts.failed++;
    }
  }
}
