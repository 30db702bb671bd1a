import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { startOf } from '../files/process-mark.js';
import { killGroup, removeArea } from './index.js';

describe('what a killed agent leaves', () => {
  let directory: string;
  const pids: number[] = [];
  before(function () {
    if (process.platform === 'linux') return;
    console.log('      skipped: processes are looked up in /proc');
    this.skip();
  });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'leftovers-test-'));
  });
  afterEach(async () => {
    for (const pid of pids.splice(0)) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // Gone, as it should be.
      }
    }
    await rm(directory, { recursive: true, force: true });
  });

  /** A tool that ignores the polite signal and has a child that does the same. */
  async function stubborn(
    env: Record<string, string> = {},
  ): Promise<{ pid: number; ended: Promise<unknown> }> {
    const script = 'trap "" TERM; sh -c \'trap "" TERM; echo up; sleep 300\' & wait';
    const child = spawn('/bin/sh', ['-c', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    const { pid } = child;
    if (pid === undefined) throw new Error('no process');
    pids.push(pid);
    const ended = new Promise(resolve => child.once('close', resolve));
    await new Promise(resolve => child.stdout.once('data', resolve));
    return { pid, ended };
  }

  it('is ended as a whole process group, if it is still that one', async () => {
    const { pid, ended } = await stubborn();
    const started = await startOf(pid);
    expect(await killGroup({ pid, started: 'another-boot/1' })).to.equal(undefined);
    process.kill(pid, 0);
    expect(await killGroup({ pid, started })).to.deep.equal({ what: `process group ${pid} (sh)` });
    await ended;
    expect(await killGroup({ pid, started })).to.equal(undefined);
  });

  it('is found by its directory: processes first, then files', async () => {
    const area = join(directory, 'area');
    await mkdir(area, { mode: 0o700 });
    await mkdir(join(area, 'build', 'deep'), { recursive: true });
    await writeFile(join(area, 'build', 'deep', 'file'), '');
    const inside = await stubborn({ TMPDIR: join(area, 'build') });
    const outside = await stubborn({ TMPDIR: directory });
    const found = await removeArea(area);
    await inside.ended;
    expect(found.every(({ why }) => why === undefined)).to.equal(true);
    expect(found.map(({ what }) => what).join('\n'))
      .to.include(`process ${inside.pid}`)
      .and.include(join(area, 'build'));
    expect(found.map(({ what }) => what).join('\n')).not.to.include(`process ${outside.pid}`);
    expect(await readdir(directory)).to.deep.equal([]);
    process.kill(outside.pid, 0);
  });

  it('is ended though it goes on starting processes while they are looked for', async () => {
    const area = join(directory, 'area');
    await mkdir(area, { mode: 0o700 });
    const script = 'echo up; i=0; while [ $i -lt 300 ]; do sleep 300 & i=$((i+1)); done; wait';
    const child = spawn('/bin/sh', ['-c', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'] ?? '', TMPDIR: area },
    });
    pids.push(child.pid ?? 0);
    const ended = new Promise(resolve => child.once('close', resolve));
    await new Promise(resolve => child.stdout.once('data', resolve));
    const found = await removeArea(area);
    expect(found.every(({ why }) => why === undefined)).to.equal(true);
    // When nobody has its output open any more.
    await ended;
  });
});
