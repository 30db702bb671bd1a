import { type ConsoleAgent, QmfError } from '@imagefactory/qmf';
import type { Factory, JobRecord, RecordPage, RecordQuery, StoredImage } from '../../index.js';
import type { Column } from '../../terminal/table.js';
import { conditionsIn } from '../args/conditions.js';
import { positiveInteger } from '../args/settings.js';
import { type Context, requestOptions } from '../context.js';
import { toCliError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { chosenAgents } from '../lookup/agents.js';
import { factoryAt, isFactory } from '../lookup/factory.js';

export interface ListOptions {
  /** Conditions as they were written. */
  readonly where?: readonly string[];
  readonly sort?: readonly string[];
  readonly limit?: string;
}

/** A kind of records, and how a table shows them. */
interface Listing<T> {
  /** The word for one of them. */
  readonly word: string;
  readonly read: (factory: Factory, query: RecordQuery, context: Context) => Promise<RecordPage<T>>;
  readonly columns: readonly Column[];
  readonly row: (record: T) => readonly string[];
}

const jobs: Listing<JobRecord> = {
  word: 'job',
  read: (factory, query, context) => factory.jobs(query, requestOptions(context)),
  columns: [
    { title: 'JOB', style: 'cyan', keep: true },
    ...['KIND', 'STATUS', 'PERCENT', 'TARGET', 'PROVIDER', 'CREATED', 'ACTIVITY'].map(title => ({ title })),
  ],
  row: ({ id, kind, status, percent, target, provider, created, activity, error }) => [
    ...[id, kind, status, `${percent}%`, target ?? '-', provider ?? '-', created],
    error === undefined ? activity : `${error.type}: ${error.reason}`,
  ],
};

const images: Listing<StoredImage> = {
  word: 'image',
  read: (factory, query, context) => factory.images(query, requestOptions(context)),
  columns: [
    { title: 'IMAGE', style: 'cyan', keep: true },
    ...['KIND', 'STATUS', 'TARGET', 'PROVIDER', 'CREATED'].map(title => ({ title })),
    { title: 'ON PROVIDER', keep: true },
  ],
  row: ({ id, kind, status, target, provider, created, identifierOnProvider }) => [
    ...[id, kind, status, target ?? '-', provider ?? '-', created, identifierOnProvider ?? '-'],
  ],
};

/** Lists the jobs of all agents that have records, or of the chosen one. */
export function jobsCommand(context: Context, options: ListOptions): Promise<number> {
  return list(context, jobs, options);
}

/** The same for images. */
export function imagesCommand(context: Context, options: ListOptions): Promise<number> {
  return list(context, images, options);
}

async function list<T extends JobRecord | StoredImage>(
  context: Context,
  listing: Listing<T>,
  options: ListOptions,
): Promise<number> {
  const { out } = context;
  const limit =
    options.limit === undefined ? Number.POSITIVE_INFINITY : positiveInteger(options.limit, '--limit');
  const query: RecordQuery = {
    where: conditionsIn(options.where ?? []),
    ...(options.sort === undefined ? {} : { sort: options.sort }),
  };
  const agents = await chosenAgents(context, isFactory);
  const found: { readonly agent: ConsoleAgent; readonly record: T }[] = [];
  let failure: number | undefined;
  for (const agent of agents) {
    try {
      const records = await allPages(context, listing, query, agent, limit - found.length);
      for (const record of records) found.push({ agent, record });
    } catch (error) {
      // One of several that has no records, or does not answer, keeps nobody from those of the others.
      if (agents.length === 1 || (error instanceof QmfError && error.code === 'aborted')) throw error;
      const shown = toCliError(error);
      out.error(shown);
      failure ??= shown.exitCode;
    }
  }
  if (out.json) for (const { agent, record } of found) out.object({ agent: agent.name, ...record.values });
  else if (found.length > 0) {
    const several = agents.length > 1;
    out.table(
      several ? [...listing.columns, { title: 'AGENT' }] : listing.columns,
      found.map(({ agent, record }) => [...listing.row(record), ...(several ? [agent.info.instance] : [])]),
    );
  }
  if (found.length === 0 && failure === undefined)
    out.note(`no ${listing.word} is there${options.where === undefined ? '' : ' for which that holds'}`);
  return failure ?? (found.length === 0 ? exitCodes.notFound : exitCodes.ok);
}

async function allPages<T>(
  context: Context,
  { read }: Listing<T>,
  query: RecordQuery,
  agent: ConsoleAgent,
  limit: number,
): Promise<readonly T[]> {
  const factory = await factoryAt(context, agent);
  const records: T[] = [];
  for (let next: Pick<RecordQuery, 'after'> = {}; records.length < limit; ) {
    const page = await read(
      factory,
      { ...query, ...next, limit: Math.min(1_000, limit - records.length) },
      context,
    );
    records.push(...page.items);
    if (page.next === undefined) break;
    next = { after: page.next };
  }
  return records;
}
