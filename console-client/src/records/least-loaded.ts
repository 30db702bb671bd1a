import type { ConsoleAgent, RequestOptions, WaitOptions } from '@imagefactory/qmf';
import { parsePredicate } from '@imagefactory/qmf/query';
import { BuildAdaptorOnBus, RECORDS_PAGE } from '@imagefactory/schema';
import { isUnknown } from '../tracking/standing.js';
import { jobsOf } from './queries.js';

/**
 * The agent with the fewest jobs that have not ended; of several the first by name. Agents that do not answer are left out.
 *
 * @throws QmfError why the first agent did not answer, when none has
 */
export async function leastLoadedOf(
  agents: readonly ConsoleAgent[],
  options: WaitOptions,
): Promise<ConsoleAgent> {
  const sorted = [...agents].sort((left, right) => (left.name < right.name ? -1 : 1));
  const loads = await Promise.allSettled(sorted.map(agent => loadOf(agent, options)));
  const answered = sorted.flatMap((agent, index) => {
    const load = loads[index];
    return load?.status === 'fulfilled' ? [{ agent, load: load.value }] : [];
  });
  const [first, ...others] = answered;
  if (first === undefined) throw loads.find(load => load.status === 'rejected')?.reason;
  return others.reduce((least, next) => (next.load < least.load ? next : least), first).agent;
}

/** Those of a job that has not ended. */
const unended = ['new', 'preparing', 'queued', 'running', 'finishing'];
const unendedAdaptors = parsePredicate(
  '[and, [ne, status, [quote, COMPLETED]], [ne, status, [quote, FAILED]]]',
);

/** How many jobs an agent has that have not ended; of agents without records, how many adaptors. */
async function loadOf(agent: ConsoleAgent, options: RequestOptions): Promise<number> {
  let load = 0;
  try {
    for (let after: string | undefined; ; ) {
      const query = { where: { status: unended }, limit: RECORDS_PAGE };
      const page = await jobsOf(agent, after === undefined ? query : { ...query, after }, options);
      load += page.items.length;
      after = page.next;
      if (after === undefined) return load;
    }
  } catch (error) {
    if (!isUnknown(error)) throw error;
  }
  const { packageName, className } = BuildAdaptorOnBus.schema.id;
  return (await agent.addresses({ packageName, className, where: unendedAdaptors }, options)).length;
}
