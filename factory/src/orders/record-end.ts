import { failureType } from '@imagefactory/plugin-api';
import type { EndFacts } from '../catalog/index.js';
import { type Build, type BuildState, isEnd } from '../jobs/index.js';
import { errorLine } from '../platform/index.js';
import type { OrderContext } from './context.js';

type Parts = Pick<OrderContext, 'catalog' | 'log'>;

/** Records the outcome of a job as soon as it ends, before other listeners hear of the end. */
export function recordEndOf(job: Build, parts: Parts): void {
  const stop = job.onChange(look);
  look();

  function look(): void {
    if (!isEnd(job.state.status)) return;
    stop();
    void recordEnd(job, parts);
  }
}

/**
 * Records the outcome of a job. Visible to queries immediately; without effect if it is recorded. If the process dies meanwhile, the next start
 * repairs the record from the store. Never rejects.
 */
export async function recordEnd({ id, state, title }: Build, { catalog, log }: Parts): Promise<void> {
  await catalog.ended(id, endFacts(state)).catch((error: unknown) => {
    log.error(
      `the end of ${title} could not be noted: ${errorLine(error)}; make room, or images will not know it`,
    );
  });
}

function endFacts(state: BuildState): EndFacts {
  if (state.status === 'COMPLETED') {
    const { identifierOnProvider, account } = state.image;
    return {
      outcome: { status: 'COMPLETED' },
      ...(identifierOnProvider === undefined ? {} : { targetIdentifier: identifierOnProvider }),
      ...(account === undefined ? {} : { account }),
    };
  }
  if (state.status !== 'FAILED') throw new Error('a job that goes on has no outcome');
  const { code, info } = state.failure;
  return { outcome: { status: 'FAILED', type: failureType(code), info } };
}
