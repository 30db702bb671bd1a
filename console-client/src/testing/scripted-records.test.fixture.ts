import { AgentException, type AgentSession, type PlainMap } from '@imagefactory/qmf';
import { FactoryRecords, RECORDS_OBJECT, SEQUENCE_PROPERTY } from '@imagefactory/schema';

/** A call of `jobs` or `images`. */
export interface AskedQuery {
  readonly method: 'jobs' | 'images';
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** The record of a scripted factory: events with sequences, and the jobs and images that a test puts there. */
export class ScriptedRecords {
  readonly events: PlainMap[] = [];
  jobs: readonly PlainMap[] = [];
  images: readonly PlainMap[] = [];
  readonly queries: AskedQuery[] = [];
  /** Sequences that pages of events were asked for from. */
  readonly askedFrom: number[] = [];
  /** Events of a page. */
  pageSize = 1_000;
  /** Carries out a method, the first time for its key. */
  onOrder: (method: string, given: PlainMap) => PlainMap = () => ({});
  /** Runs before a page of events is answered. */
  beforePage: () => Promise<void> = () => Promise.resolve();
  #sequence = 10;
  readonly #orders = new Map<string, PlainMap>();

  constructor(session: AgentSession) {
    session.publish(FactoryRecords, {
      name: RECORDS_OBJECT,
      values: {},
      methods: {
        events: async ({ build, from }) => {
          this.askedFrom.push(from);
          await this.beforePage();
          const wanted = this.events.filter(event => isOf(event, build) && Number(event['seq']) >= from);
          const page = wanted.slice(0, this.pageSize);
          const next =
            page.length === 0 ? Math.min(from, this.#sequence + 1) : Number(page.at(-1)?.['seq']) + 1;
          const over = build !== '' && page.length === wanted.length && this.#isOver(build);
          return { events: page.filter(event => 'event' in event), next, over };
        },
        jobs: inputs => this.#answer('jobs', inputs),
        images: inputs => this.#answer('images', inputs),
        order: ({ order_key: key, method, arguments: given }) => {
          const results = this.#orders.get(key) ?? this.onOrder(method, given);
          this.#orders.set(key, results);
          return { results };
        },
      },
    });
  }

  /** Puts something on record that consoles have no word for. */
  addOther(addr: PlainMap): void {
    this.#sequence += 3;
    this.events.push({ addr, seq: this.#sequence });
  }

  /** Puts an event on record. @returns the properties that it has on the bus; sequences have gaps, for other things are on record too */
  add(event: PlainMap): Readonly<Record<string, number>> {
    this.#sequence += 3;
    this.events.push({ ...event, seq: this.#sequence, time: 1_764_547_200_000_000_000n });
    return { [SEQUENCE_PROPERTY]: this.#sequence };
  }

  /** Loses the record: the next one begins with small numbers again. */
  beginAnew(): void {
    this.events.length = 0;
    this.#sequence = 0;
  }

  #isOver(build: string): boolean {
    const ends: readonly unknown[] = ['COMPLETED', 'FAILED'];
    return this.events.some(event => isOf(event, build) && ends.includes(event['new_status']));
  }

  #answer(method: AskedQuery['method'], inputs: AskedQuery['inputs']) {
    this.queries.push({ method, inputs });
    if (inputs['where'] !== undefined && 'colour' in Object(inputs['where']))
      throw new AgentException('where: there is no field "colour"; there are id, status', 4);
    const start = Number(inputs['after'] ?? 0);
    const items = this[method].slice(start, start + 2);
    return { items, ...(start + 2 < this[method].length ? { next: String(start + 2) } : {}) };
  }
}

function isOf({ addr }: PlainMap, build: string): boolean {
  return (
    build === '' ||
    (typeof addr === 'object' && addr !== null && '_object_name' in addr && addr._object_name === build)
  );
}
