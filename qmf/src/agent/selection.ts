import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DataAddress } from '../data/data-address.js';
import type { DataItem } from '../data/data-item.js';
import { QmfError } from '../errors.js';
import type { QueryRequest } from '../message/query.js';
import { evaluating } from '../query/evaluate.js';
import { type Predicate, predicateFromValue, queryLimits } from '../query/index.js';
import { type Paused, StepMeter } from '../query/step-meter.js';
import type { SchemaId } from '../schema/schema.js';

/** A query of kind OBJECT or OBJECT_ID, read and checked. */
export interface Selector {
  readonly objectId: DataAddress | undefined;
  /** An empty package or class stands for any. */
  readonly schemaId: SchemaId | undefined;
  /** Left out where an address selects. */
  readonly predicate: Predicate | undefined;
}

/**
 * Reads a query. A predicate is checked before any object is looked at; the C++ agent finds out only when there is one (wire document §3.3).
 *
 * @throws QmfError `invalid_query` for a query that selects by nothing, or a wrong predicate
 */
export function selectorOf({ objectId, schemaId, where }: QueryRequest): Selector {
  if (objectId === undefined && schemaId === undefined && where === undefined) {
    throw new QmfError('invalid_query', 'Query is Invalid: give an _object_id, a _schema_id or a _where');
  }
  const hasPredicate = objectId === undefined && where !== undefined && where.length > 0;
  return { objectId, schemaId, predicate: hasPredicate ? predicateFromValue(where) : undefined };
}

/** The meter of a query over all objects. */
export const queryMeter = (): StepMeter => new StepMeter('the query', queryLimits.querySteps);

/** The meter of a locate request. */
export const locateMeter = (): StepMeter => new StepMeter('the locate request', queryLimits.locateSteps);

/** The meter of one publication of changes. */
export const publicationMeter = (): StepMeter =>
  new StepMeter('a publication of the subscription', queryLimits.publicationSteps);

/** Steps for an object that becomes part of an answer. */
const ANSWER_STEPS = 20;

/**
 * The items for which the predicate holds, in the wanted form. Pauses where the meter is due; the items should be a snapshot.
 *
 * @throws QmfError `query_too_costly`
 */
export function* selecting<T>(
  { predicate }: Selector,
  items: readonly DataItem[],
  meter: StepMeter,
  form: (item: DataItem) => T,
): Paused<T[]> {
  const selected: T[] = [];
  for (const item of items) {
    meter.spend(1);
    if (meter.isDue) yield;
    if (predicate !== undefined && !(yield* evaluating(predicate, item.values, meter))) continue;
    meter.spend(ANSWER_STEPS);
    selected.push(form(item));
  }
  return selected;
}

/**
 * Does paused work, and serves everything else at each pause.
 *
 * @throws QmfError `closed` when the signal fires at a pause, or an error of the work
 */
export async function unhurried<T>(work: Paused<T>, meter: StepMeter, signal: AbortSignal): Promise<T> {
  let step = work.next();
  while (step.done !== true) {
    await nextTurn();
    if (signal.aborted) throw new QmfError('closed', 'the agent was closed before it had answered');
    meter.resume();
    step = work.next();
  }
  return step.value;
}
