import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { BuildError } from './errors.js';
import { StageCache, type Stages } from './stage-cache.js';
import { recordingLog } from './testing.js';

describe('StageCache', () => {
  let root: string;
  let directory: string;
  let made: number;
  const users: Stages[] = [];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'stages-test-'));
    directory = join(root, 'stages');
    made = 0;
  });
  afterEach(async () => {
    for (const user of users.splice(0)) await user.release();
    await rm(root, { recursive: true });
  });

  const inputs = { suite: 'bookworm', packages: ['a', 'b'] };
  const make = async (path: string): Promise<void> => {
    made += 1;
    await writeFile(path, `result ${made}`);
  };
  function build(
    options: { limit?: number; enabled?: boolean } = {},
    signal = new AbortController().signal,
  ): Stages {
    const user = new StageCache({ directory, ...options }).for({
      log: recordingLog(),
      signal,
      scratch: root,
    });
    users.push(user);
    return user;
  }
  /** As if it had been made, and used, so many seconds ago. */
  async function backdate(path: string, seconds: number): Promise<void> {
    const then = new Date(Date.now() - seconds * 1000);
    await utimes(path, then, then);
  }

  it('runs a stage once', async () => {
    const first = await build().run('base', inputs, make);
    const second = await build().run('base', { packages: ['a', 'b'], suite: 'bookworm' }, make);
    expect([first.fromCache, second.fromCache, made]).to.deep.equal([false, true, 1]);
    expect(second.path).to.equal(first.path);
    expect(await readdir(directory)).to.have.length(1);
  });

  it('runs it again when what goes into it changes, and not for another stage', async () => {
    const { path } = await build().run('base', inputs, make);
    for (const [name, other] of [
      ['base', { ...inputs, packages: ['a'] }],
      ['base', { ...inputs, more: true }],
      ['tree', inputs],
    ] as const) {
      expect((await build().run(name, other, make)).path).not.to.equal(path);
    }
    expect(made).to.equal(4);
  });

  it('runs it again when the result is too old, and removes what was left long ago', async () => {
    const { path } = await build().run('base', inputs, make);
    const leftover = join(directory, 'base-x.y.partial');
    await writeFile(leftover, '');
    for (const old of [path, leftover]) await backdate(old, 48 * 3600);
    expect((await build().run('base', inputs, make, { maxAge: 3600 })).fromCache).to.equal(false);
    expect(await readFile(path, 'utf8')).to.equal('result 2');
    expect(await readdir(directory)).to.have.length(1);
  });

  it('keeps nothing of a failure, and all of what went well before', async () => {
    const stages = build();
    await stages.run('good', inputs, make);
    const failing = async (path: string): Promise<void> => {
      await writeFile(path, 'half');
      throw new BuildError('tool_failed', 'no mirror');
    };
    const outcome = await stages.run('bad', inputs, failing).catch((error: unknown) => error);
    expect(outcome).to.have.property('message', 'no mirror');
    expect(await readdir(directory)).to.have.length(1);
    expect((await build().run('good', inputs, make)).fromCache).to.equal(true);
    expect((await build().run('bad', inputs, make)).fromCache).to.equal(false);
  });

  it('lets a second build wait for the first, and take over when the first fails', async () => {
    let fail = (_: Error): void => undefined;
    let started = (): void => undefined;
    const starting = new Promise<void>(resolve => (started = resolve));
    const slow = () =>
      new Promise<void>((_, reject) => {
        fail = reject;
        started();
      });
    const first = build()
      .run('base', inputs, slow)
      .catch((error: unknown) => error);
    await starting;
    const second = build().run('base', inputs, make);
    fail(new Error('aborted'));
    expect(await first).to.have.property('message', 'aborted');
    expect((await second).fromCache).to.equal(false);
    expect(made).to.equal(1);
  });

  it('stops waiting when its build is aborted', async () => {
    const other = new AbortController();
    let finish = (): void => undefined;
    let started = (): void => undefined;
    const starting = new Promise<void>(resolve => (started = resolve));
    const slow = async (path: string): Promise<void> => {
      await new Promise<void>(resolve => {
        finish = resolve;
        started();
      });
      await make(path);
    };
    const first = build().run('base', inputs, slow);
    await starting;
    const second = build({}, other.signal)
      .run('base', inputs, slow)
      .catch((error: unknown) => error);
    other.abort();
    expect(await second).to.have.property('code', 'aborted');
    finish();
    expect((await first).fromCache).to.equal(false);
  });

  it('stays below its limit: what was not used for longest goes first, what is in use stays', async () => {
    const limit = 3 * 4096;
    const block = (path: string): Promise<void> => writeFile(path, 'x'.repeat(4096));
    const ended = build({ limit });
    const paths: string[] = [];
    for (const name of ['a', 'b', 'c']) paths.push((await ended.run(name, {}, block)).path);
    const [a = '', b = '', c = ''] = paths;
    for (const [index, path] of paths.entries()) await backdate(path, 3600 - index);
    await ended.release();
    const living = build({ limit });
    expect((await living.run('a', {}, block)).fromCache).to.equal(true);
    await backdate(a, 9999);
    await living.run('d', {}, block);
    const left = (await readdir(directory)).map(name => join(directory, name));
    expect(left, 'a is in use, and b was used before c').to.include.members([a, c]).and.not.include(b);
    expect(left).to.have.length(3);
  });

  it('is left alone by those who want no cache', async () => {
    await build().run('base', inputs, make);
    const stages = build({ enabled: false });
    const results = [await stages.run('base', inputs, make), await stages.run('base', inputs, make)];
    expect(results.map(({ fromCache }) => fromCache)).to.deep.equal([false, false]);
    expect(made).to.equal(3);
    expect(await readFile(results[0]?.path ?? '', 'utf8')).to.equal('result 2');
    expect(await readdir(directory)).to.have.length(1);
  });

  it('takes no name that would be a path', async () => {
    const outcome = await build()
      .run('../x', inputs, make)
      .catch((error: unknown) => error);
    expect(outcome).to.have.property('code', 'internal');
  });
});
