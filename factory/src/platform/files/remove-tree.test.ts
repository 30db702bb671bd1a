import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { removeTree } from './remove-tree.js';

describe('removing a tree', () => {
  let directory: string;
  let victim: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'remove-tree-test-'));
    victim = join(directory, 'victim');
    await mkdir(join(victim, 'deep'), { recursive: true });
    await writeFile(join(victim, 'deep', 'file'), 'kept');
  });
  afterEach(() => {
    execFileSync('rm', ['-rf', directory]);
  });

  async function expectVictim(): Promise<void> {
    expect(await readFile(join(victim, 'deep', 'file'), 'utf8')).to.equal('kept');
  }

  it('removes a link, and nothing through it, wherever the link is', async () => {
    const link = join(directory, 'link');
    await symlink(victim, link);
    await removeTree(link);
    expect(existsSync(link)).to.equal(false);
    const tree = join(directory, 'tree');
    await mkdir(join(tree, 'a', 'b'), { recursive: true });
    await symlink(victim, join(tree, 'one'));
    await symlink(victim, join(tree, 'a', 'two'));
    await symlink(join(victim, 'deep'), join(tree, 'a', 'b', 'three'));
    await removeTree(tree);
    expect(existsSync(tree)).to.equal(false);
    await expectVictim();
  });

  it('removes names that are no text, a file, and nothing at all', async () => {
    const tree = join(directory, 'tree');
    await mkdir(tree);
    const odd = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe, 0x0a])]);
    await writeFile(odd, '');
    await removeTree(tree);
    await removeTree(tree);
    await removeTree(join(tree, 'below', 'nothing'));
    await writeFile(tree, '');
    await removeTree(tree);
    expect(await readdir(directory)).to.deep.equal(['victim']);
  });

  it('removes a tree deeper than paths may be long', async () => {
    const tree = join(directory, 'tree');
    await mkdir(tree);
    const script = `
      const { mkdirSync } = require('node:fs');
      process.chdir(process.argv[1]);
      for (let depth = 0; depth < 60; depth += 1) {
        mkdirSync('d'.repeat(200));
        process.chdir('d'.repeat(200));
      }`;
    execFileSync(process.execPath, ['-e', script, tree]);
    await removeTree(tree);
    expect(existsSync(tree)).to.equal(false);
  });

  it('removes directories that are read-only', async () => {
    const tree = join(directory, 'tree');
    await mkdir(join(tree, 'closed', 'inner'), { recursive: true });
    await writeFile(join(tree, 'closed', 'inner', 'file'), '');
    await chmod(join(tree, 'closed', 'inner'), 0o500);
    await chmod(join(tree, 'closed'), 0o500);
    await removeTree(tree);
    expect(existsSync(tree)).to.equal(false);
  });

  it('never leaves the tree while directories in it are exchanged for links', async () => {
    // Exchanges a directory and a link to the victim, as often as it can.
    const script = `
      const fs = require('node:fs');
      const [tree, victim] = process.argv.slice(1);
      process.stdout.write('up');
      for (;;) {
        try {
          fs.mkdirSync(tree + '/x/deep', { recursive: true });
          fs.writeFileSync(tree + '/x/deep/file', '');
          fs.renameSync(tree + '/x', tree + '/y');
          fs.symlinkSync(victim, tree + '/x');
          fs.renameSync(tree + '/x', tree + '/z');
          fs.renameSync(tree + '/y', tree + '/x');
        } catch {}
        try { fs.unlinkSync(tree + '/x'); } catch {}
      }`;
    const tree = join(directory, 'tree');
    await mkdir(tree);
    const racer = spawn(process.execPath, ['-e', script, tree, victim], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await new Promise(resolve => racer.stdout.once('data', resolve));
      for (let round = 0; round < 60; round += 1) {
        await mkdir(tree, { recursive: true });
        // It may come to nothing, as long as somebody writes there; what it must not do is leave the tree.
        await removeTree(tree).catch(() => undefined);
        await expectVictim();
      }
    } finally {
      const ended = new Promise(resolve => racer.once('close', resolve));
      racer.kill('SIGKILL');
      await ended;
    }
    await removeTree(tree);
    expect(existsSync(tree)).to.equal(false);
  });

  it('removes nothing on a mount inside the tree', async function () {
    const tree = join(directory, 'tree');
    await mkdir(join(tree, 'inner', 'mount'), { recursive: true });
    const { status } = spawnSync('mount', ['--bind', victim, join(tree, 'inner', 'mount')]);
    if (status !== 0) {
      console.log('      skipped: this process cannot mount');
      this.skip();
    }
    const failed = await removeTree(tree).then(
      () => undefined,
      (error: unknown) => error,
    );
    execFileSync('umount', [execFileSync('find', [tree, '-name', 'mount'], { encoding: 'utf8' }).trim()]);
    expect(failed).to.be.instanceOf(Error).with.property('code', 'EBUSY');
    await expectVictim();
    await removeTree(tree);
    expect(existsSync(tree)).to.equal(false);
  });
});
