import { existsSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { runInRoot } from './run-in-root.test.fixture.js';
import { finishScript, prepareScript, systemFiles } from './system-files.js';

describe('the end of a build of Debian', () => {
  let root: string;
  const put = async (path: string, content = 'mine'): Promise<void> => {
    await mkdir(dirname(root + path), { recursive: true });
    await writeFile(root + path, content);
  };
  const isThere = (path: string): boolean => existsSync(root + path);
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'finish-'));
    for (const path of [
      '/etc/apt/sources.list.d',
      '/etc/systemd/system',
      '/var/lib',
      '/root',
      '/home',
      '/opt',
    ])
      await mkdir(root + path, { recursive: true });
    await mkdir(`${root}/usr/local`, { recursive: true });
    await put('/run/imagefactory/debian.sources', 'of the image');
  });
  afterEach(() => rm(root, { recursive: true }));

  const remove = ['/etc/apt/sources.list.d/0000build.list', '/etc/apt/sources.list.d/not-persisted.list'];
  const finish = (keep: readonly string[] = []): string => runInRoot(root, finishScript({ remove, keep }));

  it("takes out what was the builder's, and gives the image sources and a resolver", async () => {
    const gone = [
      ...remove,
      '/var/lib/apt/lists/partial/x',
      '/var/cache/apt/archives/tree_1_amd64.deb',
      '/var/cache/apt/archives/partial/x_1_amd64.deb',
      '/var/cache/apt/pkgcache.bin',
      '/var/cache/ldconfig/aux-cache',
      '/etc/machine-id',
    ];
    for (const path of gone) await put(path);
    await put('/usr/sbin/policy-rc.d');
    finish();
    for (const path of gone.slice(0, -1)) expect(isThere(path), path).to.equal(false);
    expect(await readFile(`${root}/etc/machine-id`, 'utf8')).to.equal('');
    expect(isThere('/usr/sbin/policy-rc.d')).to.equal(true);
    expect(await readFile(`${root}/etc/apt/sources.list.d/debian.sources`, 'utf8')).to.equal('of the image');
    expect(readlinkSync(`${root}/etc/resolv.conf`)).to.equal('../run/systemd/resolve/stub-resolv.conf');
  });

  it('leaves every file of the template as it is, however its path is written', async () => {
    const kept = {
      '/etc/resolv.conf': '/etc/resolv.conf',
      '/etc/apt/sources.list.d/debian.sources': '/etc/apt/./sources.list.d/debian.sources',
      [remove[0]!]: remove[0]!.replace('/apt', '//apt'),
      [remove[1]!]: remove[1]!,
      '/var/lib/apt/lists/below/x': '/var/lib/apt/lists/below/x',
      '/var/cache/apt/archives/mine_1_all.deb': '/var/cache/apt/archives/mine_1_all.deb',
      '/var/cache/ldconfig/x': '/opt/linked/ldconfig/x',
      '/etc/machine-id': '/etc/machine-id',
      "/var/cache/apt/archives/it's $HOME.deb": "/var/cache/apt/archives/it's $HOME.deb",
    };
    for (const path of Object.keys(kept)) await put(path);
    await put('/var/cache/apt/archives/other_1_all.deb');
    await put('/var/lib/apt/lists/other');
    await symlink('../var/cache', `${root}/opt/linked`);
    finish(Object.values(kept));
    for (const path of Object.keys(kept)) expect(await readFile(root + path, 'utf8'), path).to.equal('mine');
    for (const path of ['/var/cache/apt/archives/other_1_all.deb', '/var/lib/apt/lists/other'])
      expect(isThere(path), path).to.equal(false);
  });

  it('leaves a resolver that is a link, be its end there or not', async () => {
    await symlink('/run/resolvconf/resolv.conf', `${root}/etc/resolv.conf`);
    finish();
    expect(readlinkSync(`${root}/etc/resolv.conf`)).to.equal('/run/resolvconf/resolv.conf');
  });
});

describe('the beginning of a build of Debian', () => {
  it('brings what makes the root file system grow at boot, and enables it', () => {
    const files = new Map(systemFiles(undefined).map(({ path, ...file }) => [path, file]));
    const unit = String(files.get('/etc/systemd/system/grow-root.service')?.content);
    const [, program = ''] = /^ExecStart=-(.+)$/m.exec(unit) ?? [];
    expect(unit).to.match(/^WantedBy=local-fs\.target$/m);
    expect(files.get(program)).to.include({ mode: 0o755 });
    expect(String(files.get(program)?.content))
      .to.include('sfdisk')
      .and.include('resize2fs');
    expect(prepareScript.split('\n')).to.include('systemctl --quiet enable grow-root.service');
  });
});
