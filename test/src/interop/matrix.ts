import { type BrokerKind, type Protocol } from '../support/brokers/index.js';

/** Which protocol the agent and which the console speaks. */
export interface Pair {
  readonly agent: Protocol;
  readonly console: Protocol;
}

type Cell = { passed: number; failed: number; skipped: number; reason?: string };

const shortNames: Readonly<Record<Protocol, string>> = { amqp10: '1.0', amqp091: '0-9-1' };

export function pairName({ agent, console }: Pair): string {
  return `agent ${shortNames[agent]}, console ${shortNames[console]}`;
}

/** Broker × transports × results, for the end of a run. */
export class Matrix {
  readonly #rows = new Map<string, Cell>();

  count(broker: BrokerKind, pair: Pair, result: 'passed' | 'failed' | 'skipped'): void {
    this.#cell(broker, pairName(pair))[result]++;
  }

  skip(broker: BrokerKind, what: string, reason: string): void {
    const cell = this.#cell(broker, what);
    cell.skipped++;
    cell.reason = reason;
  }

  toString(): string {
    const lines = [...this.#rows].map(([row, { passed, failed, skipped, reason }]) => {
      const counts = `${passed} passed, ${failed} failed, ${skipped} skipped`;
      return `      ${row.padEnd(42)} ${counts}${reason === undefined ? '' : `: ${reason}`}`;
    });
    return ['      broker × transports', ...lines].join('\n');
  }

  #cell(broker: BrokerKind, what: string): Cell {
    const row = `${broker}: ${what}`;
    let cell = this.#rows.get(row);
    if (cell === undefined) {
      cell = { passed: 0, failed: 0, skipped: 0 };
      this.#rows.set(row, cell);
    }
    return cell;
  }
}
