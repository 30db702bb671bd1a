import type { Build, RecordFacts } from '../jobs/index.js';
import type { BatchPlace } from '../images/index.js';
import type { AcceptedOrder, OrderContext, OrderOptions } from './context.js';
import { OrderError } from './order-error.js';

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
  return {
    place,
    jobs,
    start: () => {
      for (const job of jobs) engine.start(job);
    },
  };
}

/** The record of a job of an order. */
export function recordOf({ caller, nameOf, request }: OrderOptions, { id }: Build): RecordFacts {
  const order = request === undefined ? {} : { order: { id: request.orderId, key: request.orderKey } };
  return { caller: caller.name, adaptor: nameOf(id), ...order };
}
