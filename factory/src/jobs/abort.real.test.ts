import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isReady, type OsPlugin } from '@imagefactory/plugin-api';
import { busyboxOs, debianOs } from '@imagefactory/plugin-debian';
import { openstackKvm } from '@imagefactory/plugin-openstack-kvm';
import { expect } from 'chai';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { openScratchArea } from '../platform/files/scratch-area.js';
import { DirectoryStore } from '../images/index.js';
import { removeArea } from '../platform/leftovers/index.js';
import { parseTemplate } from '../templates/index.js';
import { recordingLogger } from '../testing/recording-logger.js';
import { until } from '../testing/until.js';
import { BuildEngine } from './engine.js';
import { isEnd } from './status.js';

/** These tests build real images and abort them. They run with IMAGEFACTORY_REAL=1 on a machine that has the tools. */
async function reasonToSkip(plugins: readonly { doctor: OsPlugin['doctor'] }[]): Promise<string | undefined> {
  if (process.env['IMAGEFACTORY_REAL'] !== '1') return 'IMAGEFACTORY_REAL is not 1';
  for (const plugin of plugins) {
    const diagnosis = await plugin.doctor();
    if (isReady(diagnosis)) continue;
    const missing = diagnosis.requirements.filter(({ state }) => state === 'missing');
    return `this machine lacks: ${missing.map(({ need }) => need).join(', ')}`;
  }
  return undefined;
}

const run = promisify(execFile);

const descriptor = (name: string, version: string): string => `<template><name>real</name>
<os><name>${name}</name><version>${version}</version><arch>x86_64</arch><rootpw>Pa55-of-this-test</rootpw>
<install type="url"><url>http://mirror.example.org/debian</url></install></os>
<commands><command name="wait">sleep 0.3</command></commands></template>`;

/** Milliseconds between the start of a step and the abort: before its first tool, and in the middle of one. */
const delays = [0, 150] as const;

/** Debian's builds take their time, so their steps have the delays in turn; which of them begins is left to chance. */
const inTurn = (step: number): readonly number[] => [delays[(step + first) % delays.length] ?? 0];
const first = Date.now() % delays.length;

for (const [plugin, text, delaysOf] of [
  [busyboxOs(), descriptor('busybox', '1'), () => delays],
  [debianOs(), descriptor('Debian', '12'), inTurn],
] as const) {
  describe(`a real build of ${plugin.name} that is aborted`, function () {
    this.timeout(1_800_000);
    let directory: string;
    before(async function () {
      const reason = await reasonToSkip([plugin, openstackKvm()]);
      if (reason === undefined) return;
      console.log(`      skipped: ${reason}`);
      this.skip();
    });
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'real-abort-'));
    });
    afterEach(() => rm(directory, { recursive: true, force: true }));

    it('leaves nothing, whatever it was at', async () => {
      const images = join(directory, 'images');
      const scratch = await openScratchArea(join(directory, 'tmp'));
      const engine = await BuildEngine.open({
        plugins: [plugin, openstackKvm()],
        store: await DirectoryStore.open(images),
        scratch,
        logs: images,
        cache: join(directory, 'cache'),
        log: recordingLogger(),
      });
      const order = () => {
        const build = engine.create({
          descriptor: text,
          template: parseTemplate(text),
          target: 'openstack-kvm',
        });
        const steps: string[] = [];
        build.onChange(change => {
          if (change.kind !== 'detail' || change.detail.error !== null) return;
          const [step = ''] = change.detail.activity.split(':');
          if (!steps.includes(step)) steps.push(step);
        });
        engine.start(build);
        return { build, steps };
      };
      const whole = order();
      while (!isEnd(whole.build.state.status)) await sleep(50);
      expect(whole.build.state.status, whole.build.detail.error ?? '').to.equal('COMPLETED');
      expect(whole.steps.length).to.be.at.least(8);

      let before = await traces(directory);
      let aborted = 0;
      for (const [number, step] of whole.steps.entries()) {
        for (const delay of delaysOf(number)) {
          const { build, steps } = order();
          while (!steps.includes(step) && !isEnd(build.state.status)) await sleep(2);
          await sleep(delay);
          const result = await engine.abort(build.id, 'the test');
          if (result !== 'aborted') {
            // It was quicker, and its image stays.
            expect(build.state.status, step).to.equal('COMPLETED');
            before = await traces(directory);
            continue;
          }
          aborted++;
          if (build.state.status !== 'FAILED') throw new Error(build.state.status);
          expect(build.state.failure.code, step).to.equal('aborted');
          expect(build.state.failure.cleanup.left, step).to.deep.equal([]);
          expect(await traces(directory), step).to.deep.equal(before);
        }
      }
      console.log(`      aborted ${aborted} times in ${whole.steps.length} steps`);
      // Some steps are over before they can be aborted.
      expect(aborted).to.be.at.least(whole.steps.length / 2);
      await engine.stop();
      await scratch.remove();
    });
  });
}

describe('the area of a killed agent', function () {
  this.timeout(180_000);
  it('is released from mounts and loop devices', async function () {
    const reason =
      process.env['IMAGEFACTORY_REAL'] !== '1'
        ? 'IMAGEFACTORY_REAL is not 1'
        : process.getuid?.() === 0
          ? undefined
          : 'only root may mount';
    const directory = await mkdtemp(join(tmpdir(), 'real-area-'));
    try {
      if (reason !== undefined) {
        console.log(`      skipped: ${reason}`);
        this.skip();
      }
      const before = await traces(directory);
      const area = join(directory, 'area');
      const outside = join(directory, 'outside');
      const point = join(area, 'build with blank', 'mounted');
      await mkdir(area, { mode: 0o700 });
      for (const path of [point, outside]) await mkdir(path, { recursive: true });
      await run('touch', [join(outside, 'precious')]);
      await run('mount', ['--bind', outside, point]);
      const body = join(area, 'disk.raw');
      await run('truncate', ['--size', '1M', body]);
      const loop = await run('losetup', ['--find', '--show', body]).then(
        ({ stdout }) => stdout.trim(),
        () => undefined,
      );
      if (loop === undefined) console.log('      without a loop device: this machine gives none');
      const found = await removeArea(area);
      expect(found.filter(({ why }) => why !== undefined)).to.deep.equal([]);
      expect(found.map(({ what }) => what)).to.include(`mount ${point}`);
      if (loop !== undefined)
        expect(found.map(({ what }) => what)).to.include(`loop device ${loop} of ${body}`);
      expect(await readdir(outside), 'what was mounted is untouched').to.deep.equal(['precious']);
      await rm(outside, { recursive: true });
      await until('the kernel has let go', async () => (await traces(directory)).join() === before.join());
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

/** Mounts, loop devices, files other than logs, and processes that could come of builds below a directory. */
async function traces(directory: string): Promise<readonly string[]> {
  const found = (await readdir(directory, { recursive: true }))
    .filter(name => !/\.(log|meta)$/.test(name))
    .sort();
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  found.push(...mounts.split('\n').filter(line => line.includes(directory)));
  for (const name of await readdir('/sys/block')) {
    const file = await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '');
    if (file.includes(directory)) found.push(`${name} of ${file}`);
  }
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const about = await Promise.all(
      ['environ', 'cmdline'].map(name => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
    );
    if (about.join().includes(directory)) found.push(`process ${pid} ${about[1]?.replaceAll('\0', ' ')}`);
  }
  return found;
}
