import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Factory, openFactory, type StoreEvent } from './index.js';
import { rejection } from './testing/index.js';

const template =
  '<template><name>one</name><os><name>MockOS</name><version>1</version><arch>x86_64</arch><install type="url"><url>http://mock.example.com/</url></install></os></template>';

describe('a factory in a program', () => {
  let directory: string;
  let factory: Factory;
  const open = (): Promise<Factory> =>
    openFactory({ directory, temporaryDirectory: directory, plugins: [mockOs(), mockCloud()] });
  const eventsOf = async (job: string, from = 0): Promise<readonly StoreEvent[]> => {
    const events: StoreEvent[] = [];
    for await (const event of factory.events({ job, from })) events.push(event);
    return events;
  };
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'factory-'));
    factory = await open();
  });
  afterEach(async () => {
    await factory.close();
    await rm(directory, { recursive: true });
  });

  it('builds an image, and follows the job to its end', async () => {
    const job = await factory.build({ template, targets: ['mock'] });
    const events = await eventsOf(job.id);
    const states = events.filter(({ type }) => type === 'job.state').map(({ data }) => data['to']);
    expect(states.at(-1)).to.equal('completed');
    expect(events[0]).to.include({ type: 'job.added', job: job.id });
    expect(events.map(({ sequence }) => sequence)).to.deep.equal(
      events.map(({ sequence }) => sequence).sort((a, b) => a - b),
    );
    expect((await factory.jobs({ where: { id: job.id } })).items).to.have.length(1);
  });

  it('gives the same events to a late reader, and those after a sequence', async () => {
    const { id } = await factory.build({ template, targets: ['mock'] });
    const first = await eventsOf(id);
    expect(await eventsOf(id)).to.deep.equal(first);
    const [, , third] = first;
    expect(await eventsOf(id, third?.sequence)).to.deep.equal(first.slice(2));
    expect(await eventsOf(id, (first.at(-1)?.sequence ?? 0) + 1)).to.deep.equal([]);
    expect(await eventsOf('6f5c3a0e-0000-4000-8000-000000000000')).to.deep.equal([]);
  });

  it('keeps jobs and events over a restart, and numbers on', async () => {
    const { id } = await factory.build({ template, targets: ['mock'] });
    const before = await eventsOf(id);
    await factory.close();
    factory = await open();
    expect(await eventsOf(id)).to.deep.equal(before);
    const next = await factory.build({ template, targets: ['mock'] });
    const [added] = await eventsOf(next.id);
    expect(added?.sequence).to.be.greaterThan(before.at(-1)?.sequence ?? Infinity);
  });

  it('makes one job for each of several targets, in one batch', async () => {
    const jobs = await factory.build({ template, targets: ['mock', 'mock'] as string[] });
    expect(jobs).to.have.length(2);
    expect(new Set(jobs.map(({ build }) => build)).size).to.equal(1);
    for (const { id } of jobs) await eventsOf(id);
  });

  it('refuses an order with the name of the field', async () => {
    const error = await rejection(factory.build({ template, targets: ['nowhere'] }));
    expect(error).to.include({ name: 'OrderError', code: 'invalid', field: 'targets' });
    const none = await rejection(factory.build({ template, targets: [] as string[] }));
    expect(none).to.include({ name: 'OrderError', code: 'invalid', field: 'targets' });
    expect((await factory.jobs()).items).to.deep.equal([]);
  });

  it('ends a stream when its signal fires', async () => {
    const abort = new AbortController();
    const reading = (async () => {
      for await (const { type } of factory.events({ signal: abort.signal }))
        if (type === 'job.added') abort.abort();
    })();
    const { id } = await factory.build({ template, targets: ['mock'] });
    await reading;
    await eventsOf(id);
  });

  it('ends all streams when it closes', async () => {
    const heard: StoreEvent[] = [];
    const reading = (async () => {
      for await (const event of factory.events()) heard.push(event);
    })();
    const { id } = await factory.build({ template, targets: ['mock'] });
    await factory.close();
    await reading;
    expect(heard.filter(({ job }) => job === id).length).to.be.greaterThan(0);
  });

  it('lets one process have the directory at a time', async () => {
    expect((await rejection(open())).message).to.include('is in use');
  });
});
