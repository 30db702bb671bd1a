import {
  addressToPlain,
  type DataAddress,
  type InputsOf,
  type OutputsOf,
  type Plain,
  type PlainMap,
} from '@imagefactory/qmf';
import { ADAPTOR_PREFIX, type FactoryRecords } from '@imagefactory/schema';
import { shownObject } from '@imagefactory/factory/jobs';
import { fieldNames, type Job, type Query, type Records, StoreError } from '@imagefactory/factory/store';
import type { FactoryParts } from '../parts.js';
import { invalid } from '../refusal.js';
import { isNameOf2012 } from '../status-words.js';
import { queryOf } from './query.js';

type Inputs = InputsOf<typeof FactoryRecords, 'jobs'>;
type Outputs = OutputsOf<typeof FactoryRecords, 'jobs'>;
/** What answers are made from. */
export interface RecordsParts extends Pick<FactoryParts, 'record'> {
  readonly session: Pick<FactoryParts['session'], 'name'>;
}

/** Characters of the records in one answer, roughly; a larger record is alone in its page. */
const pageLength = 1024 * 1024;

/** The name of an adaptor and its epoch are shown as its address. */
const jobFields = fieldNames('jobs').filter(field => field !== 'door');

export async function jobsPage(inputs: Inputs, parts: RecordsParts): Promise<Outputs> {
  return await page('jobs', queryOf(inputs, jobFields), parts, ({ door, ...job }) => ({
    ...job,
    addr: addressToPlain(addressOf({ id: job.id, door }, parts)),
  }));
}

export async function imagesPage(inputs: Inputs, parts: RecordsParts): Promise<Outputs> {
  return await page('images', queryOf(inputs, fieldNames('images')), parts, image => ({ ...image }));
}

async function page<T extends 'jobs' | 'images'>(
  table: T,
  query: Query,
  { record }: RecordsParts,
  shown: (record: Records[T]) => Readonly<Record<string, unknown>>,
): Promise<Outputs> {
  try {
    const found = await record.find(table, query);
    const items = found.items.map(one => snakeCased(shown(one)));
    const fitting = countFitting(items);
    if (fitting === items.length) return result(items, found.next);
    // The cursor is that of the last record in the page.
    const { next } = await record.find(table, { ...query, limit: fitting });
    return result(items.slice(0, fitting), next);
  } catch (error) {
    throw error instanceof StoreError && error.code === 'invalid_query'
      ? invalid(argumentOf(error.message, query), error.message, error)
      : error;
  }
}

function result(items: Outputs['items'], next: string | undefined): Outputs {
  return { items, ...(next === undefined ? {} : { next }) };
}

/** How many of the records, from the first on, fit into an answer. */
function countFitting(items: readonly object[]): number {
  let length = 0;
  const first = items.findIndex(item => (length += JSON.stringify(item).length) > pageLength);
  return first < 0 ? items.length : Math.max(1, first);
}

/** The argument that the store's words are about. */
function argumentOf(message: string, { sort = [] }: Query): string {
  if (message.startsWith('after')) return 'after';
  return sort.some(({ field }) => message.startsWith(field)) ? 'sort' : 'where';
}

/** The address of the adaptor that shows a job. */
export function addressOf(
  job: Pick<Job, 'id' | 'door'>,
  { session }: Pick<RecordsParts, 'session'>,
): DataAddress {
  const { name, epoch } = shownObject(job);
  const objectName = name ?? `${ADAPTOR_PREFIX}${job.id}`;
  const agentEpoch = isNameOf2012(objectName) ? 0 : epoch;
  return { agentName: session.name, objectName, agentEpoch };
}

/** Names of fields as they are everywhere on the bus. Inside of JSON they are the caller's own. */
function snakeCased(record: Readonly<Record<string, unknown>>): PlainMap {
  return Object.fromEntries(
    Object.entries(record).map(([field, value]) => [
      field.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`),
      // Records hold texts, numbers, booleans and JSON.
      value as Plain,
    ]),
  );
}
