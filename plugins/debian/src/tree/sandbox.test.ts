import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError, type FakeContext, fakeContext, fakeRunner } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { runGuestScript, writeGuestFiles } from './guest-files.js';
import { explainRefusal, Sandbox } from './sandbox.js';

describe('Sandbox', () => {
  let context: FakeContext;
  let run: ReturnType<typeof fakeRunner>;
  const commands = () => run.runs.map(({ file, args }) => [file, ...args].join(' '));
  beforeEach(async () => {
    run = fakeRunner();
    context = await fakeContext({ run });
  });
  afterEach(() => context.dispose());

  it('runs tools directly as root, and in a user namespace otherwise', async () => {
    const asRoot = await Sandbox.create(run, join(context.scratch, 'a'), 'root');
    await asRoot.host('mke2fs', ['-d', 'tree']);
    const asUser = await Sandbox.create(run, join(context.scratch, 'b'), 'user-namespace');
    await asUser.host('mke2fs', ['-d', 'tree']);
    expect(commands()).to.deep.equal([
      'mke2fs -d tree',
      'unshare --map-root-user --map-auto -- mke2fs -d tree',
    ]);
    expect(run.runs[1]?.options).to.deep.include({
      label: 'mke2fs',
      env: { TMPDIR: join(asUser.work, 'tmp') },
    });
  });

  it('gives what mounts something namespaces that end with it', async () => {
    const sandbox = await Sandbox.create(run, join(context.scratch, 'a'), 'user-namespace');
    await sandbox.mounting('mmdebstrap', ['x']);
    expect(commands()[0]).to.equal(
      'unshare --map-root-user --map-auto --mount --propagation private --pid --fork --kill-child -- mmdebstrap x',
    );
  });

  it('runs programs of a guest with an environment of their own', async () => {
    const sandbox = await Sandbox.create(run, join(context.scratch, 'a'), 'root');
    await sandbox.guest('/tree', 'apt-get', ['update'], { stage: '/stage', env: { http_proxy: 'http://p' } });
    expect(commands()[0]).to.match(
      /-- \/bin\/sh \S+\/enter\.sh \/tree \/stage \/usr\/bin\/env -i PATH=\S+ HOME=\/root .*http_proxy=http:\/\/p apt-get update$/,
    );
    expect(run.runs[0]?.options.label).to.equal('apt-get');
  });

  it('removes its files even after an abort', async () => {
    const sandbox = await Sandbox.create(run, join(context.scratch, 'a'), 'user-namespace');
    await sandbox.dispose();
    expect(commands()[0]).to.equal(
      `unshare --map-root-user --map-auto -- rm -rf --one-file-system -- ${sandbox.work}`,
    );
    expect(run.runs[0]?.options).to.include({ evenIfAborted: true, cwd: '/' });
  });

  it('writes files from within the tree, one run for all', async () => {
    const sandbox = await Sandbox.create(run, join(context.scratch, 'a'), 'root');
    await writeGuestFiles(sandbox, '/tree', [
      { path: "/etc/it's", content: 'one' },
      { path: '/etc/run', content: 'two', mode: 0o755 },
    ]);
    expect(run.runs).to.have.length(1);
    const stage = join(sandbox.work, 'stage-1');
    expect(await readFile(join(stage, '1'), 'utf8')).to.equal('two');
    const script = await readFile(join(stage, 'put.sh'), 'utf8');
    expect(script).to.match(/\nput 0 644 '\/etc\/it'\\''s'\nput 1 755 '\/etc\/run'\n$/);
    await writeGuestFiles(sandbox, '/tree', []);
    expect(run.runs).to.have.length(1);
  });

  it('refuses paths that are not those of files', async () => {
    const sandbox = await Sandbox.create(run, join(context.scratch, 'a'), 'root');
    for (const path of ['etc/x', '/etc/', '/a/../b', '/a\0b', '']) {
      const outcome = await writeGuestFiles(sandbox, '/tree', [{ path, content: '' }]).catch(
        (e: unknown) => e,
      );
      expect(outcome, path).to.be.instanceOf(BuildError).with.property('code', 'template_invalid');
    }
    expect(run.runs).to.deep.equal([]);
  });

  it('runs scripts with their own interpreter, else with the shell, and names them in errors', async () => {
    const sandbox = await Sandbox.create(run, join(context.scratch, 'a'), 'root');
    await runGuestScript(sandbox, '/tree', 'command "a"', 'echo hi');
    await runGuestScript(sandbox, '/tree', 'command "b"', '#!/usr/bin/perl\nprint 1');
    expect(await readFile(join(sandbox.work, 'stage-1', 'script'), 'utf8')).to.equal('#!/bin/sh\necho hi\n');
    expect(await readFile(join(sandbox.work, 'stage-2', 'script'), 'utf8')).to.equal(
      '#!/usr/bin/perl\nprint 1',
    );
    expect(run.runs.map(({ options }) => options.label)).to.deep.equal(['command "a"', 'command "b"']);
    expect(existsSync(join(sandbox.work, 'tmp'))).to.equal(true);
    expect(await readdir(context.scratch)).to.deep.equal(['a']);
  });
});

describe('explainRefusal', () => {
  it('says what the machine forbids', () => {
    const refused = new BuildError(
      'tool_failed',
      'tar failed with status 1: unshare: unshare failed: Operation not permitted',
    );
    expect(explainRefusal(refused)).to.include({ code: 'not_permitted' });
    const other = new BuildError('tool_failed', 'tar failed with status 2: broken archive');
    expect(explainRefusal(other)).to.equal(other);
  });
});
