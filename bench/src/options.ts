import { parseArgs } from 'node:util';
import { type CaseName, caseNames } from './cases.js';

export interface BenchOptions {
  readonly json: boolean;
  readonly quick: boolean;
  readonly help: boolean;
  /** `amqp://host:port` of a broker to measure instead of the embedded one. */
  readonly broker: string | undefined;
  readonly cases: readonly CaseName[];
  readonly rounds: number;
}

export const usage = `Usage: npm run bench -- [options]

Measures QMF beside bare rhea doing the same exchange through the same broker, in interleaved rounds.

  --case NAME     only this case; may be repeated: ${caseNames.join(', ')}
  --rounds N      rounds of each case, default 7 (quick: 2)
  --quick         small counts: shows that everything works, the figures mean little
  --broker URL    amqp://host[:port] of a broker to use instead of the embedded one
  --json          one JSON document instead of the table
  --help          this text
`;

/** @throws Error that names the option and what it takes */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      case: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      broker: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, json, help, broker } = values;
  return {
    json,
    quick,
    help,
    broker: broker === undefined ? undefined : brokerUrl(broker),
    cases: values.case === undefined ? caseNames : values.case.map(caseName),
    rounds: values.rounds === undefined ? (quick ? 2 : 7) : roundCount(values.rounds),
  };
}

function caseName(text: string): CaseName {
  const found = caseNames.find(name => name === text);
  if (found === undefined) throw new Error(`--case ${text}: no such case; there are ${caseNames.join(', ')}`);
  return found;
}

function roundCount(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new Error(`--rounds ${text}: a number from 1 to 999 is expected`);
  return Number(text);
}

function brokerUrl(text: string): string {
  const url = text.includes('://') ? text : `amqp://${text}`;
  if (!url.startsWith('amqp://') || url.includes('@')) {
    throw new Error('--broker: amqp://host[:port] is expected; the bench logs in as anonymous');
  }
  return url;
}
