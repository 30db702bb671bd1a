import { Child } from '../process/child.js';
import type { BrokerRole, CustomerRole, FactoryRole } from '../roles/contract.js';
import { median } from '../statistics.js';
import type { Line, Sizes } from './lines.js';

/** Builds that a caller has under way at a time. */
const inFlight = 100;
/** Milliseconds that a mock build may take from the order to the news of its end, all in all. */
const perBuild = 50;
/** What the resident memory of a process may differ by. */
const flat = 1.1;
/** Longest wait for one answer of a process, in milliseconds. */
const timeout = 1_800_000;

/** Mock builds from the order to the news of the end: the whole agent, a broker, a console, each a process of its own. */
export async function builds({ builds: count, memoryBuilds }: Sizes): Promise<readonly Line[]> {
  const role = <R>(name: string, file: string): Child<R> =>
    new Child<R>(name, new URL(`../roles/${file}`, import.meta.url), timeout);
  const broker = role<BrokerRole>('broker', 'broker.js');
  const factory = role<FactoryRole>('agent that builds', 'factory.js');
  const customer = role<CustomerRole>('console', 'customer.js');
  try {
    const address = { broker: await broker.ask('start', {}), instance: 'builds' };
    await factory.ask('start', address);
    await customer.ask('start', address);
    const start = await factory.ask('memory', {});
    const tenthCount = Math.ceil(memoryBuilds / 10);
    const time = await customer.ask('builds', { count, inFlight });
    if (tenthCount > count) await customer.ask('builds', { count: tenthCount - count, inFlight });
    const tenth = await factory.ask('memory', {});
    const done = Math.max(count, tenthCount);
    await customer.ask('builds', { count: Math.max(1, memoryBuilds - done), inFlight });
    const end = await factory.ask('memory', {});
    const orders = await customer.ask('orders', { count });
    await factory.ask('stop', {});
    return [
      {
        kind: 'duration',
        case: 'builds',
        what: `${count} mock builds, ${inFlight} ordered at a time`,
        median: time,
        longest: time,
        goal: { text: `≤ ${perBuild} ms each`, met: time <= count * perBuild },
      },
      {
        kind: 'duration',
        case: 'builds',
        what: `an order, ${count} one after the other`,
        median: median(orders),
        longest: Math.max(...orders),
        goal: { text: `≤ ${perBuild} ms`, met: median(orders) <= perBuild },
      },
      {
        kind: 'memory',
        case: 'builds',
        role: 'agent that builds',
        over: `${memoryBuilds} builds`,
        start,
        tenth,
        end,
        goal: { text: `≤ ${flat} × the first tenth's`, met: end <= tenth * flat },
      },
    ];
  } finally {
    for (const child of [customer, factory, broker]) await child.stop();
  }
}
