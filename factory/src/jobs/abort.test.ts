import { mkdtemp, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildContext, OsPlugin } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { openScratchArea } from '../platform/files/scratch-area.js';
import { DirectoryStore, type ImageStore } from '../images/index.js';
import { parseTemplate } from '../templates/index.js';
import { fakeCloud, fakeOs, writeBase } from '../testing/fake-plugins.js';
import { closeRecords, openRecords } from '../testing/job-records.test.fixture.js';
import { recordingLogger } from '../testing/recording-logger.js';
import { until } from '../testing/until.js';
import type { Build } from './build.js';
import { BuildEngine } from './engine.js';
import type { EngineOptions } from './engine-options.js';
import { isEnd } from './status.js';

/** Settles when the build is aborted, as a well-behaved plugin does. */
const untilAborted = ({ signal }: BuildContext): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));

describe('an aborted build', () => {
  let directory: string;
  const engines: BuildEngine[] = [];
  let images: DirectoryStore['images'] | undefined;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'abort-test-'));
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.stop();
    await closeRecords(join(directory, 'images'));
    await rm(directory, { recursive: true });
  });

  async function start(os: OsPlugin, options: Partial<EngineOptions> = {}): Promise<BuildEngine> {
    const logs = join(directory, 'images');
    const log = recordingLogger();
    const store = await DirectoryStore.open(logs);
    ({ images } = store);
    const engine = await BuildEngine.open({
      plugins: [os, fakeCloud()],
      store,
      scratch: await openScratchArea(join(directory, 'tmp')),
      logs,
      cache: join(directory, 'cache'),
      limits: { local: 1 },
      grace: 0.2,
      log,
      record: {
        ...(await openRecords(logs, log)),
        epoch: 1,
        found: [],
        load: descriptor => Promise.resolve({ template: parseTemplate(descriptor) }),
      },
      ...options,
    });
    engines.push(engine);
    return engine;
  }

  async function accept(engine: BuildEngine): Promise<Build> {
    const descriptor = `<template><name>s</name><os><name>Fedora</name><version>14</version><arch>x86_64</arch>
<install type="url"><url>http://example.com/</url></install><rootpw>Pa55-of-this-test</rootpw></os></template>`;
    const build = engine.create({ descriptor, template: parseTemplate(descriptor), target: 'mock' });
    await engine.keep([build]);
    return build;
  }

  /** All that a build could leave here: files other than its log and the record of its failure, and processes. */
  async function traces(): Promise<readonly string[]> {
    const names = await readdir(directory, { recursive: true });
    const found: string[] = [];
    for (const name of names.filter(one => !/\.log$|^images\/store\/store\./.test(one)).sort()) {
      const isRecord = name.endsWith('.meta');
      if (!isRecord || !/"status": "FAILED"/.test(await readFile(join(directory, name), 'utf8')))
        found.push(name);
    }
    for (const pid of await readdir('/proc').catch(() => [])) {
      const environment = /^\d+$/.test(pid)
        ? await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
        : '';
      if (environment.includes(`TMPDIR=${directory}`)) found.push(`process ${pid}`);
    }
    return found;
  }

  /** Aborts, and looks at what the build became and at what is left. */
  async function abort(engine: BuildEngine, build: Build, before: readonly string[]): Promise<string> {
    const told: string[] = [];
    build.onChange(change => {
      if (change.kind === 'status') told.push(change.state.status);
    });
    expect(await engine.abort(build.id, 'alice')).to.equal('aborted');
    expect(await traces()).to.deep.equal(before);
    expect(told.at(-1)).to.equal('FAILED');
    expect(await engine.abort(build.id, 'alice'), 'it is over').to.equal('unknown');
    const { state } = build;
    if (state.status !== 'FAILED') throw new Error(state.status);
    expect(state.failure.code).to.equal('aborted');
    expect(state.failure.cleanup.left).to.deep.equal([]);
    expect(build.detail.error).to.equal(state.failure.info);
    const image = await images?.imageWithId(build.id);
    expect(image?.status).to.equal('FAILED');
    expect(image?.statusDetail).to.deep.equal({
      activity: build.detail.activity,
      error: state.failure.info,
    });
    return state.failure.info;
  }

  it('is gone when it was NEW', async () => {
    const engine = await start(fakeOs());
    const before = await traces();
    const build = await accept(engine);
    expect(build.state.status).to.equal('NEW');
    expect(await abort(engine, build, before)).to.equal(
      'Failure encountered while: initializing the build: the build was aborted by alice',
    );
  });

  it('is gone from its queue when it was PENDING, and the others move up', async () => {
    const engine = await start(fakeOs(untilAborted));
    const first = await accept(engine);
    engine.start(first);
    await until('the first runs', () => first.detail.activity === 'making the base image');
    const before = await traces();
    const builds = [await accept(engine), await accept(engine)];
    for (const build of builds) engine.start(build);
    expect(builds.map(({ place }) => place)).to.deep.equal([
      { queue: 'local', position: 1 },
      { queue: 'local', position: 2 },
    ]);
    const [second, third] = builds;
    if (second === undefined || third === undefined) throw new Error('two builds');
    const withThird = [...before, `images/store/secrets/${third.id}`].sort();
    expect(await abort(engine, second, withThird)).to.include('waiting for a free slot');
    expect(third.place).to.deep.equal({ queue: 'local', position: 1 });
  });

  it('gives its space back when it waits for that', async () => {
    const free = await engineSpace();
    const engine = await start(
      { ...fakeOs(untilAborted), space: () => ({ scratch: free, image: 0 }) },
      { limits: { local: 2 } },
    );
    const first = await accept(engine);
    engine.start(first);
    await until('the first runs', () => first.detail.activity === 'making the base image');
    const before = await traces();
    const second = await accept(engine);
    engine.start(second);
    await until('it waits', () => second.detail.activity.includes('space on the disk'));
    expect(second.state.status).to.equal('PENDING');
    expect(await abort(engine, second, before)).to.include('waiting for space on the disk');
  });

  for (const [what, work] of [
    [
      'a tool that ignores SIGTERM',
      ({ run }) => run('sh', ['-c', 'trap "" TERM; sleep 300 & wait; sleep 300']),
    ],
    ['a plugin at work', untilAborted],
    [
      'a plugin with things outside',
      context => {
        context.made('a machine at a cloud', () => Promise.resolve());
        return untilAborted(context);
      },
    ],
  ] as const satisfies readonly (readonly [string, (context: BuildContext) => Promise<unknown>])[]) {
    it(`is gone when it was BUILDING, with ${what}`, async () => {
      const os = fakeOs(context =>
        context.progress.step('installing packages', 1, async () => {
          await writeBase(context);
          await work(context);
          return writeBase(context);
        }),
      );
      const engine = await start(os);
      const before = await traces();
      const build = await accept(engine);
      engine.start(build);
      await until('it is at it', async () => (await traces()).some(name => name.endsWith('base.raw')));
      expect(await abort(engine, build, before)).to.equal(
        'Failure encountered while: installing packages: the build was aborted by alice',
      );
      if (build.state.status !== 'FAILED') throw new Error('expected a failure');
      const { removed } = build.state.failure.cleanup;
      expect(removed.at(-1)).to.include(build.id);
      expect(removed.includes('a machine at a cloud')).to.equal(what.includes('outside'));
    });
  }

  it('is gone when it waited for a lock', async () => {
    const engine = await start(
      fakeOs(context => context.exclusive('media', () => untilAborted(context))),
      { limits: { local: 2 } },
    );
    const first = await accept(engine);
    engine.start(first);
    await until('the first has the lock', () => first.detail.activity === 'making the base image');
    const before = await traces();
    const second = await accept(engine);
    engine.start(second);
    await until('it waits', () => second.detail.activity === 'making the base image');
    await abort(engine, second, before);
    expect(isEnd(first.state.status)).to.equal(false);
  });

  it('is gone when it was FINISHING', async () => {
    const engine = await start(fakeOs(), {
      store: slow(await DirectoryStore.open(join(directory, 'images'))),
    });
    const before = await traces();
    const build = await accept(engine);
    engine.start(build);
    await until('it is being stored', () => build.state.status === 'FINISHING');
    expect(await abort(engine, build, before)).to.include('storing the image');
  });

  it('is COMPLETED if it came to its end before that could be helped', async () => {
    const engine = await start(fakeOs());
    const build = await accept(engine);
    engine.start(build);
    await until('it is over', () => isEnd(build.state.status));
    expect(await engine.abort(build.id, 'alice')).to.equal('unknown');
    expect(await engine.abort('no such build', 'alice')).to.equal('unknown');
    expect(build.state.status).to.equal('COMPLETED');
  });

  /** A store whose disk is slow: it begins when the build is aborted. */
  function slow(store: ImageStore): ImageStore {
    return {
      record: (order, standing) => store.record(order, standing),
      get: id => store.get(id),
      templateOf: id => store.templateOf(id),
      addProviderImage: (source, facts, options) => store.addProviderImage(source, facts, options),
      add: async (source, facts, options) => {
        // The abort may come before the disk is asked.
        if (!options.signal.aborted)
          await new Promise<void>(resolve => options.signal.addEventListener('abort', () => resolve()));
        return await store.add(source, facts, options);
      },
    };
  }

  /** More than half of what is free: enough for one build, not for two. */
  async function engineSpace(): Promise<number> {
    const { bavail, bsize } = await statfs(directory);
    return Math.floor(bavail * bsize * 0.7);
  }
});
