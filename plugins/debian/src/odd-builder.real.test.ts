import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isReady } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { readHostSources } from './apt/host-sources.js';
import { biosBootSector } from './disk/grub.js';
import { diskLayout } from './disk/layout.js';
import { busyboxOs, debianOs } from './index.js';

const run = promisify(execFile);
const program = new URL('./build-once.test.fixture.js', import.meta.url).pathname;
const proxyPassword = 'pr0xy-pa55word';

/**
 * Files that differ between two builds of one template, whoever builds; each with its cause. The time of a file is that of its package, or that of
 * the build by the builder's clock, for whatever the build has made or changed: programs of the image compare them with each other, and a fixed time
 * would be older than what they were made of.
 */
const meant: ReadonlyMap<RegExp, string> = new Map([
  [/^\/boot\/initrd\.img/, 'the archive of the RAM disk has the times of its files'],
  [/^\/var\/cache\/debconf\/.*\.dat(-old)?$/, 'debconf writes its answers in any order'],
  [/^\/var\/lib\/apt\/extended_states$/, 'apt lists packages in the order in which it came to them'],
  [/^\/etc\/shadow-?$/, 'the day of the last change of a password'],
]);

/** Nothing of the machine and the process that build an image enters it. These tests build, and run with IMAGEFACTORY_REAL=1 as root. */
describe('images of an ordinary and of an odd builder', function () {
  this.timeout(1_800_000);
  let directory: string;
  before(async function () {
    const why = await reasonToSkip();
    if (why === undefined) return;
    console.log(`      skipped: ${why}`);
    this.skip();
  });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'odd-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  for (const name of ['busybox', 'Debian']) {
    it(`of ${name} are the same, but for what two builds never have in common`, async () => {
      const started = Date.now();
      const ordinary = await build(name, 'ordinary', 'umask 022', {});
      const odd = await build(name, 'odd', 'umask 077', {
        LANG: 'tr_TR.UTF-8',
        LC_ALL: 'tr_TR.UTF-8',
        TZ: 'Pacific/Kiritimati',
        HOSTNAME: 'odd-builder',
        EDITOR: 'odd',
        http_proxy: `http://user:${proxyPassword}@127.0.0.1:9`,
        https_proxy: `http://user:${proxyPassword}@127.0.0.1:9`,
        // What the builder fetches goes past the proxy, which does not exist.
        no_proxy: (await readHostSources()).map(({ uri }) => new URL(uri).hostname).join(','),
      });
      const seen = await readFile(join(odd, 'etc/seen'), 'utf8');
      expect(seen).to.match(/^0022\nonce\nUTC\n/);
      expect(seen).not.to.match(/odd|tr_TR|proxy/i);
      const differences = difference(await manifest(ordinary, started), await manifest(odd, started));
      expect(
        differences.filter(path => ![...meant.keys()].some(pattern => pattern.test(path))),
      ).to.deep.equal([]);
      expect(meant.size).to.be.at.most(10);
      const files = await manifest(odd, started);
      expect(files.get('/etc')).to.match(/^40755 0:0 /);
      expect(files.get('/etc/made/deep')).to.match(/^40755 0:0 /);
      expect(files.get('/etc/from-the-template')).to.match(/^100644 0:0 /);
      expect(await onDisk('odd', 'stat /etc/setuid')).to.match(/Mode: +04755[^]*User: +0 +Group: +0 /);
      // A capability in the form that belongs to no user namespace.
      if (name === 'Debian') {
        expect(await onDisk('odd', 'stat /etc/owned')).to.match(/User: +1234 +Group: +4321 /);
        expect(await onDisk('odd', 'ea_list /etc/capable')).to.contain('security.capability (20)');
      }
    });
  }

  /** What debugfs reads on the finished disk. */
  async function onDisk(kind: string, request: string): Promise<string> {
    const image = join(directory, `${kind}.raw`);
    const { root } = diskLayout((await lstat(image)).size);
    const { stdout } = await run('debugfs', ['-R', request, `${image}?offset=${root.start}`], {
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }

  /** Builds under circumstances, and returns a directory with the files of the image. */
  async function build(
    name: string,
    kind: string,
    circumstances: string,
    env: Record<string, string>,
  ): Promise<string> {
    const image = join(directory, `${kind}.raw`);
    const cache = join(directory, `${kind}-cache`);
    await run(
      'sh',
      ['-c', `${circumstances}; exec "$@"`, 'sh', process.execPath, program, name, cache, image],
      {
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
        maxBuffer: 64 * 1024 * 1024,
      },
    );
    const tree = join(directory, `${kind}-tree`);
    await mkdir(tree);
    await onDisk(kind, `rdump / ${tree}`);
    return tree;
  }
});

async function reasonToSkip(): Promise<string | undefined> {
  if (process.env['IMAGEFACTORY_REAL'] !== '1') return 'IMAGEFACTORY_REAL is not 1';
  if (process.getuid?.() !== 0) return 'only root reads owners back from a disk';
  for (const plugin of [busyboxOs(), debianOs()]) {
    const diagnosis = await plugin.doctor();
    if (!isReady(diagnosis)) return `${plugin.name} is not ready; ${biosBootSector} and the like are missing`;
  }
  return undefined;
}

/** Mode, owner, content and time of every file, by its path in the image. Times since the builds began are taken for the same. */
async function manifest(tree: string, started: number): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const visit = async (path: string): Promise<void> => {
    const info = await lstat(join(tree, path));
    const content = info.isSymbolicLink()
      ? await readlink(join(tree, path))
      : info.isFile()
        ? createHash('sha256')
            .update(await readFile(join(tree, path)))
            .digest('hex')
        : '';
    // debugfs gives links the time of now.
    const time = info.isSymbolicLink() || info.mtimeMs >= started - 1000 ? 'new' : String(info.mtimeMs);
    found.set(path, `${info.mode.toString(8)} ${info.uid}:${info.gid} ${content} ${time}`);
    if (!info.isDirectory()) return;
    for (const name of await readdir(join(tree, path))) await visit(`${path === '/' ? '' : path}/${name}`);
  };
  for (const name of await readdir(tree)) await visit(`/${name}`);
  return found;
}

function difference(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): readonly string[] {
  const all = new Set([...a.keys(), ...b.keys()]);
  return [...all].filter(path => a.get(path) !== b.get(path)).sort();
}
