import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isReady } from '@imagefactory/plugin-api';
import { debianOs } from '@imagefactory/plugin-debian';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { findProgram, skipBecause } from './support/lane.js';
import { makeMirror, type Mirror, type MirrorServer, serveMirror } from './support/package-mirror.js';
import { projectRoot } from './support/program.js';
import { emptyPackages, smallSystem } from './support/small-system.js';

const run = promisify(execFile);
/** In a view of the machine where the project is at a place that every user may enter. */
const program = '/srv/test/dist/support/mirror-build.js';

/** An address that is given to this machine for the test, of a network that a build reaches as the operator's server alone. */
const address = `10.${process.pid & 255}.${(process.pid >> 8) & 255}.3`;
const success = 'ESCAPED';
const suites = ['bookworm', 'bookworm-updates'];

/** Builds of a system of a few packages, whose repository is made here; seconds each. */
describe('builds from a repository of our own', function () {
  this.timeout(300_000);
  let directory: string | undefined;
  const secret = `secret-${process.pid}-of-this-machine`;

  before(async function () {
    if (process.env['IMAGEFACTORY_REAL'] !== '1')
      skipBecause(this, 'real builds run on request; set IMAGEFACTORY_REAL=1');
    if (process.getuid?.() !== 0) skipBecause(this, 'only root can give this machine addresses');
    const diagnosis = await debianOs().doctor();
    const lack = diagnosis.requirements.find(({ state }) => state === 'missing');
    if (!isReady(diagnosis)) skipBecause(this, `${lack?.need ?? 'a tool'}: ${lack?.detail ?? ''}`);
    if ((await findProgram('gpg')) === undefined)
      skipBecause(this, 'gpg is not installed (apt-get install gpg)');
    directory = await mkdtemp(join(tmpdir(), 'mirror-'));
    await run('ip', ['address', 'add', `${address}/32`, 'dev', 'lo']);
  });

  after(async () => {
    if (directory === undefined) return;
    await run('ip', ['address', 'del', `${address}/32`, 'dev', 'lo']);
    await rm(directory, { recursive: true });
  });

  /**
   * What a build prints that trusts the mirror's key, in a view of this machine's files of its own.
   *
   * @param before shell text that goes before the build, with its words
   */
  async function build(
    mirror: Mirror,
    server: MirrorServer,
    kind: 'sandbox' | 'plain',
    env = {},
    before: { readonly script: string; readonly words: readonly string[] } = { script: '', words: [] },
  ): Promise<string> {
    const script = `set -eu
mount --bind "$1" /etc/apt/trusted.gpg.d
shift
mount --bind "$1" /srv
shift
${before.script}
exec "$@"`;
    const words = [mirror.keys, projectRoot, ...before.words, process.execPath, program];
    const url = `http://${address}:${server.port}/debian`;
    const { stdout } = await run(
      'unshare',
      ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...words, url, kind],
      { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 },
    );
    return stdout;
  }

  function newDirectory(): Promise<string> {
    if (directory === undefined) throw new Error('the tests are skipped');
    return mkdtemp(join(directory, 'build-'));
  }

  it('run nothing of a package where it reaches this machine', async () => {
    const place = await newDirectory();
    const machine = join(place, 'machine');
    await mkdir(machine);
    await writeFile(join(machine, 'secret'), secret, { mode: 0o600 });
    const loopback = await secretServer(secret);
    const preinst = attempts(machine, secret, portOf(loopback));
    const essential = ['Essential: yes'];
    const mirror = await makeMirror(place, suites, [
      { ...smallSystem, preinst },
      // Who unpacks these one after the other outside of a sandbox writes through the link.
      { name: 'a-link', control: essential, files: `mkdir -p usr/share; ln -s '${machine}' usr/share/out` },
      {
        name: 'b-file',
        control: essential,
        files: 'mkdir -p usr/share/out; echo x >usr/share/out/planted',
      },
      ...emptyPackages.map(one => ({ ...one, preinst })),
    ]);
    const server = await serveMirror(mirror.root, address);
    try {
      const output = await build(mirror, server, 'sandbox');
      expect(output).to.match(/^built: .*\bin-the-template\b/m);
      for (const { name } of [smallSystem, ...emptyPackages]) expect(output).to.contain(`tried by ${name}\n`);
      expect(output).not.to.contain(success);
      expect(await readdir(machine)).to.deep.equal(['secret']);
      // Without the sandbox each attempt succeeds.
      const control = await build(mirror, server, 'plain');
      for (const name of attemptNames) expect(control).to.contain(`${success}: ${name}\n`);
      expect(await readdir(machine)).to.have.members(['planted', 'secret']);
    } finally {
      server.close();
      loopback.close();
    }
  });

  it("fetch through the operator's proxy, of the environment or of apt, whose password no log has", async () => {
    const place = await newDirectory();
    const mirror = await makeMirror(place, suites, [smallSystem, ...emptyPackages]);
    const server = await serveMirror(mirror.root, address);
    const basic = `Basic ${Buffer.from('me:pr@xy-secret').toString('base64')}`;
    const of = (path: string) => `http://${address}:${server.port}/debian/${path}`;
    const configuration = join(place, 'apt.conf');
    try {
      for (const kind of ['environment', 'apt'] as const) {
        const proxy = await serveMirror(mirror.root, '127.0.0.1');
        const url = `http://me:pr%40xy-secret@127.0.0.1:${proxy.port}`;
        await writeFile(configuration, `Acquire::http::Proxy "${url}";\n`);
        const env = kind === 'apt' ? { APT_CONFIG: configuration } : { http_proxy: url };
        const output = await build(mirror, server, 'sandbox', env).finally(() => proxy.close());
        expect(output).to.match(/^built: .*\bin-the-template\b/m);
        expect(output)
          .not.to.match(/pr(@|%40)xy-secret/)
          .and.not.to.contain(basic);
        expect(proxy.asked.map(({ url: asked }) => asked)).to.include.members([
          of('dists/bookworm/InRelease'),
          of('pool/small-system_1_amd64.deb'),
          of('pool/in-the-template_1_amd64.deb'),
        ]);
        expect(new Set(proxy.asked.map(({ authorization }) => authorization))).to.deep.equal(
          new Set([basic]),
        );
        expect(server.asked).to.deep.equal([]);
      }
    } finally {
      server.close();
    }
  });

  it('are made by an ordinary user, with the network and the proxy', async function () {
    if ((await findProgram('newuidmap')) === undefined)
      skipBecause(this, 'newuidmap is not installed (apt-get install uidmap)');
    const place = await newDirectory();
    const mirror = await makeMirror(place, suites, [smallSystem, ...emptyPackages]);
    const server = await serveMirror(mirror.root, address);
    const proxy = await serveMirror(mirror.root, '127.0.0.1');
    try {
      const env = {
        http_proxy: `http://me:secret@127.0.0.1:${proxy.port}`,
        HOME: '/nonexistent',
        TMPDIR: '/tmp',
      };
      const output = await build(mirror, server, 'sandbox', env, await becomeNobody(place));
      expect(output).to.match(/^built: .*\bin-the-template\b/m);
      expect(output).to.match(/^user: 65534$/m);
      expect(proxy.asked.length).to.be.above(10);
      expect(server.asked).to.deep.equal([]);
    } finally {
      server.close();
      proxy.close();
    }
  });
});

