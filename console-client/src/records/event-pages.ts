import type { ConsoleAgent, RequestOptions } from '@imagefactory/qmf';
import { RECORDS_PAGE } from '@imagefactory/schema';
import { mapOf } from '../answers.js';
import { untilAnswered } from '../patience.js';
import { type RecordedEvent, recordedEventFrom } from './recorded-event.js';
import { recordsOf } from './records-object.js';

/** Events of the record of an agent. */
export interface EventPage {
  readonly events: readonly RecordedEvent[];
  /** Sequence to go on from. */
  readonly next: number;
  /** The build has ended, and nothing follows. */
  readonly over: boolean;
}

/** One page. @param build name of its adaptor, or empty for all builds */
export async function eventPage(
  agent: ConsoleAgent,
  build: string,
  from: number,
  options: RequestOptions,
): Promise<EventPage> {
  const records = await recordsOf(agent, 'the history of builds', options);
  const { events, next, over } = await records.call('events', { build, from, limit: RECORDS_PAGE }, options);
  return { events: events.map(item => recordedEventFrom(mapOf(item, 'events'))), next, over };
}

/**
 * Pages up to the present, asked for again where the agent or the bus was away meanwhile. One may be empty before the last: the sequences of a factory
 * count more than events of builds.
 *
 * @throws QmfError `schema_unknown` when the agent has no records; `aborted`
 */
export async function* eventPages(
  agent: ConsoleAgent,
  build: string,
  from: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<EventPage, undefined> {
  const what = build === '' ? 'reading the record of events' : `reading the history of ${build}`;
  for (let next = from; ; ) {
    const page = await untilAnswered(limits => eventPage(agent, build, next, limits), signal, what);
    yield page;
    if (page.over || page.next <= next) return undefined;
    ({ next } = page);
  }
}
