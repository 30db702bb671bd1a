import { chmod, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { ToolRunner } from '../runner.js';
import { recordingLog } from '../testing.js';
import { createUrlRule } from '../urls/url-rule.js';
import { defaultLimits } from './limits.js';
import { networkRequirement } from './network-tools.js';
import { outboundResolver } from './network.js';
import { OciSandbox } from './oci-sandbox.js';

interface Config {
  readonly process: {
    readonly user: { readonly umask: number };
    readonly env: readonly string[];
    readonly args: readonly string[];
  };
  readonly mounts: readonly { readonly destination: string; readonly source: string }[];
}

/** A container at the time when the runtime would start it. */
interface Started {
  readonly config: Config;
  /** Path on this machine of what is mounted at a path of the guest. */
  readonly at: (target: string) => string | undefined;
  /** Standard input. */
  readonly input: string;
}

const policy = '/usr/sbin/policy-rc.d';
const shadows = { [policy]: { content: 'exit 101\n', mode: 0o755 } };

describe('a sandbox by an OCI runtime', () => {
  let directory: string;
  let sandbox: OciSandbox;
  let tree: string;
  let started: Started[];
  /** What the guest does. */
  let guest: (container: Started) => Promise<void>;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'oci-sandbox-'));
    started = [];
    guest = () => Promise.resolve();
    sandbox = await OciSandbox.create({
      // An ordinary user's, so that the test need not be root.
      machine: {
        root: false,
        blocks: [],
        runtime: { name: 'runc', path: '/runc', arguments: [], runArguments: [], cgroups: false },
      },
      held: { block: { uid: 600_000, gid: 600_000 }, release: () => Promise.resolve() },
      run,
      quiet,
      log: recordingLog(),
      directory: join(directory, 'sandbox'),
      hostname: 'guest',
      limits: defaultLimits,
      reach: { rule: createUrlRule({}), servers: [], proxies: new Map() },
    });
    tree = await sandbox.makeTree('root');
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** Stands for `setpriv … sh SCRIPT`: reads what the runtime would, and makes the mount points that it would make. */
  const run: ToolRunner = async (_file, args, { input = '' } = {}) => {
    const script = args.at(-1) ?? '';
    const text = await readFile(script, 'utf8');
    const config = JSON.parse(await readFile(join(dirname(script), 'config.json'), 'utf8')) as Config; // as spec.ts has it
    const at = (target: string): string | undefined => {
      const index = config.mounts
        .find(({ destination }) => destination === target)
        ?.source.split('/')
        .at(-1);
      return new RegExp(`^mount --rbind (\\S+) shared/${index}$`, 'm').exec(text)?.[1];
    };
    for (const target of [policy, '/etc/resolv.conf'])
      if (at(target) !== undefined) await writeFile(join(tree, target), '', { flag: 'a' });
    const container = { config, at, input: Buffer.from(input).toString() };
    started.push(container);
    await guest(container);
    return { stdout: '', status: 0 };
  };
  /** Stands for tools of this machine that run as root over the block. */
  const quiet: ToolRunner = async (_file, args) => {
    if (args.includes('rm')) await rm(args.at(-1) ?? '', { recursive: true, force: true });
    return { stdout: '0\t.\n', status: 0 };
  };

  async function put(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), content);
  }
  const inTree = (path: string): Promise<string | undefined> =>
    readFile(join(tree, path), 'utf8').catch(() => undefined);

  it('has the same umask, modes and environment whatever those of its process', async () => {
    const before = process.umask(0o077);
    process.env['ODD_SETTING'] = 'odd';
    try {
      const other = await sandbox.makeTree('other');
      expect((await lstat(other)).mode & 0o777).to.equal(0o755);
      let seen: number[] = [];
      guest = async ({ at }) => {
        const stage = at('/run/imagefactory') ?? '';
        const modes = [stage, join(stage, 'a'), join(stage, 'b')].map(async path => (await lstat(path)).mode);
        seen = (await Promise.all(modes)).map(mode => mode & 0o777);
      };
      await sandbox.guest(tree, '/bin/true', [], {
        stage: { a: { content: 'a' }, b: { content: 'b', mode: 0o755 } },
      });
      expect(seen).to.deep.equal([0o755, 0o644, 0o755]);
      guest = () => Promise.resolve();
      await sandbox.tool('true', []);
      for (const { config } of started) {
        expect(config.process.user.umask).to.equal(0o022);
        expect(config.process.env.join('\n')).to.include('PATH=').and.not.to.include('odd');
      }
    } finally {
      process.umask(before);
      delete process.env['ODD_SETTING'];
    }
  });

  for (const own of [undefined, '', 'exit 101\n', 'of the template\n']) {
    it(`shows a helper in place of ${own === undefined ? 'nothing' : JSON.stringify(own)}, and leaves the tree as it was`, async () => {
      await put('/usr/sbin/other', '');
      if (own !== undefined) await put(policy, own);
      await sandbox.guest(tree, '/bin/true', [], { shadows });
      expect(started[0]?.at(policy)).to.be.a('string');
      expect(started).to.have.length(1);
      expect(await inTree(policy)).to.equal(own);
    });
  }

  it('leaves out a helper whose directory is missing or a link', async () => {
    await sandbox.guest(tree, '/bin/true', [], { shadows });
    expect(started[0]?.at(policy)).to.equal(undefined);
  });

  it('has a file in the tree that a guest has written in place of a helper, with its mode', async () => {
    await put('/usr/sbin/other', '');
    guest = async ({ at }) => {
      const path = at(policy);
      if (path === undefined) return;
      expect(await readFile(path, 'utf8')).to.equal('exit 101\n');
      await writeFile(path, 'mine\n');
      await chmod(path, 0o700);
    };
    await sandbox.guest(tree, '/bin/true', [], { shadows });
    expect(started).to.have.length(2);
    expect(started[1]?.input).to.equal('mine\n');
    expect(started[1]?.config.process.args.slice(-2)).to.deep.equal([policy, '700']);
    expect(started[1]?.at(policy)).to.equal(undefined);
  });

  it('shows the resolver of the builder to a guest with a network, whatever the tree has', async function () {
    const { state, detail } = await networkRequirement();
    if (state === 'missing') {
      console.log(`      skipped: ${detail}`);
      this.skip();
    }
    await put('/etc/resolv.conf', 'nameserver 192.0.2.1\n');
    let seen: string | undefined;
    guest = async ({ at }) => {
      seen = await readFile(at('/etc/resolv.conf') ?? '', 'utf8');
    };
    await sandbox.guest(tree, '/bin/true', [], { network: 'outbound' });
    expect(seen).to.equal(outboundResolver);
    guest = () => Promise.resolve();
    await sandbox.guest(tree, '/bin/true', []);
    expect(started.map(({ at }) => at('/etc/resolv.conf') === undefined)).to.deep.equal([false, true]);
    expect(await inTree('/etc/resolv.conf')).to.equal('nameserver 192.0.2.1\n');
    await rm(join(tree, 'etc/resolv.conf'));
    await sandbox.guest(tree, '/bin/true', [], { network: 'outbound' });
    expect(await inTree('/etc/resolv.conf')).to.equal(undefined);
  });
});
