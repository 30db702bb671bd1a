import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { StoreErrorCode } from './errors.js';
import type { Query } from './query.js';
import type { Job, Records, StoreEvent, TableName } from './records.js';
import {
  deletingTransitions,
  isJobTransition,
  type JobKind,
  jobKinds,
  jobStatuses,
  type JobStatus,
} from './states.js';
import type { Change, ImageInput, NewJob, Store } from './store.js';

/** A store that a suite has opened. */
export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens it again; absent where nothing outlives the process. */
  readonly reopen?: () => Promise<Store>;
  /** Closes the store and removes what it has made. */
  readonly remove: () => Promise<void>;
}

/** The changes of an order with one job. */
export function ordered(
  job: Partial<NewJob> = {},
  order: { readonly caller?: string; readonly orderKey?: string } = {},
): { readonly id: string; readonly orderId: string; readonly changes: readonly Change[] } {
  const [id, orderId] = [job.id ?? randomUUID(), job.orderId ?? randomUUID()];
  return {
    ...{ id, orderId },
    changes: [
      { change: 'order.add', order: { id: orderId, caller: 'anna', door: 'qmf', action: 'build', ...order } },
      { change: 'job.add', job: { kind: 'target', ...job, id, orderId } },
    ],
  };
}

export function image(values: Partial<ImageInput> = {}): Change {
  const defaults = { id: randomUUID(), kind: 'target', status: 'complete', percent: 100 } as const;
  return {
    change: 'image.put',
    image: { ...defaults, activity: 'stored', parameters: {}, properties: {}, ...values },
  };
}

/** The code of the error that a promise is rejected with. */
export async function refusal(work: Promise<unknown>): Promise<StoreErrorCode | 'none'> {
  try {
    await work;
    return 'none';
  } catch (error) {
    expect(error).to.have.property('name', 'StoreError');
    // StoreError has no other codes.
    return (error as { readonly code: StoreErrorCode }).code;
  }
}

/** The value, which is there. */
function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a value is missing');
  return value;
}

/** The states on the shortest way of a target image to a status. */
const way: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  new: [],
  preparing: ['preparing'],
  queued: ['preparing', 'queued'],
  running: ['preparing', 'running'],
  finishing: ['preparing', 'running', 'finishing'],
  completed: ['completed'],
  failed: ['failed'],
};

export function toState(id: string, status: JobStatus, resumed = false): Change {
  const common = { change: 'job.state', id, resumed } as const;
  if (status === 'completed') return { ...common, state: { status, result: { size: 1 } } };
  if (status === 'failed') return { ...common, state: { status, error: { type: 'Aborted', reason: 'no' } } };
  return { ...common, state: { status } };
}

