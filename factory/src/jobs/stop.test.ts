import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BaseImage, BuildContext, OsPlugin } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { parseTemplate } from '../templates/index.js';
import { fakeOs, writeBase } from '../testing/fake-plugins.js';
import { closeRecords } from '../testing/job-records.test.fixture.js';
import { openRecordedEngine, orderBuild } from '../testing/recorded-engine.test.fixture.js';
import { until } from '../testing/until.js';
import type { Build } from './build.js';
import type { BuildEngine } from './engine.js';
import { isEnd } from './status.js';

const password = 'Pa55-of-a-stopped-build';
const secretTemplate = `<template><name>s</name><os><name>Fedora</name><version>14</version><arch>x86_64</arch>
<install type="url"><url>http://example.com/</url></install><rootpw>${password}</rootpw></os></template>`;

/** Works until it is told to stop. */
const untilStopped = ({ signal }: BuildContext): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));

describe('an engine that is stopped in order', () => {
  let directory: string;
  let epoch: number;
  const closers: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'stop-test-'));
    epoch = 0;
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
    await closeRecords(images());
    await rm(directory, { recursive: true });
  });

  const images = (): string => join(directory, 'images');

  async function start(os: OsPlugin) {
    const { engine, log, store, records, close } = await openRecordedEngine({
      directory,
      os,
      epoch: ++epoch,
    });
    closers.push(() => engine.stop());
    const stop = async () => {
      const report = await engine.stop();
      await close();
      return report;
    };
    return { engine, log, store, records, stop };
  }

  const create = (engine: BuildEngine, descriptor = '<template></template>'): Build =>
    engine.create({ descriptor, template: parseTemplate(descriptor), target: 'mock' });
  const over = (build: Build): Promise<void> => until('the build is over', () => isEnd(build.state.status));
  const textOfLog = async (engine: BuildEngine, { id }: Build): Promise<string> =>
    (await engine.logLines(id, 1, 1000)).map(({ text }) => text).join('\n');

  it('leaves what waits to the next start, in its order and with its passwords, and ends what runs', async () => {
    const first = await start(fakeOs(untilStopped));
    const running = await orderBuild(first.engine);
    await until('it runs', () => running.state.status === 'BUILDING');
    const waiting = [await orderBuild(first.engine, secretTemplate), await orderBuild(first.engine)];
    await until('they wait', () => waiting.every(({ state }) => state.status === 'PENDING'));
    const unanswered = create(first.engine);
    await first.engine.keep([unanswered]);
    const unkept = create(first.engine);
    const changes: string[] = [];
    for (const build of [...waiting, unanswered])
      build.onChange(change => change.kind === 'status' && changes.push(change.state.status));

    const report = await first.stop();
    expect(report).to.deep.equal({
      aborted: [running.id, unkept.id],
      abandoned: [],
      postponed: [...waiting, unanswered].map(({ id }) => id),
    });
    // As a call does that was under way.
    first.engine.start(unanswered);
    expect(await first.engine.keep([unkept]).catch((error: unknown) => error)).to.equal(undefined);
    expect(running.state.status).to.equal('FAILED');
    expect(changes, 'nobody is told of an end').to.deep.equal([]);
    expect(waiting[0]?.detail).to.deep.equal({
      activity: 'waiting for the next start of the agent',
      error: null,
    });

    const begun: string[] = [];
    const second = await start(
      fakeOs(async context => {
        begun.push(context.scratch.slice(-36));
        return await writeBase(context);
      }),
    );
    expect(await second.records.get('images', waiting[0]?.id ?? '')).to.include({
      status: 'pending',
      activity: 'waiting for the next start of the agent',
    });
    expect(second.engine.recovered.map(({ build, kind }) => `${build.id} ${kind}`)).to.deep.equal([
      `${running.id} ended`,
      ...[...waiting, unanswered].map(({ id }) => `${id} waiting`),
    ]);
    second.engine.resume();
    for (const { build } of second.engine.recovered) await over(build);
    expect(second.engine.recovered.map(({ build }) => build.state.status)).to.deep.equal([
      'FAILED',
      'COMPLETED',
      'COMPLETED',
      'COMPLETED',
    ]);
    expect(begun).to.deep.equal([...waiting, unanswered].map(({ id }) => id));
    expect(await textOfLog(second.engine, waiting[0] ?? running)).not.to.include(password);
  });

  it('leaves what can be begun once more to the next start, however often, and removes what was made', async () => {
    const step = (context: BuildContext): Promise<BaseImage> =>
      context.progress.step('installing', 1, async progress => {
        progress.update(0.5);
        return await untilStopped(context);
      });
    let { engine, log, stop } = await start({ ...fakeOs(step), resumable: true });
    const { id } = await orderBuild(engine, secretTemplate);
    for (let times = 0; times < 4; times++) {
      const build = engine.find(id);
      await until('it runs', () => build !== undefined && build.percent > 0);
      await until('its plugin does', () => build?.detail.activity.includes('installing') === true);
      expect(await stop()).to.deep.equal({ aborted: [], abandoned: [], postponed: [id] });
      expect(build?.state.status).to.equal('BUILDING');
      expect(log.lines.join()).not.to.include('failed');
      expect(await readFile(join(images(), 'store', 'store.db'), 'latin1')).not.to.include(password);
      ({ engine, log, stop } = await start({ ...fakeOs(times < 3 ? step : writeBase), resumable: true }));
      expect(engine.recovered.map(({ kind }) => kind)).to.deep.equal(['resumed']);
      engine.resume();
    }
    const build = engine.recovered[0]?.build;
    if (build === undefined) throw new Error('expected the build');
    await over(build);
    expect(build.state.status).to.equal('COMPLETED');
    const text = await textOfLog(engine, build);
    expect(text).to.include('the agent was stopped meanwhile and has been restarted; beginning once more');
    expect(text).not.to.include('killed');
  });

  it('ends what can be begun once more if its plugin does not stop', async () => {
    const { engine, stop } = await start({
      ...fakeOs(() => new Promise<never>(() => undefined)),
      resumable: true,
    });
    const build = await orderBuild(engine);
    await until('it runs', () => build.detail.activity !== 'accepted' && build.state.status === 'BUILDING');
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(await stop()).to.deep.equal({ aborted: [build.id], abandoned: [build.id], postponed: [] });
    expect(build.state.status).to.equal('FAILED');
  });
});
