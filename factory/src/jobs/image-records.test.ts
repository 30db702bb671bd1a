import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildContext, BuildError, type CloudPlugin } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { openScratchArea } from '../platform/files/scratch-area.js';
import { DirectoryStore, type ImageStore } from '../images/index.js';
import { openMemoryStore, type Store } from '../store/index.js';
import { parseTemplate } from '../templates/index.js';
import { fakeCloud, fakeOs, writeBase } from '../testing/fake-plugins.js';
import { recordingLogger } from '../testing/recording-logger.js';
import { until } from '../testing/until.js';
import type { Build } from './build.js';
import { BuildEngine } from './engine.js';
import { baseImageId } from './image-records.js';
import { JobRecords } from './record/job-records.js';
import { isEnd } from './status.js';

const password = 'Pa55-of-records';
const descriptor = `<template><name>s</name><os><name>Fedora</name><version>14</version><arch>x86_64</arch>
<install type="url"><url>http://example.com/</url></install><rootpw>${password}</rootpw></os></template>`;

describe('the records of the images of a build', () => {
  let directory: string;
  let store: DirectoryStore;
  let records: Store;
  let log: ReturnType<typeof recordingLogger>;
  const engines: BuildEngine[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'records-test-'));
    store = await DirectoryStore.open(join(directory, 'images'));
    log = recordingLogger();
    records = await openMemoryStore();
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.stop();
    await records.close();
    await rm(directory, { recursive: true });
  });

  async function start(
    buildBase: (context: BuildContext) => Promise<{ path: string; format: string }>,
    { cloud = fakeCloud(), images = store }: { cloud?: CloudPlugin; images?: ImageStore } = {},
  ): Promise<BuildEngine> {
    const engine = await BuildEngine.open({
      plugins: [fakeOs(buildBase), cloud],
      store: images,
      scratch: await openScratchArea(join(directory, 'tmp')),
      logs: join(directory, 'images'),
      cache: join(directory, 'cache'),
      limits: { local: 1 },
      grace: 0.05,
      log,
      record: {
        ...{ jobs: (await JobRecords.open(records, log)).records, earlier: [], epoch: 1, found: [] },
        load: text => Promise.resolve({ template: parseTemplate(text) }),
      },
    });
    engines.push(engine);
    return engine;
  }
  async function order(engine: BuildEngine): Promise<Build> {
    const build = engine.create({
      ...{ descriptor, template: parseTemplate(descriptor), target: 'mock' },
      callerImageUuid: 'anything',
    });
    await engine.keep([build]);
    return build;
  }
  const record = async (id: string) => await store.images.imageWithId(id);
  const row = (id: string) => records.get('images', id);
  const over = (build: Build): Promise<void> => until('it is over', () => isEnd(build.state.status));

  it('go from PENDING by BUILDING to COMPLETE, which others hear of afterwards', async () => {
    let isReady = false;
    let goOn = false;
    const engine = await start(async context => {
      await context.progress.step('installing packages', 0.5, async () => {
        isReady = true;
        await until('the test goes on', () => goOn);
      });
      return await writeBase(context);
    });
    const build = await order(engine);
    expect(await row(build.id)).to.deep.include({
      ...{ kind: 'target', status: 'pending', activity: 'accepted', percent: 0 },
      callerImageUuid: 'anything',
    });
    engine.start(build);
    await until('it builds', () => isReady);
    await until('that is on record', async () => (await row(baseImageId(build.id)))?.status === 'building');
    expect(await row(build.id)).to.include({ status: 'building', parent: baseImageId(build.id) });
    expect(await record(build.id), 'a file at the end alone').to.equal(undefined);
    const known: string[] = [];
    build.onChange(change => {
      if (change.kind !== 'status' || change.state.status !== 'COMPLETED') return;
      const ids = [build.id, baseImageId(build.id)];
      void Promise.all([...ids.map(record), ...ids.map(row)]).then(images =>
        known.push(...images.map(image => image?.status ?? '')),
      );
    });
    goOn = true;
    await over(build);
    await until('it was looked up', () => known.length > 0);
    expect(known).to.deep.equal(['COMPLETE', 'COMPLETE', 'complete', 'complete']);
    const { size, sha256 } = (await store.get(build.id)) ?? {};
    expect(await row(build.id)).to.include({ size, sha256, percent: 100 });
    expect((await readdir(join(directory, 'images'))).filter(name => name.endsWith('.busy'))).to.deep.equal(
      [],
    );
    for (const name of (await readdir(join(directory, 'images'))).filter(one => one.endsWith('.meta'))) {
      expect(await readFile(join(directory, 'images', name), 'utf8')).not.to.include(password);
    }
  });

  it('tell why a build has failed, before others hear of it', async () => {
    const cloud = fakeCloud(() => Promise.reject(new BuildError('tool_failed', `no, ${password}`)));
    const engine = await start(writeBase, { cloud });
    const build = await order(engine);
    const heard: Promise<unknown>[] = [];
    build.onChange(change => {
      if (change.kind === 'status' && change.state.status === 'FAILED') heard.push(record(build.id));
    });
    engine.start(build);
    await over(build);
    const reason = 'Failure encountered while: making the target image: no, ***';
    const failed = {
      status: 'FAILED',
      statusDetail: { activity: 'making the target image', error: reason },
    };
    expect(await heard[0]).to.deep.include(failed);
    expect(await record(baseImageId(build.id))).to.deep.include(failed);
    for (const id of [build.id, baseImageId(build.id)])
      expect(await row(id)).to.include({ status: 'failed', error: reason });
    expect(await store.get(build.id)).to.equal(undefined);
    expect(await store.templateOf(build.id)).to.include('<rootpw>***</rootpw>');
  });

  it('cost a build nothing when they cannot be saved', async () => {
    const broken: ImageStore = {
      record: () => Promise.reject(new BuildError('no_space', 'no space left')),
      add: (source, facts, options) => store.add(source, facts, options),
      addProviderImage: (source, facts, options) => store.addProviderImage(source, facts, options),
      get: id => store.get(id),
      templateOf: id => store.templateOf(id),
    };
    const engine = await start(writeBase, { images: broken });
    const build = await order(engine);
    engine.start(build);
    await over(build);
    expect(build.state.status).to.equal('COMPLETED');
    expect(await store.get(build.id)).to.include({ target: 'mock' });
    expect(
      log.lines.filter(line => /^warn.*meta file of image .* could not be written/.test(line)),
    ).to.have.lengthOf(1);
  });

  it('are not waited for when the disk does not answer', async function () {
    this.timeout(180_000);
    const stuck: ImageStore = {
      record: () => new Promise(() => undefined),
      add: () => Promise.reject(new Error('not reached')),
      addProviderImage: () => Promise.reject(new Error('not reached')),
      get: () => Promise.resolve(undefined),
      templateOf: () => Promise.resolve(undefined),
    };
    const engine = await start(() => Promise.reject(new BuildError('internal', 'no')), { images: stuck });
    const build = engine.create({ descriptor, template: parseTemplate(descriptor), target: 'mock' });
    engine.start(build);
    await over(build);
    expect(build.state.status).to.equal('FAILED');
  });
});
