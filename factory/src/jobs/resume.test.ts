import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BaseImage, BuildContext, OsPlugin } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { fakeOs, writeBase } from '../testing/fake-plugins.js';
import { openRecordedEngine, orderBuild } from '../testing/recorded-engine.test.fixture.js';
import { closeRecords, openRecords } from '../testing/job-records.test.fixture.js';
import { recordingLogger } from '../testing/recording-logger.js';
import { until } from '../testing/until.js';
import type { Build } from './build.js';
import type { BuildEngine } from './engine.js';
import { isEnd } from './status.js';

const password = 'Pa55-of-a-resumed-build';
const descriptor = `<template><name>s</name><os><name>Fedora</name><version>14</version><arch>x86_64</arch>
<install type="url"><url>http://example.com/</url></install><rootpw>${password}</rootpw></os></template>`;

const forever = (): Promise<never> => new Promise<never>(() => undefined);

describe('a build that can be begun once more', () => {
  let directory: string;
  let epoch: number;
  const dead: BuildEngine[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'resume-test-'));
    epoch = 0;
  });
  afterEach(async () => {
    for (const engine of dead.splice(0)) await engine.stop();
    await closeRecords(images());
    await rm(directory, { recursive: true });
  });

  const images = (): string => join(directory, 'images');
  const secrets = (): Promise<string[]> => readdir(join(images(), 'store', 'secrets'));

  const resumable = (buildBase: (context: BuildContext) => Promise<BaseImage>): OsPlugin => ({
    ...fakeOs(buildBase),
    resumable: true,
  });

  /** An engine as after a start of the agent; whoever was there before is as good as killed. */
  async function start(os: OsPlugin, limit = 1) {
    const started = await openRecordedEngine({ directory, os, epoch: ++epoch, limit });
    dead.push(started.engine);
    return started;
  }

  const order = (engine: BuildEngine, text = descriptor): Promise<Build> => orderBuild(engine, text);

  function watch(build: Build): string[] {
    const told: string[] = [];
    build.onChange(change => {
      if (change.kind === 'status') told.push(change.state.status);
      if (change.kind === 'percent') told.push(`${change.percent}%`);
    });
    return told;
  }
  const over = (build: Build | undefined): Promise<void> =>
    until('the build is over', () => build !== undefined && isEnd(build.state.status));

  it('goes on under its address, from its percentage, with its password and what it had finished', async () => {
    const made: string[] = [];
    const working =
      (hangs: boolean) =>
      async (context: BuildContext): Promise<BaseImage> => {
        const stage = await context.stage('system', { of: 'this test' }, async path => {
          made.push('system');
          await writeFile(path, 'system');
        });
        await context.progress.step('installing packages', 1, async progress => {
          progress.update(0.3);
          if (hangs) await forever();
          progress.update(0.7);
          await Promise.resolve();
        });
        made.push(await readFile(stage.path, 'utf8'));
        return await writeBase(context);
      };
    const first = await start(resumable(working(true)));
    const build = await order(first.engine);
    await until('it is half done', () => build.percent >= 6);
    const { percent } = build;
    const order1 = join(images(), 'store', 'secrets', build.id);
    expect((await stat(order1)).mode & 0o777).to.equal(0o600);

    const second = await start(resumable(working(false)));
    expect(await readFile(order1, 'utf8')).to.include(password);
    expect((await second.records.get('images', build.id))?.status).to.equal('building');
    const [again] = second.engine.recovered;
    if (again === undefined) throw new Error('it is known');
    expect(again.kind).to.equal('resumed');
    expect(again.build.state.status).to.equal('BUILDING');
    expect(again.build.percent).to.equal(percent);
    expect(again.build.order.epoch).to.equal(1);
    const told = watch(again.build);
    second.engine.resume();
    await over(again.build);
    expect(told.filter(text => !text.endsWith('%'))).to.deep.equal(['FINISHING', 'COMPLETED']);
    const percents = told.filter(text => text.endsWith('%')).map(text => Number.parseInt(text));
    expect(percents[0]).to.be.greaterThan(percent);
    expect(percents).to.deep.equal([...percents].sort((a, b) => a - b));
    expect(made, 'the stage was made once').to.deep.equal(['system', 'system']);
    expect(await secrets()).to.deep.equal([]);
    expect(await second.store.get(build.id)).to.include({ size: 4 });
    const text = await readFile(join(images(), `${build.id}.log`), 'utf8');
    expect(text)
      .to.include('the agent was killed meanwhile and has been restarted (1)')
      .and.not.include(password);
    expect((await readdir(images())).filter(name => name.endsWith('.busy'))).to.deep.equal([]);
  });

  it('comes before those that had waited, and waits where there are fewer slots than before', async () => {
    const first = await start(resumable(forever), 2);
    const running = [await order(first.engine), await order(first.engine)];
    await until('both run', () => running.every(({ state }) => state.status === 'BUILDING'));
    const waiting = await order(first.engine);
    await until('it waits', () => waiting.place?.position === 1);
    const begun: string[] = [];
    const second = await start(
      resumable(async context => {
        begun.push(context.scratch.slice(-36));
        return await writeBase(context);
      }),
    );
    const builds = second.engine.recovered.map(one => one.build);
    const told = builds.map(watch);
    second.engine.resume();
    for (const build of builds) await over(build);
    expect(begun).to.deep.equal([...running, waiting].map(({ id }) => id));
    expect(told[0]?.slice(0, 1)).to.not.include('PENDING');
    expect(told[1]?.filter(text => !text.endsWith('%'))).to.deep.equal([
      'PENDING',
      'BUILDING',
      'FINISHING',
      'COMPLETED',
    ]);
  });

  it('is begun no more when it was interrupted three times', async () => {
    let { engine } = await start(resumable(forever));
    const { id } = await order(engine);
    const kinds: string[] = [];
    for (let round = 0; round < 3; round++) {
      await until('it runs', async () =>
        (await readdir(join(directory, 'tmp'), { recursive: true })).some(name => name.endsWith(id)),
      );
      await rm(join(directory, 'tmp'), { recursive: true });
      ({ engine } = await start(resumable(forever)));
      kinds.push(engine.recovered[0]?.kind ?? '');
      engine.resume();
    }
    expect(kinds).to.deep.equal(['resumed', 'resumed', 'interrupted']);
    const [last] = engine.recovered;
    await over(last?.build);
    const state = last?.build.state;
    expect(state?.status === 'FAILED' && state.failure).to.deep.include({
      code: 'agent_restarted',
      info: 'Failure encountered while: making the image: the agent was killed meanwhile, 3 times, and has been restarted; build again',
    });
    expect(await secrets()).to.deep.equal([]);
  });

  it('fails when what it had made outside could not be removed', async () => {
    let isMade = false;
    const first = await start(
      resumable(async context => {
        context.made('machine i-1 at the cloud', () => Promise.resolve());
        isMade = true;
        return await forever();
      }),
    );
    const build = await order(first.engine);
    await until('it is made', () => isMade);
    const { engine, store } = await start(resumable(writeBase));
    engine.resume();
    const [again] = engine.recovered;
    await over(again?.build);
    const state = again?.build.state;
    if (state?.status !== 'FAILED') throw new Error('expected a failure');
    expect(state.failure.code).to.equal('agent_restarted');
    expect(state.failure.cleanup.left.join()).to.include('machine i-1');
    expect((await store.images.imageWithId(build.id))?.statusDetail.error).to.equal(state.failure.info);
  });

  it('goes back from FINISHING, and can be aborted before it has begun', async () => {
    const first = await start(resumable(forever));
    const build = await order(first.engine);
    await until('it runs', () => build.state.status === 'BUILDING');
    const { jobs } = await openRecords(images(), recordingLogger());
    await jobs.enter(build.id, 'FINISHING', 99);
    const { engine } = await start(resumable(forever));
    const [again] = engine.recovered;
    if (again === undefined) throw new Error('it is known');
    const told = watch(again.build);
    engine.resume();
    expect(await engine.abort(build.id, 'alice')).to.equal('aborted');
    expect(told).to.deep.equal(['BUILDING', 'FAILED']);
    expect(again.build.percent).to.equal(99);
  });
});
