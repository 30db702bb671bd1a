import { cp, mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openMemoryStore, type Store } from '../../store/index.js';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { recordingLogger } from '../../testing/recording-logger.js';
import { importJournals } from './import-journals.js';
import type { JobEnd, JobOnRecord } from './job-form.js';
import { JobRecords } from './job-records.js';

const fixtures = resolve(import.meta.dirname, '../../../../test/fixtures/e5b99e1');
const password = 'Pa55-of-2026';

type FoundJob = Omit<JobOnRecord, 'ended'> & { readonly end: JobEnd | undefined };

describe('what a version before the store has left', () => {
  let images: string;
  let store: Store;
  let log: ReturnType<typeof recordingLogger>;
  beforeEach(async () => {
    images = await mkdtemp(join(tmpdir(), 'import-test-'));
    store = await openMemoryStore();
    log = recordingLogger();
  });
  afterEach(async () => {
    await store.close();
    await rm(images, { recursive: true });
  });

  async function left(name: string): Promise<void> {
    await cp(join(fixtures, name), images, { recursive: true, force: true, verbatimSymlinks: true });
    // Locks of another host count for as long as they are fresh.
    for (const file of await readdir(join(images, 'jobs')))
      if (file.endsWith('.lock')) await utimes(join(images, 'jobs', file), 0, 0);
  }

  async function found(): Promise<readonly FoundJob[]> {
    const { found: jobs } = await JobRecords.open(store, log);
    // The time of the end is that of the import.
    return jobs.map(({ ended, ...job }) => ({ ...job, end: ended?.end }));
  }

  /** What was told may be told again: the note of that may have been lost. */
  const asUntold = (job: FoundJob): FoundJob => ({ ...job, told: job.end !== undefined });

  const summary = (jobs: readonly FoundJob[]): readonly string[] =>
    jobs.map(({ status, told, adopted, secret, resumable, order, groups, made }) => {
      const flags = { told, adopted, secret, resumable };
      const words = Object.entries(flags).flatMap(([word, is]) => (is ? [word] : []));
      return [status, `start ${order.epoch}`, ...words, `${groups.length}+${made.length}`].join(' ');
    });

  it('is taken in whole: ended, running and waiting jobs, and those of a dead second agent', async () => {
    await left('resumable');
    await importJournals(images, store, log);
    const jobs = await found();
    expect(summary(jobs)).to.deep.equal([
      'COMPLETED start 1 told resumable 0+0',
      'COMPLETED start 1 told resumable 0+0',
      'FAILED start 2 told resumable 0+0',
      'BUILDING start 2 resumable 0+1',
      'BUILDING start 2 secret resumable 0+1',
      'PENDING start 2 resumable 0+0',
      'PENDING start 2 secret resumable 0+0',
      'BUILDING start 1 adopted 0+1',
    ]);
    expect(jobs[0]?.record?.adaptor).to.equal(`build_adaptor-${jobs[0]?.order.id}`);
    expect(jobs[3]?.made.join()).to.include(jobs[3]?.order.id);
    for (const { order, secret } of jobs) {
      if (secret) expect(await store.secret(order.id)).to.include(password);
      expect(JSON.stringify(order)).not.to.include(password);
    }
    const names = await readdir(images);
    expect(names).to.include('jobs.old').and.not.include('jobs');
    expect((await readdir(join(images, 'jobs.old'))).filter(name => name.endsWith('.order'))).to.deep.equal(
      [],
    );
    expect(await readFile(join(images, 'jobs.old', 'jobs.journal'), 'utf8')).to.include('"told"');
    expect(log.lines.join('\n')).to.match(/^notice.*8 jobs of an earlier version were taken into the store/);
  });

  it('keeps no passwords of what is begun no more, and what no console was told of', async () => {
    await left('not-resumable');
    await importJournals(images, store, log);
    const running = (await found()).filter(({ status }) => status === 'BUILDING');
    for (const { order } of running) expect(await store.secret(order.id)).to.equal(undefined);
    await rm(join(images, 'jobs.old'), { recursive: true });
    await left('untold');
    await importJournals(images, store, log);
    expect(summary(await found()).at(-1)).to.equal('COMPLETED start 1 0+0');
  });

  it('is taken in once, wherever the process is killed meanwhile', async () => {
    await left('resumable');
    await importJournals(images, store, log);
    const whole = await found();
    for (let steps = 0; ; steps++) {
      await store.close();
      store = await openMemoryStore();
      await rm(images, { recursive: true });
      await left('resumable');
      const commit = store.commit.bind(store);
      let done = 0;
      store.commit = changes => (done++ < steps ? commit(changes) : Promise.reject(new Error('killed')));
      const isKilled = await importJournals(images, store, log).then(
        () => false,
        () => true,
      );
      store.commit = commit;
      await importJournals(images, store, log);

      expect((await found()).map(asUntold), `killed after ${steps} steps`).to.deep.equal(whole.map(asUntold));
      expect(await readdir(images)).to.include('jobs.old');
      if (!isKilled) {
        expect(steps).to.be.greaterThan(8);
        return;
      }
    }
  });

  it('is left alone while an agent of that version is at work there', async () => {
    await left('resumable');
    const lock = (await readdir(join(images, 'jobs'))).find(name => name.endsWith('.lock')) ?? '';
    await utimes(join(images, 'jobs', lock), new Date(), new Date());
    const refused = await importJournals(images, store, log).then(() => 'taken in', String);
    expect(refused).to.match(/is in use by process \d+ on builder.example: stop that process/);
    expect(await readdir(images)).to.include('jobs');
    expect(await found()).to.deep.equal([]);
  });

  it('is nothing in a new directory', async () => {
    await importJournals(images, store, log);
    expect(log.lines).to.deep.equal([]);
    expect(await readdir(images)).to.deep.equal([]);
  });
});
