import { after, before, describe, it } from 'mocha';
import { type BrokerKind, brokers, type Protocol, type RealBroker } from '../support/brokers/index.js';
import { urlFor } from '../interop/on-broker.js';
import { exchangeSwitch } from './exchange-switch.js';
import { flowSwitch } from './flow-switch.js';
import type { Scenario } from './scenario.js';
import { later } from './helpers.js';
import { scenarios } from './scenarios/index.js';
import type { Site } from './site.js';
import { Stage } from './stage.js';
import { Turns } from './turns.js';

const shortNames: Readonly<Record<Protocol, string>> = { amqp10: '1.0', amqp091: '0-9-1' };

/** What lasts a minute does so on one broker; a run of all should not take many. */
function secondsOn(kind: BrokerKind): number {
  return Number(process.env['IMAGEFACTORY_FAULTS_SECONDS'] ?? (kind === 'rabbitmq' ? 60 : 15));
}

/** Scenarios whose names hold the word asked for; a `--grep` of mocha's chooses what is reported, but not what is played ahead. */
const played = scenarios.filter(({ name }) => name.includes(process.env['IMAGEFACTORY_FAULT'] ?? ''));

type Result = 'passed' | 'failed' | 'skipped';

/** Plays every scenario on a broker, in each protocol that it speaks. */
export function faultsOn(broker: RealBroker): void {
  describe(`faults between an agent and consoles, on ${broker.kind}: ${broker.how}`, function () {
    this.timeout(600_000); // as each waits for its turn; what it waits for has a patience of its own
    let spare: RealBroker | undefined;
    const table = new Map<string, string[]>();
    const site = (protocol: Protocol): Site => ({
      kind: broker.kind,
      protocol,
      url: urlFor(protocol, broker.url),
      long: true,
      seconds: secondsOn(broker.kind),
      ...(broker.process === undefined ? {} : { process: broker.process }),
      ...(spare === undefined ? {} : { spare: urlFor(protocol, spare.url) }),
      ...flowSwitch(broker),
      ...exchangeSwitch(broker),
    });
    const play = (scenario: Scenario, protocol: Protocol): Promise<void> => {
      const place = site(protocol);
      return Stage.play(place, scenario.options?.(place) ?? {}, stage => scenario.run(stage));
    };
    const cell = (scenario: Scenario, protocol: Protocol, result: Result, reason = ''): void => {
      const cells = table.get(scenario.name) ?? [];
      table.set(scenario.name, [...cells, `${shortNames[protocol]} ${result}${reason && ` (${reason})`}`]);
    };
    const test = (scenario: Scenario, protocol: Protocol, run: () => Promise<void>): void => {
      it(`${shortNames[protocol]}: ${scenario.name}`, async function () {
        const missing = scenario.missing?.(site(protocol));
        if (missing !== undefined) {
          cell(scenario, protocol, 'skipped', missing);
          console.log(`      skipped: ${missing}`);
          return this.skip();
        }
        try {
          await run();
        } catch (error) {
          cell(scenario, protocol, 'failed');
          throw error;
        }
        cell(scenario, protocol, 'passed');
      });
    };

    before(async () => {
      const second = await startSecond(broker.kind);
      if (second !== undefined) spare = second;
    });
    after(() => spare?.stop());
    after(() => console.log(printed(broker, table)));

    const pairs = (company: Scenario['company']): { scenario: Scenario; protocol: Protocol }[] =>
      played
        .filter(scenario => scenario.company === company)
        .flatMap(scenario => broker.protocols.map(protocol => ({ scenario, protocol })));

    // Played ahead, so many at a time; each test waits for its own.
    const ahead = (company: Scenario['company'], turns: Turns): void => {
      const playing = new Map<string, Promise<void>>();
      const key = ({ name }: Scenario, protocol: Protocol): string => `${protocol} ${name}`;
      before(() => {
        for (const { scenario, protocol } of pairs(company)) {
          if (scenario.missing?.(site(protocol)) === undefined)
            playing.set(key(scenario, protocol), later(turns.take(() => play(scenario, protocol))));
        }
      });
      for (const { scenario, protocol } of pairs(company))
        test(scenario, protocol, async () => playing.get(key(scenario, protocol)));
    };
    describe('many at a time', () => ahead('together', new Turns(6)));
    describe('the same in each protocol', () => ahead('apart', new Turns(broker.protocols.length)));
    describe('one after the other', () => {
      for (const { scenario, protocol } of pairs('alone'))
        test(scenario, protocol, () => play(scenario, protocol));
    });
  });
}

/** Another broker of the kind, where one can be started here. */
async function startSecond(kind: BrokerKind): Promise<RealBroker | undefined> {
  const found = await brokers[kind]();
  if ('missing' in found) return undefined;
  if (found.process !== undefined) return found;
  await found.stop(); // an address from the environment is the first one once more
  return undefined;
}

function printed({ kind }: RealBroker, table: ReadonlyMap<string, readonly string[]>): string {
  const width = Math.max(...[...table.keys()].map(name => name.length));
  return [...table]
    .map(([name, cells]) => `  ${kind}: ${name.padEnd(width)}  ${cells.join(', ')}`)
    .join('\n');
}
