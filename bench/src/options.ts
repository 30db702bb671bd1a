import { parseArgs } from 'node:util';
import { type CaseName, caseNames } from './cases/index.js';
import { type Protocol, protocols, startableBrokers } from './grounds.js';

export interface BenchOptions {
  readonly json: boolean;
  readonly quick: boolean;
  readonly help: boolean;
  /** Names of {@link startableBrokers}, or addresses of brokers that run already. */
  readonly brokers: readonly string[];
  /** Only these; by default all that a broker speaks. */
  readonly protocols: readonly Protocol[];
  readonly cases: readonly CaseName[];
  readonly rounds: number;
}

export const usage = `Usage: npm run bench -- [options]

Measures QMF beside a bare AMQP library doing the same exchange through the same broker, in interleaved rounds:
rhea for AMQP 1.0, amqplib for AMQP 0-9-1. The bare side sends messages of the same content to the same exchange, with the
properties and headers that every QMF peer must send, and waits for the broker's word on them alike (accepted in 1.0, publisher
confirms in 0-9-1), and takes its deliveries as QMF does (accepting each in 1.0, without acknowledgements in 0-9-1). What only
QMF has here: deadlines, an outbox, message ids against duplicates, and in 0-9-1 on RabbitMQ 3 the headers once more, for AMQP 1.0.
CPU times of both ends say much the same on a busy machine; times that pass don't.

  --case NAME      only this case; may be repeated: ${caseNames.join(', ')}
  --broker WHICH   ${startableBrokers.join(', ')}, or the address of one that runs already
                   (amqp://[user:password@]host[:port], with amqp091:// in AMQP 0-9-1);
                   may be repeated; default embedded
  --protocol P     only this: ${protocols.join(', ')}; may be repeated
  --rounds N       rounds of each case, default 7 (quick: 2)
  --quick          small counts: shows that everything works, the figures mean little
  --json           one JSON document instead of the table
  --help           this text
`;

/** @throws Error that names the option and what it takes */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      case: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      broker: { type: 'string', multiple: true, default: ['embedded'] },
      protocol: { type: 'string', multiple: true, default: [...protocols] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, json, help, broker } = values;
  return {
    json,
    quick,
    help,
    brokers: broker.map(brokerChoice),
    protocols: values.protocol.map(text => oneOf('--protocol', protocols, text)),
    cases: values.case === undefined ? caseNames : values.case.map(text => oneOf('--case', caseNames, text)),
    rounds: values.rounds === undefined ? (quick ? 2 : 7) : roundCount(values.rounds),
  };
}

function oneOf<T extends string>(option: string, names: readonly T[], text: string): T {
  const found = names.find(name => name === text);
  if (found === undefined) throw new Error(`${option} ${text}: unknown; there are ${names.join(', ')}`);
  return found;
}

function roundCount(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new Error(`--rounds ${text}: a number from 1 to 999 is expected`);
  return Number(text);
}

function brokerChoice(text: string): string {
  if (startableBrokers.some(name => name === text)) return text;
  // Not repeated: it may hold a password.
  if (!/^amqp(091)?:\/\/./.test(text)) {
    throw new Error(
      `--broker: ${startableBrokers.join(', ')}, amqp://host[:port] or amqp091://host[:port] is expected`,
    );
  }
  return text;
}
