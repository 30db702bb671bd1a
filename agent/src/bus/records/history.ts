import {
  addressToPlain,
  AgentException,
  exceptionCodes,
  type InputsOf,
  type OutputsOf,
  type PlainMap,
} from '@imagefactory/qmf';
import type { FactoryRecords } from '@imagefactory/schema';
import {
  type Batch,
  type Condition,
  type Image,
  isEnd,
  type Job,
  type Records,
  type Store,
  type StoreEvent,
} from '@imagefactory/factory/store';
import { invalid } from '../refusal.js';
import { addressOf, type RecordsParts } from './pages.js';
import { importOf, isImport, newsOf } from './news-of.js';
import { pageSize } from './query.js';

type Outputs = OutputsOf<typeof FactoryRecords, 'events'>;

/** `events`: what the bus was told of a build, or of all of them, and of imports, by the record. */
export async function eventsPage(
  { build, from, limit }: InputsOf<typeof FactoryRecords, 'events'>,
  parts: RecordsParts,
): Promise<Outputs> {
  const { record } = parts;
  if (!Number.isSafeInteger(from) || from < 0)
    throw invalid('from', 'the sequence of an event is expected; 1 for the first');
  const first = Math.max(from, 1);
  // Before the events are read: those that come meanwhile are for the next call.
  const { hasEnded, condition } = await subjectOf(build, record);
  const { items, next } = await record.find('events', {
    where: [{ field: 'sequence', operator: '>=', value: first }, ...condition],
    limit: pageSize(limit),
  });
  return {
    events: await shown(items, parts),
    next: (items.at(-1)?.sequence ?? first - 1) + 1,
    over: hasEnded && next === undefined,
  };
}

interface Subject {
  readonly condition: readonly Condition[];
  readonly hasEnded: boolean;
}

const uuidAtEnd = /(?:^|[-:])([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** @throws AgentException if the name is not known */
async function subjectOf(name: string, record: Store): Promise<Subject> {
  if (name === '') return { condition: [], hasEnded: false };
  const id = uuidAtEnd.exec(name)?.[1] ?? '';
  const job = await record.get('jobs', id);
  if (job !== undefined)
    return { condition: [{ field: 'job', operator: '=', value: id }], hasEnded: isEnd(job.status) };
  const image = await record.get('images', id);
  if (image === undefined) {
    throw new AgentException(
      `No build or image is on record as ${JSON.stringify(name.slice(0, 80))}; give the name of an adaptor, or a uuid`,
      exceptionCodes.unknownObject,
    );
  }
  return { condition: [{ field: 'image', operator: '=', value: id }], hasEnded: true };
}

/** The events as consoles know them; those that the bus has no word for are left out. */
async function shown(events: readonly StoreEvent[], parts: RecordsParts): Promise<readonly PlainMap[]> {
  const { record } = parts;
  const jobs = await byId(
    record,
    'jobs',
    events.map(({ job }) => job),
  );
  const imported = events.filter(isImport);
  const images = await byId(
    record,
    'images',
    imported.map(({ image }) => image),
  );
  const batches = await byId(
    record,
    'batches',
    [...images.values()].map(({ batch }) => batch),
  );
  return events.flatMap(event => {
    const about = { seq: event.sequence, time: BigInt(Date.parse(event.at)) * 1_000_000n };
    return newsAbout(event, { jobs, images, batches }, parts).map(news => ({ ...news, ...about }));
  });
}

interface Surroundings {
  readonly jobs: ReadonlyMap<string, Job>;
  readonly images: ReadonlyMap<string, Image>;
  readonly batches: ReadonlyMap<string, Batch>;
}

function newsAbout(event: StoreEvent, known: Surroundings, parts: RecordsParts): readonly PlainMap[] {
  const job = known.jobs.get(event.job ?? '');
  if (job !== undefined) {
    const addr = addressOf(job, parts);
    return newsOf(event, job, addr.objectName).map(news => ({ addr: addressToPlain(addr), ...news }));
  }
  const image = isImport(event) ? known.images.get(event.image ?? '') : undefined;
  if (image === undefined) return [];
  const news = importOf(image, known.batches.get(image.batch ?? ''));
  return news === undefined ? [] : [news];
}

async function byId<T extends 'jobs' | 'images' | 'batches'>(
  record: Store,
  table: T,
  ids: readonly (string | undefined)[],
): Promise<ReadonlyMap<string, Records[T]>> {
  const value = [...new Set(ids.filter(id => id !== undefined))];
  if (value.length === 0) return new Map();
  const { items } = await record.find(table, {
    where: [{ field: 'id', operator: 'in', value }],
    limit: value.length,
  });
  return new Map(items.map(item => [item.id, item]));
}
