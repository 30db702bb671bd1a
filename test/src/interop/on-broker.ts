import { transportFor } from '@imagefactory/qmf';
import { after, describe, it, type Suite } from 'mocha';
import {
  type BrokerKind,
  brokers,
  type MissingBroker,
  type Protocol,
  type RealBroker,
} from '../support/brokers/index.js';
import { type MatrixRow, type Pair, pairName, pairs, record } from './matrix.js';
import { type Ground, interoperability } from './suite.js';

/** Other brokers take time and memory to start, so only on request. */
const asked = process.env['IMAGEFACTORY_BROKERS'] ?? 'embedded';

/** Whether this run is to use brokers of that kind. */
export function isAskedFor(kind: BrokerKind): boolean {
  return asked === 'all' || asked.split(',').includes(kind);
}

/** The address with the scheme of a protocol. */
export function urlFor(protocol: Protocol, url: string): string {
  return protocol === 'amqp091' ? url.replace(/^amqp:/, 'amqp091:') : url;
}

/**
 * Starts a broker for a whole file of tests and stops it after the last. Called while the file is loaded, so that a broker that
 * cannot be had leaves one skipped test with the reason, instead of one for each test that it would have had.
 */
export async function brokerForFile(kind: BrokerKind): Promise<RealBroker | undefined> {
  const wanted = isAskedFor(kind);
  const found: RealBroker | MissingBroker = wanted
    ? await brokers[kind]()
    : { kind, missing: 'not asked for; set IMAGEFACTORY_BROKERS to all, or to a list with it' };
  if (!('missing' in found)) {
    after(() => found.stop());
    return found;
  }
  it(`${kind}: ${found.missing}`, function () {
    this.skip();
  });
  if (wanted)
    after(() => record([{ broker: kind, passed: 0, failed: 0, skipped: 1, reason: found.missing }]));
  return undefined;
}

/** Defines the suite for every pair of protocols that the broker speaks. */
export function interoperabilityOn(broker: RealBroker): void {
  const speaks = ({ agent, console }: Pair): boolean =>
    broker.protocols.includes(agent) && broker.protocols.includes(console);
  describe(`an agent and a console on ${broker.kind}: ${broker.how}`, function () {
    this.timeout(300_000);
    const suites = new Map<Pair, Suite>();
    for (const pair of pairs.filter(speaks)) {
      const ground = {
        agent: urlFor(pair.agent, broker.url),
        console: urlFor(pair.console, broker.url),
        largest: largest(broker.kind, pair),
        access: accessOn(broker, pair),
      };
      suites.set(
        pair,
        describe(pairName(pair), () => interoperability(ground)),
      );
    }
    after(async () => {
      const product = await productOf(broker.url);
      await record([...suites].map(([pair, suite]) => ({ product, pair, ...results(broker.kind, suite) })));
    });
  });
}

/** The list lets in just the user who calls, by the name under which the broker passes it on; where names are not vouched for, the agent takes them as they come. */
function accessOn({ kind, url }: RealBroker, { agent, console }: Pair): Ground['access'] {
  const user = /\/\/([^:@/]+):[^@/]*@/.exec(url)?.[1] ?? 'anonymous';
  // Messages over AMQP 1.0 are translated at RabbitMQ 4, and names in them can be forged.
  const isVouched =
    (kind === 'rabbitmq' && agent === 'amqp091') ||
    (kind === 'rabbitmq4' && agent === 'amqp091' && console === 'amqp091');
  return { user, unverified: !isVouched };
}

/** Broker-J makes Java's long of every 64-bit integer in a map on its way from 0-9-1 to 1.0: those beyond it come out negative. */
function largest(broker: BrokerKind, pair: Pair): bigint {
  return (1n << (broker === 'broker-j' && pair.agent !== pair.console ? 63n : 64n)) - 1n;
}

/** A test that never ran, because a hook before it failed, counts as failed. */
function results(broker: BrokerKind, suite: Suite): MatrixRow {
  const count = { passed: 0, failed: 0, skipped: 0 };
  suite.eachTest(test => {
    if (test.isPending()) count.skipped++;
    else if (test.isPassed()) count.passed++;
    else count.failed++;
  });
  return { broker, ...count };
}

/** What a broker says of itself. */
async function productOf(url: string): Promise<string> {
  const wire = await transportFor(url).dial(new AbortController().signal);
  const { product = 'says nothing of itself', version = '' } = wire.peer;
  await wire.close();
  return `${product} ${version}`.trim();
}
