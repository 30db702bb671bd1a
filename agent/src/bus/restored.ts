import { type RestoredJob, restoreJobs } from '@imagefactory/factory/orders';
import { ADAPTOR_PREFIX } from '@imagefactory/schema';
import { publishAdaptor, raiseStatus, statusWords } from './adaptor.js';
import { keepFinished } from './keep-finished.js';
import type { FactoryParts } from './parts.js';

/**
 * Puts the jobs of earlier starts on the bus again, at the addresses that they had: those that go on, and those that have ended and may still be
 * asked for. The events of an end that may not have reached the broker before the agent was killed are raised again.
 */
export async function publishRestored(parts: FactoryParts): Promise<void> {
  for (const job of await restoreJobs(parts, id => `${ADAPTOR_PREFIX}${id}`)) publishOne(job, parts);
}

function publishOne({ build, told, sequence, endedAt, place }: RestoredJob, parts: FactoryParts): void {
  const whenOver = keepFinished(build, parts);
  const adaptor = publishAdaptor(parts, build, place, whenOver);
  if (endedAt === undefined) return;
  const recorded = Promise.resolve(sequence);
  const news = { from: 'FINISHING', state: build.state, recorded } as const;
  whenOver(
    adaptor,
    told ? Promise.resolve() : raiseStatus(adaptor, news, statusWords(place, build), parts.events),
    Math.max(0, Date.now() - endedAt),
  );
}
