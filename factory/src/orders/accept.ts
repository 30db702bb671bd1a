import type { Build, RecordFacts } from '../jobs/index.js';
import type { BatchPlace } from '../catalog/index.js';
import type { AcceptedOrder, OrderContext, OrderOptions } from './context.js';
import { OrderError } from './order-error.js';
import { recordEndOf } from './record-end.js';

/** @throws OrderError `unavailable` while the factory takes no orders */
export function assertOpen({ engine: { refusal } }: Pick<OrderContext, 'engine'>): void {
  if (refusal !== undefined) throw new OrderError('unavailable', refusal);
}

/**
 * Makes the jobs of an order and records them: all, or none.
 *
 * @param create makes the jobs, adding each to the list
 * @param record resolves when the order is safe on the disk
 */
export async function accept(
  place: BatchPlace,
  context: OrderContext,
  create: (jobs: Build[]) => void,
  record: (jobs: readonly Build[]) => Promise<void>,
): Promise<AcceptedOrder> {
  const { engine } = context;
  const jobs: Build[] = [];
  try {
    create(jobs);
    await record(jobs);
  } catch (error) {
    for (const { id } of jobs)
      void engine.abort(id, 'the agent, as its call was refused').then(() => engine.forget(id));
    throw error;
  }
  for (const job of jobs) recordEndOf(job, context);
  return {
    place,
    jobs,
    start: () => {
      for (const job of jobs) engine.start(job);
    },
  };
}

/** The part of a job's record that says which order it is of; the first job brings the order with it. */
export function requestOf(request: OrderOptions['request'], index: number): Pick<RecordFacts, 'order'> {
  if (request === undefined) return {};
  const { orderId, orderKey } = request;
  return { order: index === 0 ? { id: orderId, key: orderKey } : { id: orderId } };
}