/** All records, page by page. */
async function all<T extends TableName>(store: Store, table: T, query: Query): Promise<Records[T][]> {
  const found: Records[T][] = [];
  let after: string | undefined;
  do {
    const page = await store.find(table, { ...query, ...(after === undefined ? {} : { after }) });
    expect(page.items.length).to.be.at.most(query.limit ?? 100);
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return found;
}

/** The behaviour of every {@link Store}, whatever keeps its records. */
export function describeStore(name: string, open: (now: () => Date) => Promise<OpenedStore>): void {
  describe(`store: ${name}`, () => {
    let opened: OpenedStore;
    let store: Store;
    let clock = 0;
    const now = (): Date => new Date(clock);

    beforeEach(async () => {
      clock = Date.UTC(2026, 0, 1);
      opened = await open(now);
      store = opened.store;
    });
    afterEach(() => opened.remove());

    const order = async (job: Partial<NewJob> = {}): Promise<string> => {
      const { changes, id } = ordered(job);
      await store.commit(changes);
      return id;
    };
    const sequences = async (query: Query = {}): Promise<number[]> =>
      (await all(store, 'events', query)).map(({ sequence }) => sequence);

    describe('steps', () => {
      it('records an order with its job, and tells of it by an event', async () => {
        const { changes, id, orderId } = ordered({ target: 'mock', parameters: { disk: { size: 5 } } });
        const events = await store.commit(changes);
        const at = '2026-01-01T00:00:00.000Z';
        const job: Job = {
          ...{
            id,
            orderId,
            kind: 'target',
            status: 'new',
            target: 'mock',
            parameters: { disk: { size: 5 } },
          },
          ...{ door: {}, percent: 0, activity: 'accepted', resumable: false, interruptions: 0 },
          ...{ postponed: false, secret: false, created: at, modified: at },
        };
        expect(await store.get('jobs', id)).to.deep.equal(job);
        expect(await store.get('orders', orderId)).to.deep.equal({
          ...{ id: orderId, caller: 'anna', door: 'qmf', action: 'build', created: at },
        });
        expect(events).to.deep.equal([
          { sequence: 1, at, type: 'job.added', job: id, data: { kind: 'target', target: 'mock' } },
        ]);
        expect(await all(store, 'events', {})).to.deep.equal(events);
      });

      it('records a step whole or not at all, and leaves no gap in the sequence', async () => {
        const first = await order();
        const lost = ordered();
        const work = store.commit([...lost.changes, image(), toState(first, 'finishing')]);
        expect(await refusal(work)).to.equal('conflict');
        expect(await store.get('jobs', lost.id)).to.equal(undefined);
        expect(await store.get('orders', lost.orderId)).to.equal(undefined);
        expect(await store.count('images')).to.equal(0);
        await order();
        expect(await sequences()).to.deep.equal([1, 2]);
      });

      it('does not let a step that is refused harm those that are recorded with it', async () => {
        const good = Array.from({ length: 20 }, () => ordered());
        const bad = ordered({ parent: randomUUID() });
        const outcomes = await Promise.all([
          ...good.slice(0, 10).map(one => refusal(store.commit(one.changes))),
          refusal(store.commit(bad.changes)),
          ...good.slice(10).map(one => refusal(store.commit(one.changes))),
        ]);
        expect(outcomes).to.deep.equal([
          ...Array.from({ length: 10 }, () => 'none'),
          'not_found',
          ...Array.from({ length: 10 }, () => 'none'),
        ]);
        expect(await sequences()).to.deep.equal(Array.from({ length: 20 }, (_one, index) => index + 1));
        const jobs = await all(store, 'jobs', {});
        expect(jobs.map(({ id }) => id)).to.have.members(good.map(({ id }) => id));
      });

      it('records steps in the order of the calls, those with secrets too', async () => {
        const { changes, id } = ordered();
        const [first, last] = [present(changes[0]), present(changes[1])];
        const steps = [
          store.commit([first, { ...last, secret: 'hunter2' } as Change]),
          store.commit([toState(id, 'preparing')]),
          store.commit([toState(id, 'running')]),
        ];
        await Promise.all(steps);
        const events = await all(store, 'events', { where: { job: id, type: 'job.state' } });
        expect(events.map(({ data }) => data['to'])).to.deep.equal(['preparing', 'running']);
      });

      it('refuses ids that are no uuids, and a second record with the same id', async () => {
        for (const id of [
          '',
          '../../etc/passwd',
          'A'.repeat(36),
          randomUUID().toUpperCase(),
          `${randomUUID()}\n`,
        ]) {
          const { changes } = ordered({ id });
          expect(await refusal(store.commit(changes)), id).to.equal('invalid');
          expect(await refusal(store.commit([image({ id })])), id).to.equal('invalid');
          const step = ordered({ orderId: id }).changes;
          expect(await refusal(store.commit(step)), id).to.equal('invalid');
        }
        const id = await order();
        expect(await refusal(store.commit(ordered({ id }).changes))).to.equal('conflict');
      });

      it('refuses values that do not fit, whatever a caller without types hands over', async () => {
        const id = await order();
        for (const percent of [-1, 101, 5.5, 'half', true, {}, Number.NaN, 2n])
          expect(
            await refusal(store.commit([{ change: 'job.update', id, percent } as never])),
            typeof percent,
          ).to.equal('invalid');
        expect(await refusal(store.commit([{ change: 'job.explode', id } as never]))).to.equal('invalid');
        expect(await refusal(store.commit([image({ kind: 'disk' as never })]))).to.equal('invalid');
        expect(await store.get('jobs', id)).to.include({ status: 'new', percent: 0 });
        expect(await sequences()).to.deep.equal([1]);
      });

      it('takes a step as it is at the call', async () => {
        const parameters: Record<string, number> = { size: 1 };
        const { changes, id } = ordered({ parameters });
        const recorded = store.commit(changes);
        parameters['size'] = 2;
        await recorded;
        expect(await store.get('jobs', id)).to.deep.include({ parameters: { size: 1 } });
      });

      it('keeps any text, with NUL and lone surrogates as U+FFFD', async () => {
        const id = randomUUID();
        const text = '\'; DROP TABLE jobs; -- \u{1f600} \\ " \r\n\t %_ ';
        await store.commit([
          image({ id, activity: text, error: 'a\0b\ud800c', properties: { [text]: text, a: '\0' } }),
        ]);
        expect(await store.get('images', id)).to.deep.include({
          ...{ activity: text, error: 'a\ufffdb\ufffdc', properties: { [text]: text, a: '\0' } },
        });
      });
    });

    describe('orders', () => {
      it('recognises a second order by caller and key, with the id of the first', async () => {
        const first = ordered({}, { orderKey: 'k' });
        const results = await Promise.allSettled([
          store.commit(first.changes),
          store.commit(ordered({}, { orderKey: 'k' }).changes),
          store.commit(ordered({}, { orderKey: 'k', caller: 'bert' }).changes),
          store.commit(ordered({}, { orderKey: 'K' }).changes),
          store.commit(ordered().changes),
          store.commit(ordered().changes),
        ]);
        expect(results.map(({ status }) => status)).to.deep.equal([
          ...['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
        ]);
        const [, second] = results;
        expect(second).to.have.nested.include({
          'reason.code': 'duplicate_order',
          'reason.existing': first.orderId,
        });
        expect(await store.count('jobs')).to.equal(5);
      });
    });

    describe('jobs', () => {
      it('allows the transitions of the tables and no others', async () => {
        const tried: Promise<void>[] = [];
        for (const kind of jobKinds) {
          for (const resumed of [false, true]) {
            for (const from of jobStatuses) {
              if (kind === 'delete' && from === 'finishing') continue;
              const steps = kind === 'delete' && from === 'completed' ? deletion : way[from];
              for (const to of jobStatuses)
                tried.push(tryTransition(store, { kind, steps, from, to, resumed }));
            }
          }
        }
        await Promise.all(tried);
        expect(Object.values(deletingTransitions).flat()).not.to.include('finishing');
      });

      it('writes one event for each transition, complete in itself', async () => {
        const id = await order({ image: randomUUID() });
        clock += 1000;
        await store.commit([
          { change: 'job.state', id, state: { status: 'preparing' } },
          { change: 'job.update', id, percent: 40, activity: 'installing' },
          {
            change: 'job.state',
            id,
            state: {
              status: 'failed',
              error: { type: 'NoSpace', reason: 'full', details: { lines: ['a'] } },
            },
          },
        ]);
        const error = { type: 'NoSpace', reason: 'full', details: { lines: ['a'] } };
        const events = await all(store, 'events', { where: { job: id } });
        expect(events.map(({ type, data }) => ({ type, data }))).to.deep.equal([
          { type: 'job.added', data: { kind: 'target' } },
          { type: 'job.state', data: { from: 'new', to: 'preparing', percent: 0, activity: 'accepted' } },
          { type: 'job.progress', data: { percent: 40, activity: 'installing' } },
          {
            type: 'job.state',
            data: { from: 'preparing', to: 'failed', percent: 40, activity: 'installing', error },
          },
        ]);
        const job = await store.get('jobs', id);
        expect(job).to.deep.include({ status: 'failed', error, ended: now().toISOString(), percent: 40 });
        expect(events.every(one => one.image === job?.image)).to.equal(true);
      });

      it('changes a job without an event where nothing is to be told, and not after its end', async () => {
        const id = await order();
        await store.commit([
          { change: 'job.update', id, postponed: true, interruptions: 2, door: { address: 'x' } },
        ]);
        expect(await store.get('jobs', id)).to.deep.include({
          ...{ postponed: true, interruptions: 2, door: { address: 'x' }, percent: 0 },
        });
        expect(await sequences()).to.deep.equal([1]);
        await store.commit([toState(id, 'failed')]);
        expect(await refusal(store.commit([{ change: 'job.update', id, percent: 5 }]))).to.equal('conflict');
        expect(
          await refusal(store.commit([{ change: 'job.update', id: randomUUID(), percent: 5 }])),
        ).to.equal('not_found');
      });

      it('keeps marks until they are removed', async () => {
        const job = await order();
        const mark = (name: string, detail = {}): Change => ({
          change: 'job.mark',
          mark: { job, kind: 'process', name, detail },
        });
        await store.commit([mark('12'), mark('13'), mark('12', { started: 'b' })]);
        await store.commit([{ change: 'job.unmark', mark: { job, kind: 'process', name: '13' } }]);
        await store.commit([{ change: 'job.unmark', mark: { job, kind: 'process', name: 'none' } }]);
        expect((await store.find('marks', { where: { job } })).items).to.deep.equal([
          { job, kind: 'process', name: '12', detail: { started: 'b' } },
        ]);
      });

      it('removes a job that has ended, with its events, marks and order, and repeats no sequence', async () => {
        const [id, other] = [await order(), await order()];
        const orderId = present(await store.get('jobs', id)).orderId;
        const child = ordered({ parent: id });
        await store.commit(child.changes);
        await store.commit([
          { change: 'job.mark', mark: { job: id, kind: 'rollback', name: 'x', detail: {} } },
        ]);
        expect(await refusal(store.commit([{ change: 'job.remove', id }]))).to.equal('conflict');
        const ended = await store.commit([toState(id, 'failed')]);
        await store.commit([{ change: 'job.remove', id }]);
        expect(await store.get('jobs', id)).to.equal(undefined);
        expect(await store.get('orders', orderId)).to.equal(undefined);
        expect(await store.count('marks')).to.equal(0);
        expect(await store.count('events', { job: id })).to.equal(0);
        expect(await store.count('events', { job: other })).to.equal(1);
        expect(await store.get('jobs', child.id)).not.to.have.property('parent');
        const next = await store.commit([toState(other, 'failed')]);
        expect(next[0]?.sequence).to.be.above(present(ended[0]).sequence);
      });

      it('keeps an order while one of its jobs is left', async () => {
        const { changes, id, orderId } = ordered();
        const second = randomUUID();
        await store.commit([...changes, { change: 'job.add', job: { id: second, kind: 'target', orderId } }]);
        await store.commit([toState(id, 'failed'), { change: 'job.remove', id }]);
        expect(await store.get('orders', orderId)).not.to.equal(undefined);
      });
    });

    describe('secrets', () => {
      const withSecret = (
        secret = 'hunter2',
      ): { readonly id: string; readonly changes: readonly Change[] } => {
        const { changes, id } = ordered();
        return { id, changes: changes.map(one => (one.change === 'job.add' ? { ...one, secret } : one)) };
      };

      it('keeps a secret until it is forgotten, or the job ends or is removed', async () => {
        const [forgotten, ended] = [withSecret(), withSecret('s\u00e9cret\n')];
        await store.commit(forgotten.changes);
        await store.commit(ended.changes);
        expect(await store.get('jobs', ended.id)).to.include({ secret: true });
        expect(await store.secret(forgotten.id)).to.equal('hunter2');
        expect(await store.secret(ended.id)).to.equal('s\u00e9cret\n');
        await store.commit([{ change: 'job.forget_secret', id: forgotten.id }]);
        await store.commit([toState(ended.id, 'failed')]);
        for (const { id } of [forgotten, ended]) {
          expect(await store.secret(id)).to.equal(undefined);
          expect(await store.get('jobs', id)).to.include({ secret: false });
        }
        expect(await store.check()).to.deep.equal([]);
      });

      it('keeps no secret of a step that is refused, and harms none of another job', async () => {
        const kept = withSecret();
        await store.commit(kept.changes);
        const refused = withSecret();
        expect(await refusal(store.commit([...refused.changes, toState(refused.id, 'finishing')]))).to.equal(
          'conflict',
        );
        expect(await store.secret(refused.id)).to.equal(undefined);
        const again = [ordered({ id: kept.id }).changes, withSecret('other').changes].flat();
        const same = again.map(one =>
          one.change === 'job.add' && one.job.id === kept.id ? { ...one, secret: 'x' } : one,
        );
        expect(await refusal(store.commit(same))).to.equal('conflict');
        expect(await store.secret(kept.id)).to.equal('hunter2');
        await store.commit(refused.changes);
        expect(await store.secret(refused.id)).to.equal('hunter2');
      });

      it('puts no secret into records and events', async () => {
        await store.commit(withSecret().changes);
        const found = await Promise.all(
          (['orders', 'jobs', 'events', 'marks', 'images', 'templates'] as const).map(one => store.find(one)),
        );
        expect(JSON.stringify(found)).not.to.include('hunter2');
      });
    });

    describe('images', () => {
      it('adds, replaces and removes images, with an event for each change of status', async () => {
        const id = randomUUID();
        const job = await order({ image: id });
        const put = (values: Partial<ImageInput>): Change => ({ ...image({ id, ...values }), job }) as Change;
        await store.commit([put({ status: 'building', percent: 10, target: 'mock', size: 2 ** 40 })]);
        clock += 5;
        await store.commit([put({ status: 'building', percent: 20, target: 'mock' })]);
        await store.commit([put({ target: 'mock', os: { name: 'Debian' } })]);
        const found = await store.get('images', id);
        expect(found).to.deep.include({ status: 'complete', revision: 3, os: { name: 'Debian' } });
        expect(found).not.to.have.property('size');
        expect(found?.created).to.equal('2026-01-01T00:00:00.000Z');
        expect(found?.modified).to.equal('2026-01-01T00:00:00.005Z');
        await store.commit([{ change: 'image.remove', id, job }]);
        const events = await all(store, 'events', { where: { image: id } });
        expect(events.map(({ type, data, job: of }) => [type, data, of])).to.deep.equal([
          ['job.added', { kind: 'target' }, job],
          ['image.state', { kind: 'target', to: 'building' }, job],
          ['image.state', { kind: 'target', from: 'building', to: 'complete' }, job],
          ['image.removed', { kind: 'target' }, job],
        ]);
        expect(await refusal(store.commit([{ change: 'image.remove', id }]))).to.equal('not_found');
        expect(await refusal(store.commit([{ ...image(), job: randomUUID() } as Change]))).to.equal(
          'not_found',
        );
      });

      it('removes the events of an image that belong to no job with it', async () => {
        const id = randomUUID();
        await store.commit([image({ id })]);
        await store.commit([{ change: 'image.remove', id }]);
        expect((await all(store, 'events', {})).map(({ type }) => type)).to.deep.equal(['image.removed']);
      });

      it('refuses illegal transitions, another kind, and a revision that has been overtaken', async () => {
        const id = randomUUID();
        await store.commit([image({ id })]);
        expect(await refusal(store.commit([image({ id, status: 'building' })]))).to.equal('conflict');
        expect(await refusal(store.commit([image({ id, kind: 'base' })]))).to.equal('conflict');
        const put = (ifRevision: number): Promise<unknown> =>
          store.commit([{ ...image({ id }), ifRevision } as Change]);
        expect(await refusal(put(0))).to.equal('conflict');
        const race = await Promise.all([refusal(put(1)), refusal(put(1))]);
        expect(race).to.deep.equal(['none', 'conflict']);
      });

      it('changes fields of an image, by way of the statuses that lead there, and of none that is missing', async () => {
        const id = randomUUID();
        await store.commit([image({ id, status: 'pending', format: 'raw' })]);
        const update = (values: object): Promise<readonly StoreEvent[]> =>
          store.commit([{ change: 'image.update', id, values }]);
        const events = await update({ status: 'complete', percent: 100 });
        expect(events.map(({ data }) => data['to'])).to.deep.equal(['building', 'complete']);
        expect(await store.get('images', id)).to.include({ status: 'complete', percent: 100, format: 'raw' });
        expect(await update({ activity: 'stored' })).to.deep.equal([]);
        expect(await update({ identifierOnProvider: 'i-1' }), 'a name is news').to.have.length(1);
        expect(await refusal(update({ status: 'failed' }))).to.equal('conflict');
        const missing = { change: 'image.update', id: randomUUID(), values: { status: 'failed' } } as const;
        expect(await store.commit([missing])).to.deep.equal([]);
      });

      it('refuses a batch of another image set', async () => {
        const [one, two, batch] = [randomUUID(), randomUUID(), randomUUID()];
        const put = (imageSet: string): Promise<unknown> =>
          store.commit([
            { change: 'image_set.put', imageSet: { id: imageSet, description: '<image/>' } },
            { change: 'batch.put', batch: { id: batch, imageSet, created: '2026-01-01T00:00:00.000Z' } },
          ]);
        await put(one);
        expect(await refusal(put(two))).to.equal('conflict');
        expect(await store.get('imageSets', two)).to.equal(undefined);
        expect(await store.get('batches', batch)).to.include({ created: '2026-01-01T00:00:00.000Z' });
      });

      it('keeps a job until all followers have passed its events', async () => {
        const id = await order();
        await store.commit([toState(id, 'completed')]);
        const advance = (position: number): Change => ({ change: 'follower.advance', name: 'bus', position });
        await store.commit([advance(1)]);
        const removal = [{ change: 'job.remove', id }] as const;
        expect(await refusal(store.commit(removal))).to.equal('conflict');
        const task: Change = { change: 'follower.advance', name: 'warehouse/image 1', position: 1 };
        await store.commit([advance(2), task, ...removal]);
        expect(await store.get('jobs', id)).to.equal(undefined);
      });

      it('keeps image sets with their batches, and refuses to remove what is in use', async () => {
        const [imageSet, batch, template, id] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
        await store.commit([
          {
            change: 'image_set.put',
            imageSet: { id: imageSet, description: '<image/>', latestBatch: batch },
          },
          { change: 'batch.put', batch: { id: batch, imageSet } },
          { change: 'template.put', template: { id: template, text: '<template/>' } },
          image({ id, batch, template }),
        ]);
        clock += 1;
        await store.commit([
          { change: 'image_set.put', imageSet: { id: imageSet, description: 'new' } },
          { change: 'template.put', template: { id: template, text: '<template/>' } },
        ]);
        expect(await store.get('imageSets', imageSet)).to.deep.equal({
          ...{ id: imageSet, description: 'new', created: '2026-01-01T00:00:00.000Z' },
        });
        expect(await store.get('templates', template)).to.include({
          ...{ created: '2026-01-01T00:00:00.000Z', used: '2026-01-01T00:00:00.001Z' },
        });
        const other: Change = { change: 'template.put', template: { id: template, text: 'other' } };
        const orphan: Change = { change: 'batch.put', batch: { id: randomUUID(), imageSet: randomUUID() } };
        expect(await refusal(store.commit([other]))).to.equal('conflict');
        expect(await refusal(store.commit([orphan]))).to.equal('not_found');
        expect(await refusal(store.commit([image({ batch: randomUUID() })]))).to.equal('not_found');
        const removals: readonly Change[] = [
          { change: 'template.remove', id: template },
          { change: 'batch.remove', id: batch },
          { change: 'image_set.remove', id: imageSet },
        ];
        for (const one of removals) expect(await refusal(store.commit([one]))).to.equal('conflict');
        await store.commit([{ change: 'image.remove', id }, ...removals]);
        for (const table of ['templates', 'batches', 'imageSets'] as const)
          expect(await store.count(table)).to.equal(0);
      });
    });

    describe('events', () => {
      it('lets followers read on from their positions', async () => {
        const told: number[] = [];
        const stop = store.onEvents(last => told.push(last));
        for (let n = 0; n < 5; n++) await order();
        stop();
        await order();
        expect(told).to.deep.equal([1, 2, 3, 4, 5]);
        const advance = (position: number): Promise<unknown> =>
          store.commit([{ change: 'follower.advance', name: 'bus', position }]);
        await advance(3);
        expect(await refusal(advance(2))).to.equal('conflict');
        expect(await refusal(advance(-1))).to.equal('invalid');
        const position = present(await store.get('followers', 'bus')).position;
        const where = [{ field: 'sequence', operator: '>', value: position }] as const;
        expect(await sequences({ where, limit: 2 })).to.deep.equal([4, 5, 6]);
        expect((await store.get('events', 4))?.sequence).to.equal(4);
        await store.commit([{ change: 'follower.remove', name: 'bus' }]);
        expect(await store.get('followers', 'bus')).to.equal(undefined);
      });
    });

    describe('queries', () => {
      const many = 25;
      beforeEach(async () => {
        const steps: Promise<unknown>[] = [];
        for (let n = 0; n < many; n++) {
          clock += n % 3 === 0 ? 0 : 1000;
          const step = [
            image({
              ...{ target: n % 2 === 0 ? 'mock' : 'kvm', activity: `Step ${n}`, percent: n },
              ...(n % 5 === 0 ? {} : { size: (n * 7) % 10 }),
              parameters: { disk: { size: n % 4 }, label: n % 2 === 0 ? `L${n}` : n, on: n % 2 === 0 },
            }),
          ];
          steps.push(store.commit(step));
        }
        await Promise.all(steps);
      });

      const percents = async (query: Query): Promise<number[]> =>
        (await all(store, 'images', query)).map(({ percent }) => percent);
      const where = async (field: string, operator: string, value: unknown): Promise<number[]> =>
        await percents({ where: [{ field, operator, value }] as never, sort: [{ field: 'percent' }] });
      const numbers = (holds: (n: number) => boolean): number[] =>
        Array.from({ length: many }, (_one, n) => n).filter(holds);

      it('filters by any field', async () => {
        expect(await where('target', '=', 'mock')).to.deep.equal(numbers(n => n % 2 === 0));
        expect(await where('target', '!=', 'mock')).to.deep.equal(numbers(n => n % 2 === 1));
        expect(await where('size', '=', null)).to.deep.equal(numbers(n => n % 5 === 0));
        expect(await where('size', '!=', null)).to.deep.equal(numbers(n => n % 5 !== 0));
        expect(await where('size', '!=', 7)).to.deep.equal(numbers(n => n % 5 === 0 || (n * 7) % 10 !== 7));
        expect(await where('size', '<', '4')).to.deep.equal(numbers(n => n % 5 !== 0 && (n * 7) % 10 < 4));
        expect(await where('size', '>=', null)).to.deep.equal([]);
        expect(await where('size', '=', 'many')).to.deep.equal([]);
        expect(await where('percent', 'in', [3, '5', 99])).to.deep.equal([3, 5]);
        expect(await where('activity', 'in', ['Step 3', 'Step'])).to.deep.equal([3]);
        expect(await where('activity', '~', 'STEP 2')).to.deep.equal(numbers(n => n === 2 || n >= 20));
        expect(await where('activity', '~', '%')).to.deep.equal([]);
        expect(await where('activity', '>', 'Step 8')).to.deep.equal([9]);
        expect(await where('callerImageUuid', '=', null)).to.have.length(many);
        expect(await where('caller_image_uuid', '=', null)).to.have.length(many);
        const two = { target: 'mock', size: 8 };
        expect(await percents({ where: two })).to.deep.equal(
          numbers(n => n % 2 === 0 && n % 5 !== 0 && (n * 7) % 10 === 8),
        );
        expect(await store.count('images', two)).to.equal(3);
        const ids = (await all(store, 'images', {})).map(({ id }) => id);
        expect(await store.imageIds()).to.have.members(ids);
      });

      it('filters inside of JSON, by type', async () => {
        expect(await where('parameters.disk.size', '=', 3)).to.deep.equal(numbers(n => n % 4 === 3));
        expect(await where('parameters.disk.size', '=', '3')).to.deep.equal(numbers(n => n % 4 === 3));
        expect(await where('parameters.disk.size', '>', 1)).to.deep.equal(numbers(n => n % 4 > 1));
        expect(await where('parameters.on', '=', true)).to.deep.equal(numbers(n => n % 2 === 0));
        expect(await where('parameters.label', '=', 'L4')).to.deep.equal([4]);
        expect(await where('parameters.label', '<', 4)).to.deep.equal([1, 3]);
        expect(await where('parameters.label', '~', 'l1')).to.deep.equal(
          numbers(n => n >= 10 && n < 20 && n % 2 === 0),
        );
        expect(await where('parameters.none.at.all', '=', null)).to.have.length(many);
      });

      it('sorts by any field in pages, records without a value last, each record once', async () => {
        const keyOf = (n: number): number => (n % 5 === 0 ? Number.POSITIVE_INFINITY : (n * 7) % 10);
        for (const descending of [false, true]) {
          const sort = [
            { field: 'size', descending },
            { field: 'target' },
            { field: 'percent', descending: true },
          ];
          const order = (n: number): number =>
            keyOf(n) === Number.POSITIVE_INFINITY ? 100 : descending ? -keyOf(n) : keyOf(n);
          const target = (n: number): number => (n % 2 === 0 ? 1 : 0);
          const expected = numbers(() => true).sort(
            (a, b) => order(a) - order(b) || target(a) - target(b) || b - a,
          );
          for (const limit of [1, 4, 25, 26]) expect(await percents({ sort, limit })).to.deep.equal(expected);
        }
        const sort = [{ field: 'parameters.disk.size' }, { field: 'percent' }];
        expect(await percents({ sort, limit: 3 })).to.deep.equal(
          numbers(() => true).sort((a, b) => (a % 4) - (b % 4) || a - b),
        );
        const mixed = [{ field: 'parameters.label', descending: true }];
        expect((await percents({ sort: mixed, limit: 2 })).sort((a, b) => a - b)).to.deep.equal(
          numbers(() => true),
        );
      });

      it('gives the oldest first by default, and goes on behind a record that is gone', async () => {
        const page = await store.find('images', { limit: 10 });
        const ids = (await all(store, 'images', { limit: 1000 })).map(({ id }) => id);
        const created = (await all(store, 'images', { limit: 7 })).map(one => one.created);
        expect(created).to.deep.equal([...created].sort());
        await store.commit([{ change: 'image.remove', id: present(page.items.at(-1)).id }]);
        const rest = await all(store, 'images', { limit: 10, after: present(page.next) });
        expect(rest[0]?.id).to.equal(ids[10]);
      });

      it('refuses queries that make no sense, and takes no text for SQL', async () => {
        const injected = 'id) OR 1=1; DROP TABLE images; --';
        const queries: readonly object[] = [
          { where: { [injected]: 1 } },
          { where: [{ field: 'id', operator: injected, value: 1 }] },
          { where: [{ field: 'id', operator: 'in', value: 'x' }] },
          { where: [{ field: 'id', operator: '=', value: ['x'] }] },
          { where: [{ field: 'parameters."] , 1) --', operator: '=', value: 1 }] },
          { where: { 'parameters.': 1 } },
          { where: { 'id.x': 1 } },
          { where: { rowid: 1 } },
          { where: { constructor: 1 } },
          { sort: [{ field: injected }] },
          { limit: 0 },
          { limit: 1001 },
          { limit: 1.5 },
          { limit: '1; DROP TABLE images' },
          { after: 'x' },
          { after: Buffer.from('["id"]').toString('base64url') },
          { after: Buffer.from('{}').toString('base64url') },
          { where: Array.from({ length: 51 }, () => ({ field: 'id', operator: '=', value: 1 })) },
        ];
        for (const query of queries)
          expect(await refusal(store.find('images', query)), JSON.stringify(query)).to.equal('invalid_query');
        expect(await refusal(store.count('images', { [injected]: 1 }))).to.equal('invalid_query');
        const { next } = await store.find('images', { limit: 1 });
        const other = { sort: [{ field: 'size' }], after: present(next) };
        expect(await refusal(store.find('images', other))).to.equal('invalid_query');
        expect(await where('activity', '=', injected)).to.deep.equal([]);
        expect(await store.count('images')).to.equal(many);
      });
    });

    describe('upkeep', () => {
      it('finds where records disagree, and names a remedy', async () => {
        const [stuck, lost] = [randomUUID(), randomUUID()];
        const id = await order({ image: lost });
        await store.commit([
          image({ id: stuck, status: 'building' }),
          image({ id: lost, status: 'pending' }),
          { change: 'follower.advance', name: 'bus', position: 99 },
        ]);
        expect((await store.check()).map(({ problem }) => problem)).to.have.length(2);
        await store.commit([toState(id, 'completed')]);
        const found = await store.check();
        expect(found.map(({ problem }) => problem)).to.have.members([
          `image ${stuck} is building, and no job works on it`,
          `image ${lost} is pending, and no job works on it`,
          `job ${id} is completed, and its image ${lost} is pending`,
          'follower bus is at 99, beyond the last event',
        ]);
        expect(found.every(({ remedy }) => remedy.length > 0)).to.equal(true);
      });

      it('finishes what is under way before it closes, and refuses what comes after', async () => {
        const under = Array.from({ length: 10 }, () => refusal(store.commit(ordered().changes)));
        await Promise.all([store.close(), store.close()]);
        expect(await Promise.all(under)).to.deep.equal(under.map(() => 'none'));
        expect(await refusal(store.commit(ordered().changes))).to.equal('closed');
        expect(await refusal(store.find('jobs'))).to.equal('closed');
        expect(await refusal(store.check())).to.equal('closed');
      });

      it('has everything again when it is opened again', async function () {
        if (opened.reopen === undefined) this.skip();
        const id = await order({ target: 'mock' });
        const before = [await store.get('jobs', id), await all(store, 'events', {})];
        store = await opened.reopen();
        expect([await store.get('jobs', id), await all(store, 'events', {})]).to.deep.equal(before);
        expect((await store.commit([toState(id, 'failed')]))[0]?.sequence).to.equal(2);
      });
    });
  });
}

async function tryTransition(
  store: Store,
  {
    from,
    kind,
    resumed,
    steps,
    to,
  }: {
    readonly kind: JobKind;
    readonly steps: readonly JobStatus[];
    readonly from: JobStatus;
    readonly to: JobStatus;
    readonly resumed: boolean;
  },
): Promise<void> {
  const { changes, id } = ordered({ kind });
  await store.commit([...changes, ...steps.map(status => toState(id, status))]);
  const outcome = await refusal(store.commit([toState(id, to, resumed)]));
  const legal = isJobTransition(kind, from, to, resumed);
  expect(outcome, `${kind}: ${from} to ${to}`).to.equal(legal ? 'none' : 'conflict');
  expect(await store.get('jobs', id)).to.include({ status: legal ? to : from });
}

/** The way of a deletion to its end. */
const deletion = ['preparing', 'running', 'completed'] as const;
