import { appendFile, mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { recordingLogger } from '../../testing/logger.test.fixture.js';
import { JournalFile } from './journal.js';
import type { JournalRecord } from './records.js';

describe('JournalFile', () => {
  let directory: string;
  let log: ReturnType<typeof recordingLogger>;
  const open: JournalFile[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'journal-test-'));
    log = recordingLogger();
  });
  afterEach(async () => {
    for (const journal of open.splice(0)) await journal.close();
    await rm(directory, { recursive: true });
  });

  const path = (): string => join(directory, 'jobs.journal');
  async function journal(limit?: number): Promise<JournalFile> {
    const file = await JournalFile.open(directory, log, limit);
    open.push(file);
    return file;
  }
  const job = (id: string): JournalRecord => ({
    kind: 'job',
    id,
    target: 'mock',
    descriptor: `<template><name>${id}</name></template>`,
    epoch: 3,
    secret: false,
    record: {
      adaptor: `adaptor-${id}`,
      place: { image: 'i', build: 'b', template: 't', description: '<image/>' },
    },
  });
  const completed = {
    status: 'COMPLETED',
    image: { path: '/x', size: 1, format: 'raw', sha256: '00' },
  } as const;

  /** All that can be said of a job, one record after the other. */
  const story: readonly JournalRecord[] = [
    job('a'),
    { kind: 'status', id: 'a', status: 'BUILDING', percent: 0 },
    { kind: 'group', id: 'a', pid: 7, started: 'boot/1' },
    { kind: 'group', id: 'a', pid: 8, started: 'boot/2' },
    { kind: 'group-gone', id: 'a', pid: 7 },
    { kind: 'made', id: 'a', what: 'machine i-1' },
    { kind: 'made', id: 'a', what: 'volume v-1' },
    { kind: 'unmade', id: 'a', what: 'volume v-1' },
    { kind: 'status', id: 'a', status: 'FINISHING', percent: 99 },
    { kind: 'end', id: 'a', end: completed, percent: 100, at: 5 },
    { kind: 'told', id: 'a' },
  ];

  it('knows after a reopening what it knew before, after every record', async () => {
    for (const record of story) {
      const file = await journal();
      file.append(record);
      const before = file.jobs;
      await file.synced();
      // Not closed: a process that is killed closes nothing.
      expect((await journal()).jobs).to.deep.equal(before);
    }
    const [known] = (await journal()).jobs;
    expect(known).to.deep.include({
      status: 'FINISHING',
      percent: 100,
      told: true,
      ended: { end: completed, at: 5 },
    });
    expect([...(known?.made ?? [])]).to.deep.equal(['machine i-1']);
    expect([...(known?.groups.keys() ?? [])]).to.deep.equal([8]);
  });

  it('is whole wherever a power cut ends it', async () => {
    const file = await journal();
    for (const record of story) file.append(record);
    await file.close();
    const text = await readFile(path(), 'utf8');
    for (let size = text.length - 1; size >= 0; size -= 13) {
      await truncate(path(), size);
      const again = await journal();
      expect(again.jobs.length).to.be.at.most(1);
      again.append(job('b'));
      expect((await journal()).jobs.map(({ order }) => order.id)).to.include('b');
      await again.close();
      await rm(path());
      await appendFile(path(), text.slice(0, size));
    }
    expect(log.lines.join('\n')).to.include('cannot be read; they are left out');
  });

  it('believes the first end of a job, and forgets what it is told to', async () => {
    const file = await journal();
    for (const record of story) file.append(record);
    file.append({
      kind: 'end',
      id: 'a',
      end: { ...completed, image: { ...completed.image, path: '/y' } },
      percent: 100,
      at: 9,
    });
    expect(file.jobs[0]?.ended?.at).to.equal(5);
    file.append({ kind: 'forget', id: 'a' });
    file.append({ kind: 'told', id: 'a' });
    expect(file.jobs).to.deep.equal([]);
    expect((await journal()).jobs).to.deep.equal([]);
  });

  it('stays small, whatever passes through it, and loses nobody meanwhile', async () => {
    const file = await journal(20_000);
    file.append(job('keep'));
    for (let number = 0; number < 1000; number++) {
      file.append(job(`job-${number}`));
      if (number % 50 === 0) await file.synced();
      file.append({ kind: 'forget', id: `job-${number}` });
    }
    expect((await stat(path())).size).to.be.below(25_000);
    expect((await journal()).jobs.map(({ order }) => order.id)).to.deep.equal(['keep']);
  });

  it('is for its owner alone', async () => {
    await journal();
    expect((await stat(path())).mode & 0o777).to.equal(0o600);
  });
});
