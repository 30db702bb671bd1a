import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { recordingLogger } from '../../testing/recording-logger.js';
import { assumeIdentity, type Identity } from './identity.js';

describe('the identity of an agent', () => {
  let directory: string;
  let log: ReturnType<typeof recordingLogger>;
  const taken: Identity[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'identity-test-'));
    log = recordingLogger();
  });
  afterEach(async () => {
    for (const identity of taken.splice(0)) identity.release();
    await rm(directory, { recursive: true });
  });

  async function assume(): Promise<Identity> {
    const identity = await assumeIdentity(directory, log);
    taken.push(identity);
    return identity;
  }
  const refusal = (): Promise<string> => assume().then(() => 'none', String);
  const lockFile = (): string => join(directory, 'agent.lock');

  it('stays the same over restarts, with a higher epoch each time', async () => {
    const seen: [string, number][] = [];
    for (let start = 0; start < 3; start++) {
      const identity = await assume();
      seen.push([identity.instance, identity.epoch]);
      identity.release();
    }
    const [instance = ''] = seen[0] ?? [];
    expect(instance).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    expect(seen).to.deep.equal([
      [instance, 1],
      [instance, 2],
      [instance, 3],
    ]);
    expect(log.lines).to.deep.equal([]);
    expect(await readdir(directory)).to.deep.equal(['agent.json']);
  });

  it('is refused to a second agent on the same directory, with the process of the first', async () => {
    const first = await assume();
    expect(await refusal()).to.include(
      `is in use by another agent (process ${process.pid} on ${hostname()}): stop that one, or choose another directory with --imgdir`,
    );
    expect(await readdir(directory), 'the lock is still that of the first').to.include('agent.lock');
    first.release();
    expect((await assume()).instance).to.equal(first.instance);
  });

  it('goes to one alone of many that start at once', async () => {
    const all = await Promise.allSettled(Array.from({ length: 8 }, assume));
    const state = JSON.parse(await readFile(join(directory, 'agent.json'), 'utf8')) as { instance: string };
    const lucky = all.flatMap(one => (one.status === 'fulfilled' ? [one.value.instance] : []));
    expect(lucky).to.deep.equal([state.instance]);
  });

  it('is taken back after a crash', async () => {
    const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    const mark = { host: hostname(), pid: child.pid, started: '' };
    await writeFile(lockFile(), JSON.stringify(mark));
    expect(await refusal()).to.include(`process ${child.pid ?? 0}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await assume();
    expect(log.lines).to.deep.equal([]);
  });

  it('is not kept from us by a process that only has the same number', async () => {
    await writeFile(
      lockFile(),
      JSON.stringify({ host: hostname(), pid: process.pid, started: 'another boot/1' }),
    );
    await assume();
    expect(log.lines).to.deep.equal([]);
  });

  it('belongs to an agent on another host for as long as that shows signs of life', async () => {
    await writeFile(lockFile(), JSON.stringify({ host: 'elsewhere', pid: 1, started: '' }));
    expect(await refusal()).to.include('process 1 on elsewhere');
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(lockFile(), longAgo, longAgo);
    await assume();
    expect(log.lines).to.deep.equal([]);
  });

  for (const broken of [
    '',
    'not JSON',
    '[]',
    'null',
    '{"instance":"x","epoch":1}',
    '{"instance":"0b3f0c3e-1111-4222-8333-444455556666","epoch":0}',
  ]) {
    it(`is new when its file holds ${JSON.stringify(broken)}, and the log says so`, async () => {
      await writeFile(join(directory, 'agent.json'), broken);
      await writeFile(lockFile(), broken);
      expect((await assume()).epoch).to.equal(1);
      expect(log.lines.join()).to.include('the agent has a new name from now on');
    });
  }

  it('is new after the last epoch', async () => {
    const instance = '0b3f0c3e-1111-4222-8333-444455556666';
    await writeFile(join(directory, 'agent.json'), JSON.stringify({ instance, epoch: 0xffff_ffff }));
    const identity = await assume();
    expect(identity.instance).not.to.equal(instance);
    expect(identity.epoch).to.equal(1);
  });
});