/** Shell text that becomes a user without rights, with ids that nobody else of this machine has, and with a device for networks. */
async function becomeNobody(
  place: string,
): Promise<{ readonly script: string; readonly words: readonly string[] }> {
  const ids = join(place, 'subids');
  const given = `${await readFile('/etc/subuid', 'utf8')}${await readFile('/etc/subgid', 'utf8')}`;
  const ends = [...given.matchAll(/:(\d+):(\d+)$/gm)].map(
    ([, first, count]) => Number(first) + Number(count),
  );
  await writeFile(ids, `nobody:${Math.max(1_000_000, ...ends)}:65536\n`);
  const script = `for name in subuid subgid; do mount --bind "$1" "/etc/$name"; done
mount -t tmpfs none /media
mknod -m 0666 /media/tun c 10 200
mount --bind /media/tun /dev/net/tun
shift`;
  return { script, words: [ids, 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] };
}

/** Shell text for each attempt against this machine, which succeeds if the attempt does. */
function attempt(directory: string, secret: string, port: number): Readonly<Record<string, string>> {
  const root = `/proc/${process.pid}/root`;
  return {
    'read a file': `[ "$(cat ${root}${directory}/secret)" = ${secret} ]`,
    'write a file': `echo x >${root}${directory}/new && rm ${root}${directory}/new`,
    'mount a file system': 'mount -t tmpfs none /mnt && umount /mnt',
    'make a device': 'mknod /tmp/node b 7 0 && rm /tmp/node',
    'change a setting': 'v=$(cat /proc/sys/vm/swappiness) && echo "$v" >/proc/sys/vm/swappiness',
    'enter namespaces': `nsenter --target ${process.pid} --mount true`,
    'reach the loopback': `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}; read -r line <&3; [ "$line" = ${secret} ]'`,
  };
}

const attemptNames = Object.keys(attempt('', '', 0));

/** A preinst script that says which attempts succeed. */
function attempts(directory: string, secret: string, port: number): string {
  const lines = Object.entries(attempt(directory, secret, port)).map(
    ([name, script]) => `if ${script}; then echo "${success}: ${name}"; fi 2>/dev/null`,
  );
  return `${lines.join('\n')}\necho "tried by $DPKG_MAINTSCRIPT_PACKAGE"\nexit 0`;
}

async function secretServer(secret: string): Promise<Server> {
  const server = createServer(socket => {
    socket.on('error', () => undefined);
    socket.end(`${secret}\n`);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: Server): number {
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}
