import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BaseImage, type BuildContext, BuildError, type Plugin } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { openScratchArea, type ScratchArea } from '../platform/files/scratch-area.js';
import { DirectoryStore } from '../images/index.js';
import { parseTemplate } from '../templates/index.js';
import { fakeCloud, fakeOs, writeBase } from '../testing/fake-plugins.js';
import { recordingLogger } from '../testing/recording-logger.js';
import { until } from '../testing/until.js';
import type { Build, BuildChange } from './build.js';
import { BuildEngine } from './engine.js';
import type { EngineOptions } from './engine-options.js';
import { isEnd } from './status.js';

const password = 'r00t-passw0rd';
const secretTemplate = `<template><name>x</name><os><name>D</name><version>1</version><arch>x86_64</arch>
<install type="url"><url>http://h/</url></install><rootpw>${password}</rootpw></os></template>`;

/** What a build told, as lines such as `BUILDING` and `20%`. */
function watch(build: Build): string[] {
  const told: string[] = [];
  build.onChange((change: BuildChange) => {
    if (change.kind === 'status') told.push(change.state.status);
    if (change.kind === 'percent') told.push(`${change.percent}%`);
  });
  return told;
}

async function ended(build: Build): Promise<Build['state']> {
  await until('the build has ended', () => isEnd(build.state.status));
  return build.state;
}

async function infoOf(build: Build): Promise<string> {
  const state = await ended(build);
  return state.status === 'FAILED' ? `${state.failure.code} | ${state.failure.info}` : state.status;
}

/** Plugins may reject with anything. */
function rejectWith(value: unknown): () => Promise<never> {
  return () => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is what is tried here
    return Promise.reject(value);
  };
}

const pending = (): Promise<never> => new Promise<never>(() => undefined);

