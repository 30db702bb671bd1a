import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { removeArea } from '../leftovers/index.js';
import { openScratchArea } from './scratch-area.js';

/** A user that is nobody's: only its rights matter. */
const stranger = 54_321;
const uid = process.getuid?.() ?? 0;

/** The name of an area on this host whose process is gone. */
function deadName(suffix: string): string {
  return `4194305-${createHash('sha256').update(hostname()).digest('hex').slice(0, 8)}-00000000-${suffix}`;
}

describe('the scratch area', () => {
  let directory: string;
  let temporary: string;
  let victim: string;
  const foreign: string[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'scratch-area-test-'));
    await chmod(directory, 0o755);
    temporary = join(directory, 'tmp');
    victim = join(directory, 'victim');
    await mkdir(temporary);
    await chmod(temporary, 0o1777);
    await mkdir(victim, { mode: 0o700 });
    await mkdir(join(victim, deadName('inside')), { mode: 0o700 });
    await writeFile(join(victim, deadName('inside'), 'file'), 'kept');
    foreign.length = 0;
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function expectVictim(): Promise<void> {
    expect(await readFile(join(victim, deadName('inside'), 'file'), 'utf8')).to.equal('kept');
  }

  /** Opens an area as the agent does, and gives it up at once. */
  async function openAndClose(): Promise<string> {
    const area = await openScratchArea(temporary, {
      async removeDead(path) {
        await removeArea(path);
      },
      onForeign: (path, why) => foreign.push(`${basename(path)}: ${why}`),
    });
    const build = await area.create('build');
    expect((await lstat(build)).mode & 0o777).to.equal(0o700);
    expect((await lstat(area.parent)).mode & 0o777).to.equal(0o700);
    expect((await lstat(area.parent)).uid).to.equal(uid);
    expect(dirname(area.parent)).to.equal(temporary);
    await area.remove();
    return area.parent;
  }

  /** As another user, with the shell. */
  function asStranger(script: string, ...args: string[]): void {
    const { status, stderr } = spawnSync('/bin/sh', ['-ec', script, 'sh', ...args], {
      uid: stranger,
      gid: stranger,
      encoding: 'utf8',
    });
    expect(status, stderr).to.equal(0);
  }

  it('removes areas of killed agents, and leaves nothing', async () => {
    const parent = join(temporary, `imagefactory-${uid}`);
    await mkdir(join(parent, deadName('abcdef'), 'build'), { recursive: true, mode: 0o700 });
    await chmod(parent, 0o700);
    await chmod(join(parent, deadName('abcdef')), 0o700);
    await mkdir(join(parent, 'something-else'));
    expect(await openAndClose()).to.equal(parent);
    expect(await readdir(parent)).to.deep.equal(['something-else']);
    await rm(parent, { recursive: true });
    await openAndClose();
    expect(await readdir(temporary)).to.deep.equal([]);
  });

  for (const [what, plant] of [
    ['a link', (path: string) => symlink(victim, path)],
    ['a file', (path: string) => writeFile(path, '')],
    [
      'a directory that others can write to',
      async (path: string) => {
        await mkdir(join(path, deadName('inside')), { recursive: true });
        await chmod(path, 0o777);
      },
    ],
  ] as const) {
    it(`is never in ${what} with its name, and finds its own again`, async () => {
      const planted = join(temporary, `imagefactory-${uid}`);
      await plant(planted);
      const before = await lstat(planted);
      const first = await openScratchArea(temporary);
      expect(basename(first.parent)).to.match(/^imagefactory-\d+-\w{6}$/);
      expect(await openAndClose()).to.equal(first.parent);
      expect(foreign).to.have.lengthOf(1);
      await first.remove();
      expect((await lstat(planted)).ino).to.equal(before.ino);
      expect(await readdir(temporary)).to.deep.equal([basename(planted)]);
      await expectVictim();
    });

    it(`leaves ${what} with the name of a dead area as it is`, async () => {
      const parent = join(temporary, `imagefactory-${uid}`);
      await mkdir(parent, { mode: 0o700 });
      await plant(join(parent, deadName('abcdef')));
      await openAndClose();
      expect(foreign).to.have.lengthOf(1);
      expect(await readdir(parent)).to.deep.equal([deadName('abcdef')]);
      await expectVictim();
      // Also where it is called without that check.
      const [left] = await removeArea(join(parent, deadName('abcdef')));
      expect(left).to.have.property('why').that.is.a('string');
      expect(await readdir(parent)).to.deep.equal([deadName('abcdef')]);
      await expectVictim();
    });
  }

  it('removes nothing through a link in a dead area', async () => {
    const area = join(temporary, `imagefactory-${uid}`, deadName('abcdef'));
    await mkdir(join(area, 'build'), { recursive: true, mode: 0o700 });
    await symlink(victim, join(area, 'link'));
    await symlink(victim, join(area, 'build', 'link'));
    await openAndClose();
    expect(await readdir(temporary)).to.deep.equal([]);
    await expectVictim();
  });

  it('refuses a temporary directory whose entries others can exchange, with the remedy', async () => {
    await chmod(temporary, 0o777);
    const refused = await openScratchArea(temporary).then(String, String);
    expect(refused).to.include(temporary).and.include('no sticky bit').and.include('--tmpdir');
    await mkdir(join(temporary, 'below'));
    expect(await openScratchArea(join(temporary, 'below')).then(String, String)).to.include('no sticky bit');
    expect(await readdir(temporary)).to.deep.equal(['below']);
  });

  it('follows a link that the operator has named as the temporary directory', async () => {
    await symlink(temporary, join(directory, 'link'));
    const area = await openScratchArea(join(directory, 'link'));
    expect(dirname(area.parent)).to.equal(temporary);
    await area.remove();
  });

  describe('beside another user', () => {
    beforeEach(function () {
      if (uid === 0) return;
      console.log('      skipped: only root can act as another user');
      this.skip();
    });

    it('takes another name when theirs is in its place, and leaves what they have planted', async () => {
      asStranger(
        'ln -s "$2" "$1/imagefactory-0"; mkdir -m 700 "$1/imagefactory-0-abcdef"; ln -s "$2" "$1/imagefactory-0-zzzzzz"',
        temporary,
        victim,
      );
      // The names of earlier versions.
      asStranger('ln -s "$2" "$1/imagefactory-$3"', temporary, victim, deadName('abcdef'));
      const before = await readdir(temporary);
      await openAndClose();
      expect(foreign.sort()).to.deep.equal([
        'imagefactory-0-abcdef: it belongs to the user with the id 54321',
        'imagefactory-0-zzzzzz: it is a symbolic link',
        'imagefactory-0: it is a symbolic link',
      ]);
      expect(await readdir(temporary)).to.deep.equal(before);
      await expectVictim();
    });

    it('leaves the directory of another user, whatever its mode', async () => {
      const parent = join(temporary, 'imagefactory-0');
      await mkdir(join(parent, deadName('abcdef')), { recursive: true, mode: 0o700 });
      await chown(join(parent, deadName('abcdef')), stranger, stranger);
      await openAndClose();
      expect(await readdir(parent)).to.deep.equal([deadName('abcdef')]);
      expect(foreign).to.deep.equal([`${deadName('abcdef')}: it belongs to the user with the id 54321`]);
    });

    it('refuses a temporary directory below one of another user', async () => {
      await chown(temporary, stranger, stranger);
      expect(await openScratchArea(join(temporary, 'below')).then(String, String)).to.include(
        'belongs to the user with the id 54321',
      );
    });
  });
});
