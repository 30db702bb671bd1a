import { BuildError, type Sandbox } from '@imagefactory/plugin-api';
import { type FakeContext, fakeContext, type RecordedSandboxRun } from '@imagefactory/plugin-api/testing';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { runGuestScript, writeGuestFiles } from './guest-files.js';

describe('files and scripts of a guest', () => {
  let context: FakeContext;
  let sandbox: Sandbox;
  const runs = (): readonly RecordedSandboxRun[] => context.sandbox.runs;
  beforeEach(async () => {
    context = await fakeContext();
    sandbox = await context.sandbox.open();
  });
  afterEach(() => context.dispose());

  it('are written from within the tree, one run for all', async () => {
    await writeGuestFiles(sandbox, '/tree', [
      { path: "/etc/it's", content: 'one' },
      { path: '/etc/run', content: 'two', mode: 0o755 },
    ]);
    expect(runs()).to.have.length(1);
    const { stage } = runs()[0]!.options;
    expect(stage?.['1']?.content).to.equal('two');
    expect(stage?.['run.sh']?.content).to.match(/\nput 0 644 '\/etc\/it'\\''s'\nput 1 755 '\/etc\/run'\n$/);
    await writeGuestFiles(sandbox, '/tree', []);
    expect(runs()).to.have.length(1);
  });

  describe('in a tree with links', () => {
    let root: string;
    beforeEach(async () => {
      root = await mkdtemp(join(tmpdir(), 'guest-files-'));
      for (const name of ['etc', 'run/there', 'srv']) await mkdir(join(root, name), { recursive: true });
    });
    afterEach(() => rm(root, { recursive: true }));

    /** Runs the script of the last call with the test's directory in place of the guest's root. */
    async function write(path: string): Promise<string> {
      await writeGuestFiles(sandbox, '/tree', [{ path, content: 'new' }]);
      const { stage = {} } = runs().at(-1)!.options;
      const place = join(root, 'stage');
      await mkdir(place, { recursive: true });
      await writeFile(join(place, '0'), stage['0']!.content);
      const script = String(stage['run.sh']!.content)
        .replaceAll('/run/imagefactory', place)
        .replaceAll(/(^|[\s'|])\/(etc|run|srv|dev|proc|sys)(?=[/'*;\s)])/gm, `$1${root}/$2`);
      const { status, stderr } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
      expect(status, stderr).to.equal(stderr === '' ? 0 : 1);
      return stderr.replaceAll(root, '').trim();
    }
    const contentOf = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

    it('go to the end of a link, unless that is lost at each boot', async () => {
      await symlink('../srv/resolver', join(root, 'etc/lasting'));
      await symlink('../run/there/resolver', join(root, 'etc/volatile'));
      await symlink('../run/not-there/resolver', join(root, 'etc/dangling'));
      for (const name of ['lasting', 'volatile', 'dangling']) {
        expect(await write(`/etc/${name}`)).to.equal('');
        expect(await contentOf(`etc/${name}`)).to.equal('new');
      }
      expect(await contentOf('srv/resolver')).to.equal('new');
      expect(await readdir(join(root, 'run/there'))).to.deep.equal([]);
    });

    it('are refused in directories that are lost at each boot', async () => {
      await symlink('../run/there', join(root, 'etc/linked'));
      for (const path of ['/etc/linked/x', '/etc/linked/deeper/x']) {
        expect(await write(path)).to.match(
          /^\/etc\/linked\/.*x leads to \/run\/there.*made anew at each boot/,
        );
      }
    });
  });

  it('are refused at paths that are not those of files', async () => {
    for (const path of ['etc/x', '/etc/', '/a/../b', '/a\0b', '']) {
      const outcome = await writeGuestFiles(sandbox, '/tree', [{ path, content: '' }]).catch(
        (e: unknown) => e,
      );
      expect(outcome, path).to.be.instanceOf(BuildError).with.property('code', 'template_invalid');
    }
    expect(runs()).to.deep.equal([]);
  });

  it('run with their own interpreter, white space before it or not, else in a login shell', async () => {
    await runGuestScript(sandbox, '/tree', 'command "a"', 'echo -e hi');
    await runGuestScript(sandbox, '/tree', 'command "b"', '\n  #!/usr/bin/perl\nprint 1');
    const [shell, perl] = runs();
    expect(shell?.options.stage?.['script']).to.deep.equal({ content: 'echo -e hi\n', mode: 0o755 });
    expect(shell?.options.stage?.['run.sh']?.content).to.contain('exec /bin/bash --login');
    expect(perl?.options.stage?.['script']?.content).to.equal('#!/usr/bin/perl\nprint 1');
    expect(perl?.options.stage?.['run.sh']?.content).not.to.contain('bash');
    expect(runs().map(({ options }) => options.label)).to.deep.equal(['command "a"', 'command "b"']);
  });
});