describe('BuildEngine', () => {
  let directory: string;
  let scratch: ScratchArea;
  let log: ReturnType<typeof recordingLogger>;
  const engines: BuildEngine[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'engine-test-'));
    scratch = await openScratchArea(join(directory, 'tmp'));
    log = recordingLogger();
  });

  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.stop();
    await rm(directory, { recursive: true });
  });

  async function engineWith(
    plugins: readonly Plugin[],
    options: Partial<EngineOptions> = {},
  ): Promise<BuildEngine> {
    const images = join(directory, 'images');
    const engine = await BuildEngine.open({
      plugins,
      store: await DirectoryStore.open(images),
      scratch,
      logs: images,
      cache: join(directory, 'cache'),
      grace: 0.05,
      log,
      ...options,
    });
    engines.push(engine);
    return engine;
  }

  function order(engine: BuildEngine, descriptor = '<template></template>'): Build {
    return engine.create({
      descriptor,
      template: parseTemplate(descriptor),
      target: 'mock',
      callerImageUuid: '../../foo',
    });
  }

  function begin(engine: BuildEngine, descriptor?: string): Build {
    const build = order(engine, descriptor);
    engine.start(build);
    return build;
  }

  const failing = async (
    buildBase: (context: BuildContext) => Promise<BaseImage>,
    options: Partial<EngineOptions> = {},
  ) => {
    const engine = await engineWith([fakeOs(buildBase), fakeCloud()], options);
    return infoOf(begin(engine));
  };

  async function scratchLeft(): Promise<string[]> {
    const [area = ''] = await readdir(scratch.parent);
    return await readdir(join(scratch.parent, area));
  }

  it('shows the reason of a failure before it is told, also when the agent stops', async () => {
    const engine = await engineWith([fakeOs(pending), fakeCloud()]);
    const seen: (string | null)[] = [];
    for (let number = 0; number < 3; number++) {
      const build = engine.create({ descriptor: '', template: parseTemplate('<template/>'), target: 'mock' });
      build.onChange(change => {
        if (change.kind === 'status' && change.state.status === 'FAILED') seen.push(build.detail.error);
      });
      engine.start(build);
    }
    await engine.stop();
    expect(seen).to.have.lengthOf(3);
    for (const error of seen) expect(error).to.match(/^Failure encountered while: .*: the agent was stopped/);
  });

  it('shows the text for people that it is given, and makes none where it is', async () => {
    const engine = await engineWith([fakeOs(pending), fakeCloud()]);
    const descriptor = '<template><name>anybody</name></template>';
    const about = { descriptor, template: parseTemplate(descriptor), target: 'mock' };
    expect(engine.create({ ...about, shown: '<template/>' }).order.descriptor).to.equal('<template/>');
    expect(engine.create(about).order.descriptor).to.equal(descriptor);
  });

  it('takes a build through its statuses, stores the image, and removes the scratch directory', async () => {
    const os = fakeOs(context =>
      context.progress.step('walking', 1, async progress => {
        progress.update(0.5);
        return writeBase(context);
      }),
    );
    const engine = await engineWith([os, fakeCloud()]);
    const build = order(engine);
    const told = watch(build);
    expect(build.state.status).to.equal('NEW');
    engine.start(build);
    engine.start(build);
    const state = await ended(build);
    expect(told).to.deep.equal(['INITIALIZING', 'BUILDING', '10%', '20%', '99%', 'FINISHING', 'COMPLETED']);
    expect(build.percent).to.equal(100);
    if (state.status !== 'COMPLETED') throw new Error(state.status);
    expect(await readFile(state.image.path, 'utf8')).to.equal('body');
    expect(state.image).to.include({
      identifier: build.id,
      callerImageUuid: '../../foo',
      target: 'mock',
      size: 4,
    });
    expect(await scratchLeft()).to.deep.equal([]);
    expect(engine.live).to.deep.equal([]);
  });

  it('makes a failure of whatever a plugin throws, and of nobody else', async () => {
    const cases: readonly (readonly [string, (context: BuildContext) => Promise<BaseImage>, string])[] = [
      [
        'an Error',
        () => Promise.reject(new Error('oops\nwith more')),
        'internal | Failure encountered while: making the base image: oops',
      ],
      [
        'a BuildError',
        () => Promise.reject(new BuildError('tool_missing', 'x is not installed')),
        'tool_missing | Failure encountered while: making the base image: x is not installed',
      ],
      [
        'synchronously',
        () => {
          throw new Error('at once');
        },
        'internal | Failure encountered while: making the base image: at once',
      ],
      ['a text', rejectWith('text'), 'internal | Failure encountered while: making the base image: text'],
      [
        'nothing',
        rejectWith(undefined),
        'internal | Failure encountered while: making the base image: undefined',
      ],
      [
        'what has no text',
        rejectWith(Object.create(null)),
        'internal | Failure encountered while: making the base image: a value that cannot be shown',
      ],
      [
        'no image',
        () => Promise.resolve(undefined as unknown as BaseImage),
        'internal | Failure encountered while: making the base image: plugin mock gave no image',
      ],
      [
        'in a step',
        ({ progress }) => progress.step('installing nginx', 1, () => Promise.reject(new Error('404'))),
        'internal | Failure encountered while: installing nginx: 404',
      ],
    ];
    for (const [what, buildBase, expected] of cases) {
      expect(await failing(buildBase), what).to.equal(expected);
    }
    expect(await scratchLeft()).to.deep.equal([]);
  });

  it('refuses an image from outside of the scratch directory', async () => {
    const told = await failing(() => Promise.resolve({ path: '/etc/hostname', format: 'raw' }));
    expect(told).to.include('plugin mock gave an image outside of its scratch directory: /etc/hostname');
  });

  it('ends a build at its timeout, and says what it was doing', async () => {
    const told = await failing(
      ({ signal, progress }) =>
        progress.step(
          'downloading',
          1,
          () =>
            new Promise((_resolve, reject) =>
              signal.addEventListener('abort', () => reject(new Error('stopped'))),
            ),
        ),
      { timeout: 1 },
    );
    expect(told).to.equal(
      'timeout | Failure encountered while: downloading: the build was not done within 1 s',
    );
  });

  it('leaves a plugin behind that ignores its signal, and gives its slot to the next build', async () => {
    let calls = 0;
    let finishLate: () => void = () => undefined;
    const os = fakeOs(context => {
      if (++calls > 1) return writeBase(context);
      return new Promise(resolve => {
        finishLate = () => {
          context.progress.update(1, 'late');
          resolve({ path: join(context.scratch, 'late'), format: 'raw' });
        };
      });
    });
    const engine = await engineWith([os, fakeCloud()], { timeout: 2, limits: { local: 1 } });
    const deaf = begin(engine);
    const next = begin(engine);
    const told = watch(next);
    expect(next.state.status).to.equal('PENDING');
    expect(await infoOf(deaf)).to.equal(
      'timeout | Failure encountered while: making the base image: the build was not done within 2 s; it did not stop within 0.05 s and was left behind',
    );
    expect((await ended(next)).status).to.equal('COMPLETED');
    expect(told.slice(0, 1)).to.deep.equal(['BUILDING']);
    finishLate();
    await until('the plugin has come to an end', () =>
      log.lines.some(line => line.includes('has come to an end')),
    );
    expect(deaf.state.status).to.equal('FAILED');
    expect(await scratchLeft()).to.deep.equal([]);
  });

  it('tells an expected failure in one line of its log, an internal one with the stack, and the agent all of both', async () => {
    const linesOf = async (engine: BuildEngine, { id }: Build): Promise<string[]> =>
      (await engine.logLines(id, 1, 1000)).filter(({ level }) => level === 'error').map(({ text }) => text);
    const heeding = fakeOs(
      ({ signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            // As Node.js does it: the reason itself.
            reject(signal.reason as Error);
          }),
        ),
    );
    const slow = await engineWith([heeding, fakeCloud()], { timeout: 1 });
    const late = begin(slow);
    await ended(late);
    expect(await linesOf(slow, late)).to.deep.equal([
      'Failure encountered while: making the base image: the build was not done within 1 s',
    ]);
    const story = log.lines.filter(line => line.startsWith('warn: ') && line.includes(late.id)).join();
    expect(story).to.match(/failed by this error:\nBuildError: the build was not done within 1 s\n +at /);
    expect(story, 'no reason is its own cause').not.to.include('Caused by');

    const broken = await engineWith([fakeOs(() => Promise.reject(new TypeError('oops'))), fakeCloud()]);
    const failed = begin(broken);
    await ended(failed);
    expect((await linesOf(broken, failed)).join('\n')).to.match(
      /: oops\nBuildError: oops\n +at [^]*TypeError: oops\n +at /,
    );
    expect(log.lines.join('\n')).to.match(
      new RegExp(`warn: build ${failed.id} failed by this error:\n[^]*TypeError: oops\n +at `),
    );
  });

  it('ignores a result that comes after the timeout but within the grace period', async () => {
    const told = await failing(
      context =>
        new Promise(resolve => context.signal.addEventListener('abort', () => resolve(writeBase(context)))),
      { timeout: 1, grace: 60 },
    );
    expect(told).to.include('the build was not done within 1 s');
  });

  it('runs one build after the other with one slot, in the order of their start', async () => {
    const running: string[] = [];
    let most = 0;
    const os = fakeOs(async context => {
      running.push(context.scratch);
      most = Math.max(most, running.length);
      await new Promise(resolve => setTimeout(resolve, 5));
      running.splice(running.indexOf(context.scratch), 1);
      return writeBase(context);
    });
    const engine = await engineWith([os, fakeCloud()], { limits: { local: 1 } });
    const builds = [begin(engine), begin(engine), begin(engine)];
    const finished: number[] = [];
    for (const [index, build] of builds.entries()) {
      build.onChange(change => {
        if (change.kind === 'status' && isEnd(change.state.status)) finished.push(index);
      });
    }
    await Promise.all(builds.map(ended));
    expect(most).to.equal(1);
    expect(finished).to.deep.equal([0, 1, 2]);
  });

  it('refuses builds when too many wait', async () => {
    const engine = await engineWith([fakeOs(pending), fakeCloud()], { limits: { local: 1 }, maxWaiting: 1 });
    begin(engine);
    begin(engine);
    expect(engine.refusal).to.equal('1 builds are waiting already; try again later');
    expect(() => order(engine)).to.throw('try again later');
  });

  it('stops: ends what runs, what waits and what is new, and takes nothing more', async () => {
    let gone = 0;
    const heeding = fakeOs(
      ({ signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            gone++;
            reject(new Error('gone'));
          }),
        ),
    );
    const engine = await engineWith([heeding, fakeCloud()], { limits: { local: 1 } });
    const builds = [begin(engine), begin(engine), order(engine)];
    await until('the first runs', () => builds[0]?.state.status === 'BUILDING');
    await new Promise(resolve => setImmediate(resolve));
    const report = await engine.stop();
    expect(report).to.deep.equal({ aborted: builds.map(({ id }) => id), abandoned: [], postponed: [] });
    for (const build of builds)
      expect(await infoOf(build)).to.match(
        /^aborted \| Failure encountered while: .+: the agent was stopped$/,
      );
    expect(gone).to.equal(1);
    expect(() => order(engine)).to.throw('the agent is stopping');
    expect(await scratchLeft()).to.deep.equal([]);
  });

  it('reports the builds whose plugin could not be stopped', async () => {
    const engine = await engineWith([fakeOs(pending), fakeCloud()]);
    const build = begin(engine);
    await until('it runs', () => build.state.status === 'BUILDING');
    await until('the plugin is called', async () => (await scratchLeft()).length === 1);
    expect(await engine.stop()).to.deep.equal({ aborted: [build.id], abandoned: [build.id], postponed: [] });
  });

  it('keeps passwords out of its log, the build log, failures and metadata', async () => {
    const leaky = fakeOs(async context => {
      context.log.info(`the password is ${password}`);
      context.progress.update(0.1, `setting ${password}`);
      await context.run('sh', ['-c', `echo ${password} >&2`]);
      throw new Error(`chpasswd root:${password} failed`, { cause: new Error(password) });
    });
    const engine = await engineWith([leaky, fakeCloud()]);
    const build = begin(engine, secretTemplate);
    expect(await infoOf(build)).to.include('chpasswd root:*** failed');
    const good = await engineWith([fakeOs(), fakeCloud()]);
    const second = begin(good, secretTemplate);
    const state = await ended(second);
    const names = await readdir(join(directory, 'images'));
    expect(names).to.include.members([`${build.id}.log`, `${second.id}.meta`]);
    const files = await Promise.all(names.map(name => readFile(join(directory, 'images', name), 'utf8')));
    expect(files.join('')).to.include('the password is ***').and.not.to.include(password);
    expect(log.lines.join('')).not.to.include(password);
    expect(JSON.stringify(state)).not.to.include(password);
    expect(second.order.descriptor).not.to.include(password);
  });

  it('goes on when an observer throws', async () => {
    const engine = await engineWith([fakeOs(), fakeCloud()]);
    const build = order(engine);
    build.onChange(() => {
      throw new Error('observer');
    });
    engine.start(build);
    expect((await ended(build)).status).to.equal('COMPLETED');
    expect(log.lines.join('\n')).to.include('an observer of build');
  });
});
