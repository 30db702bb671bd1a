import { appendFile, readFile } from 'node:fs/promises';
import type { BrokerKind, Protocol } from '../support/brokers/index.js';

/** Which protocol the agent and which the console speaks. */
export interface Pair {
  readonly agent: Protocol;
  readonly console: Protocol;
}

/** What the suite found for one broker and one pair of protocols. */
export interface MatrixRow {
  readonly broker: BrokerKind;
  /** What the broker says of itself. */
  readonly product?: string;
  /** Absent where the whole broker is meant. */
  readonly pair?: Pair;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly reason?: string;
}

const protocols: readonly Protocol[] = ['amqp10', 'amqp091'];
const shortNames: Readonly<Record<Protocol, string>> = { amqp10: '1.0', amqp091: '0-9-1' };

/** All pairs, for the columns of the matrix. */
export const pairs: readonly Pair[] = protocols.flatMap(agent =>
  protocols.map(console => ({ agent, console })),
);

export function pairName({ agent, console }: Pair): string {
  return `agent ${shortNames[agent]}, console ${shortNames[console]}`;
}

/** Prints rows, and keeps them for {@link matrixTable} in the file that `IMAGEFACTORY_MATRIX` names. */
export async function record(rows: readonly MatrixRow[]): Promise<void> {
  console.log(matrixTable(rows));
  const file = process.env.IMAGEFACTORY_MATRIX;
  if (file !== undefined) await appendFile(file, rows.map(row => `${JSON.stringify(row)}\n`).join(''));
}

/** The rows that several runs have kept, in the order of `order`. */
export async function recorded(file: string, order: readonly BrokerKind[]): Promise<MatrixRow[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const rows = text.split('\n').filter(line => line !== '');
  return rows
    .map(line => JSON.parse(line) as MatrixRow) // our own lines
    .sort((one, other) => order.indexOf(one.broker) - order.indexOf(other.broker));
}

/** Broker × transports × results, as a table for people. */
export function matrixTable(rows: readonly MatrixRow[]): string {
  const lines = rows.map(({ broker, product, pair, passed, failed, skipped, reason }) => [
    product === undefined ? broker : `${broker} (${product})`,
    pair === undefined ? '' : `${shortNames[pair.agent]} → ${shortNames[pair.console]}`,
    String(passed),
    String(failed),
    String(skipped),
    reason ?? '',
  ]);
  const table = [['broker', 'agent → console', 'passed', 'failed', 'skipped', ''], ...lines];
  const widths = [0, 1, 2, 3, 4].map(column => Math.max(...table.map(line => line[column]?.length ?? 0)));
  return table
    .map(line => `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}
