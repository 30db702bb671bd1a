import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildContext } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { startOf } from '../platform/files/process-mark.js';
import { openScratchArea } from '../platform/files/scratch-area.js';
import { DirectoryStore } from '../images/index.js';
import { parseTemplate } from '../templates/index.js';
import { fakeCloud, fakeOs, writeBase } from '../testing/fake-plugins.js';
import { closeRecords, openRecords } from '../testing/job-records.test.fixture.js';
import { recordingLogger } from '../testing/recording-logger.js';
import { until } from '../testing/until.js';
import type { Build } from './build.js';
import { BuildEngine } from './engine.js';
import type { EngineRecord } from './engine-options.js';
import { isEnd } from './status.js';

const password = 'Pa55-of-this-test';
const secretTemplate = `<template><name>s</name><os><name>Fedora</name><version>14</version><arch>x86_64</arch>
<install type="url"><url>http://example.com/</url></install><rootpw>${password}</rootpw></os></template>`;

const forever = (): Promise<never> => new Promise<never>(() => undefined);

describe('a restart of the engine', () => {
  let directory: string;
  let epoch: number;
  const dead: BuildEngine[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'restart-test-'));
    epoch = 0;
  });
  afterEach(async () => {
    for (const engine of dead.splice(0)) await engine.stop();
    await closeRecords(images());
    await rm(directory, { recursive: true });
  });

  const images = (): string => join(directory, 'images');
  const secrets = (): string => join(images(), 'store', 'secrets');

  /** An engine as after a start of the agent; whoever was there before is as good as killed: it records nothing any more. */
  async function start(
    buildBase: (context: BuildContext) => Promise<{ path: string; format: string }> = writeBase,
    load: EngineRecord['load'] = descriptor => Promise.resolve({ template: parseTemplate(descriptor) }),
  ) {
    const log = recordingLogger();
    const engine = await BuildEngine.open({
      plugins: [fakeOs(buildBase), fakeCloud()],
      store: await DirectoryStore.open(images()),
      scratch: await openScratchArea(join(directory, 'tmp')),
      logs: images(),
      cache: join(directory, 'cache'),
      limits: { local: 1 },
      grace: 0.05,
      log,
      record: {
        ...(await openRecords(images(), log)),
        epoch: ++epoch,
        found: [],
        load,
      },
    });
    dead.push(engine);
    return { engine, log };
  }

  async function accept(engine: BuildEngine, descriptor = '<template></template>'): Promise<Build> {
    const build = engine.create({ descriptor, template: parseTemplate(descriptor), target: 'mock' });
    await engine.keep([build]);
    return build;
  }

  const told = (build: Build): string[] => {
    const lines: string[] = [];
    build.onChange(change => {
      if (change.kind === 'status') lines.push(`${change.from} ${change.state.status}`);
    });
    return lines;
  };
  const over = (build: Build | undefined): Promise<void> =>
    until('the build is over', () => build !== undefined && isEnd(build.state.status));

  it('queues again what waited, in its order and with its passwords, and ends what ran as AgentRestarted', async () => {
    const first = await start(forever);
    const running = await accept(first.engine);
    const waiting = [await accept(first.engine, secretTemplate), await accept(first.engine)];
    const fresh = await accept(first.engine);
    for (const build of [running, ...waiting]) first.engine.start(build);
    await until('the first runs', () => running.state.status === 'BUILDING');
    const path = join(secrets(), waiting[0]?.id ?? '');
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    for (const name of await readdir(join(images(), 'store')))
      if (name !== 'secrets')
        expect(await readFile(join(images(), 'store', name), 'latin1')).not.to.include(password);

    const order: string[] = [];
    const second = await start(async context => {
      order.push(context.scratch.slice(-36));
      return await writeBase(context);
    });
    const builds = second.engine.recovered.map(({ build }) => build);
    expect(
      second.engine.recovered.map(({ build, kind }) => `${build.id} ${kind} ${build.state.status}`),
    ).to.deep.equal([
      `${running.id} interrupted BUILDING`,
      `${waiting[0]?.id} waiting PENDING`,
      `${waiting[1]?.id} waiting PENDING`,
      `${fresh.id} waiting NEW`,
    ]);
    expect(
      builds.map(build => build.order.epoch),
      'addresses stay',
    ).to.deep.equal([1, 1, 1, 1]);
    const changes = builds.map(told);
    second.engine.resume();
    for (const build of builds) await over(build);
    expect(changes[0]).to.deep.equal(['BUILDING FAILED']);
    expect(changes[1]?.at(-1)).to.equal('FINISHING COMPLETED');
    expect(changes[3]?.[0]).to.equal('NEW INITIALIZING');
    expect(order).to.deep.equal([waiting[0]?.id, waiting[1]?.id, fresh.id]);
    const state = builds[0]?.state;
    if (state?.status !== 'FAILED') throw new Error('expected a failure');
    expect(state.failure).to.include({
      code: 'agent_restarted',
      info: 'Failure encountered while: making the image: the agent was killed meanwhile and has been restarted; build again',
    });
    expect(await readdir(secrets())).to.deep.equal([]);
    expect((await readdir(images())).filter(name => name.endsWith('.body'))).to.have.lengthOf(3);

    const third = await start();
    expect(third.engine.recovered.map(({ kind }) => kind)).to.deep.equal([
      'ended',
      'ended',
      'ended',
      'ended',
    ]);
    expect(third.engine.recovered[0]?.build.state).to.deep.equal(state);
    expect(third.engine.live).to.deep.equal([]);
    for (const { build } of third.engine.recovered) third.engine.forget(build.id);
    expect((await start()).engine.recovered).to.deep.equal([]);
  });

  it('finds an image that had been stored a moment before, and completes its build', async () => {
    const first = await start(writeBase);
    const build = await accept(first.engine);
    const store = await DirectoryStore.open(images());
    const body = join(directory, 'body');
    await writeFile(body, 'body');
    const { jobs } = await openRecords(images(), recordingLogger());
    await jobs.enter(build.id, 'FINISHING', 99);
    const image = await store.add(
      body,
      { identifier: build.id, target: 'mock', format: 'raw', template: '' },
      { signal: new AbortController().signal },
    );
    const { engine } = await start();
    const [again] = engine.recovered;
    engine.resume();
    await over(again?.build);
    expect(again?.build.percent).to.equal(100);
    expect(again?.build.state).to.deep.equal({
      status: 'COMPLETED',
      image: { path: image.path, size: 4, format: 'raw', sha256: image.sha256 },
    });
  });

  it('ends the processes of what ran, and tells that and what is left', async () => {
    const started = join(directory, 'pid');
    const readTool = async (): Promise<number> => Number(await readFile(started, 'utf8').catch(() => ''));
    const first = await start(async context => {
      context.made('machine i-1 at the cloud', () => Promise.resolve());
      await context.run('sh', ['-c', `echo $$ > ${started}; trap "" TERM; sleep 300`]);
      return forever();
    });
    const build = await accept(first.engine);
    first.engine.start(build);
    await until('the tool runs', async () => (await readTool()) > 0);
    const other = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
    const { jobs } = await openRecords(images(), recordingLogger());
    // As when another process has been given the number meanwhile.
    const pid = other.pid ?? 0;
    jobs.mark(build.id, 'process', String(pid), { pid, started: 'another-boot/1' });

    const { engine } = await start();
    engine.resume();
    const [again] = engine.recovered;
    await over(again?.build);
    const state = again?.build.state;
    if (state?.status !== 'FAILED') throw new Error('expected a failure');
    expect(state.failure.cleanup.removed.join()).to.match(/^process group \d+ \(sh\)$/);
    expect(state.failure.cleanup.left).to.deep.equal([
      'machine i-1 at the cloud (the agent died before it could be removed)',
    ]);
    const lines = await engine.logLines(build.id, 1, 100);
    expect(lines.map(({ seq }) => seq)).to.deep.equal(lines.map((_line, index) => index + 1));
    expect(lines.map(({ text }) => text).join('\n')).to.include('left: machine i-1');
    expect(await startOf(other.pid ?? 0), 'whoever has its number now').not.to.equal('ended');
    other.kill('SIGKILL');
  });

  it('ends a waiting build whose template cannot be read any more', async () => {
    const first = await start(forever);
    await accept(first.engine);
    const lost = await accept(first.engine, secretTemplate);
    await rm(join(secrets(), lost.id));
    const load = (): Promise<never> => Promise.reject(new Error('gone'));
    const { engine } = await start(writeBase, load);
    engine.resume();
    const states = [];
    for (const { build } of engine.recovered) {
      await over(build);
      states.push(build.state.status === 'FAILED' ? build.state.failure.code : build.state.status);
    }
    expect(states).to.deep.equal(['internal', 'agent_restarted']);
  });

  it('hides the passwords of what a template names by URL, as before the restart', async () => {
    const secret = 'Pa55-in-a-url';
    const first = await start(forever);
    const build = await accept(first.engine);
    const load = (descriptor: string) =>
      Promise.resolve({ template: parseTemplate(descriptor), secrets: [secret] });
    const { engine, log } = await start(async context => {
      context.log.info(`fetched with ${secret}`);
      await context.run('echo', [secret]);
      throw new Error(`401 for ${secret}`);
    }, load);
    engine.resume();
    const [again] = engine.recovered;
    await over(again?.build);
    const text = JSON.stringify([await engine.logLines(build.id, 1, 1000), again?.build.state, log.lines]);
    expect(text).to.include('fetched with ***').and.not.to.include(secret);
  });

  it('keeps nothing of an order that cannot be recorded, and refuses it', async () => {
    const { engine } = await start();
    const build = engine.create({
      descriptor: '<template></template>',
      template: parseTemplate('<template></template>'),
      target: 'mock',
    });
    const secret = engine.create({
      descriptor: secretTemplate,
      template: parseTemplate(secretTemplate),
      target: 'mock',
    });
    await rm(secrets(), { recursive: true });
    expect(await engine.keep([secret]).catch((error: unknown) => error)).to.be.instanceOf(Error);
    expect(engine.live).to.deep.equal([build.id]);
    await mkdir(secrets());
    expect((await openRecords(images(), recordingLogger())).earlier).to.deep.equal([]);
    expect(await readdir(secrets())).to.deep.equal([]);
  });
});
