import { openMemoryStore, type Store, StoreError } from '../../store/index.js';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { v4 as uuidv4 } from 'uuid';
import { recordingLogger } from '../../testing/recording-logger.js';
import type { AcceptedJob, JobEnd, JobOnRecord } from './job-form.js';
import { JobNotes } from './job-notes.js';
import { JobRecords } from './job-records.js';

describe('JobRecords', () => {
  let store: Store;
  let log: ReturnType<typeof recordingLogger>;
  beforeEach(async () => {
    store = await openMemoryStore();
    log = recordingLogger();
  });
  afterEach(() => store.close());

  const open = async (): Promise<JobRecords> => (await JobRecords.open(store, log)).records;
  const found = async (): Promise<readonly JobOnRecord[]> => (await JobRecords.open(store, log)).found;
  const job = (descriptor = '<template/>'): AcceptedJob & { order: { id: string } } => ({
    order: { id: uuidv4(), target: 'mock', descriptor, callerImageUuid: 'any text', epoch: 3 },
    resumable: true,
    record: {
      ...{ caller: 'alice', adaptor: 'adaptor-1' },
      place: { image: 'i', build: 'b', template: 't', description: '<image/>' },
    },
  });
  const completed: JobEnd = {
    status: 'COMPLETED',
    image: { path: '/x', size: 1, format: 'raw', sha256: '00' },
  };
  const failed: JobEnd = {
    status: 'FAILED',
    failure: {
      ...{ code: 'no_space', info: 'the disk is full', lastLines: ['a', 'b'] },
      cleanup: { removed: ['x'], left: ['y'] },
    },
  };

  it('knows at the next start what was noted, whatever that was', async () => {
    const records = await open();
    const one = job();
    const { order } = one;
    const notes = new JobNotes(order.id, records);
    await records.add([{ ...one, passwords: '<template>with a password</template>' }]);
    const fresh = {
      ...{ ...one, adopted: false, secret: true, resumed: 0, postponed: false, status: 'NEW', percent: 0 },
      ...{ groups: [], made: [], ended: undefined, told: false, sequence: 1 },
    };
    const seen = async (): Promise<JobOnRecord | undefined> => {
      await records.settled();
      return (await found())[0];
    };
    expect(await seen()).to.deep.equal(fresh);
    expect(await records.secret(order.id)).to.include('with a password');

    for (const status of ['INITIALIZING', 'PENDING', 'BUILDING'] as const) void notes.status(status, 0);
    void notes.status('BUILDING', 17);
    notes.group(process.pid);
    notes.group(1);
    notes.groupGone(1);
    notes.made('machine i-1');
    notes.made('volume v-1');
    notes.unmade('volume v-1');
    const working = await seen();
    expect(working).to.deep.include({ status: 'BUILDING', percent: 17, made: ['machine i-1'] });
    expect(working?.groups.map(({ pid }) => pid)).to.deep.equal([process.pid]);
    notes.postponed();
    expect(await seen()).to.include({ postponed: true, resumed: 0 });
    notes.resumed(2);
    expect(await seen()).to.include({ postponed: false, resumed: 2 });

    await notes.end(failed, 17);
    await notes.end(completed, 100);
    const over = await seen();
    expect(over).to.deep.include({ status: 'FAILED', percent: 17, secret: false, told: false });
    expect(over?.ended?.end, 'the first end counts').to.deep.equal(failed);
    expect(over?.ended?.at).to.be.closeTo(Date.now(), 600_000);
    expect(await records.secret(order.id)).to.equal(undefined);
    records.told(order.id);
    expect(await seen()).to.include({ told: true });
    records.forget(order.id);
    expect(await seen()).to.equal(undefined);
    expect(await store.count('templates')).to.equal(0);
    expect(await store.count('orders')).to.equal(0);
    expect(log.lines).to.deep.equal([]);
  });

  it('keeps pushes apart from builds, and the order in which jobs came', async () => {
    const records = await open();
    const jobs = Array.from({ length: 12 }, () => job());
    const { order } = job('<template>of the target image</template>');
    const push = { ...job(), order: { ...order, push: { provider: 'mock-a', targetImage: uuidv4() } } };
    await Promise.all([...jobs, push].map(one => records.add([one])));
    void records.enter(order.id, 'INITIALIZING', 0);
    void records.enter(order.id, 'PUSHING', 5);
    await records.settled();
    const all = await found();
    expect(all.map(one => one.order.id)).to.deep.equal([...jobs, push].map(one => one.order.id));
    expect(all.at(-1)).to.deep.include({ order: push.order, status: 'PUSHING' });
    expect(records.ids).to.include(push.order.push.targetImage);
  });

  it('tells again what may not have reached the broker, whatever the order of the news', async () => {
    const records = await open();
    const jobs = [job(), job(), job()];
    for (const one of jobs) await records.add([one]);
    for (const { order } of jobs) await records.end(order.id, completed, 100);
    const told = async (): Promise<readonly boolean[]> => {
      await records.settled();
      return (await found()).map(one => one.told);
    };
    records.told(jobs[2]?.order.id ?? '');
    // Twice is better than never.
    expect(await told()).to.deep.equal([false, false, false]);
    records.told(jobs[0]?.order.id ?? '');
    expect(await told()).to.deep.equal([true, false, false]);
    records.told(jobs[1]?.order.id ?? '');
    expect(await told()).to.deep.equal([true, true, true]);
    // A later start goes on from there.
    const later = await open();
    const next = job();
    await later.add([next]);
    await later.end(next.order.id, failed, 0);
    expect((await found()).map(one => one.told)).to.deep.equal([true, true, true, false]);
  });

  it('records an end although what came before it could not be recorded, and says what could not', async () => {
    const commit = store.commit.bind(store);
    let isFull = false;
    store.commit = changes =>
      isFull ? Promise.reject(new StoreError('write_failed', 'no space')) : commit(changes);
    const records = await open();
    const one = job();
    const { id } = one.order;
    await records.add([one]);
    isFull = true;
    for (const status of ['INITIALIZING', 'BUILDING', 'FINISHING'] as const)
      void records.enter(id, status, 0);
    await records.settled();
    expect(await records.add([job()]).catch((error: unknown) => error)).to.be.instanceOf(StoreError);
    isFull = false;
    await records.end(id, completed, 100);
    const [known, ...others] = await found();
    expect(known).to.deep.include({ status: 'COMPLETED', percent: 100 });
    expect(others).to.deep.equal([]);
    expect(log.lines).to.have.lengthOf(3);
    expect(log.lines[0]).to.include(`job ${id} cannot be recorded: no space`);
  });

  it('gives the sequence of each change, and none for what is not recorded', async () => {
    const records = await open();
    const one = job();
    const { id } = one.order;
    await records.add([one]);
    const sequences = [
      await records.enter(id, 'INITIALIZING', 0),
      await records.enter(id, 'BUILDING', 0),
      await records.enter(id, 'BUILDING', 40),
      await records.update(id, { postponed: true }),
      await records.enter(id, 'FINISHING', 40),
      await records.end(id, completed, 100),
      await records.enter(id, 'FINISHING', 40),
    ];
    const { items } = await store.find('events', { where: { job: id } });
    const [added, initializing, building, progress, finishing, end] = items.map(event => event.sequence);
    expect(added).to.be.greaterThan(0);
    const changes = [initializing, building, progress, undefined, finishing, end, undefined];
    expect(sequences).to.deep.equal(changes);
    expect((await found()).map(({ sequence }) => sequence)).to.deep.equal([end]);
  });

  it('is quiet about the news of the very end', async () => {
    const records = await open();
    const one = job();
    await records.add([one]);
    await store.close();
    void records.enter(one.order.id, 'INITIALIZING', 0);
    await records.end(one.order.id, completed, 100);
    records.told(one.order.id);
    expect(log.lines).to.deep.equal([]);
    store = await openMemoryStore();
  });
});
