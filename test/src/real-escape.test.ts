import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  BuildError,
  type FakeContext,
  fakeContext,
  type GuestOptions,
  isReady,
  type Sandbox,
  sandboxRequirements,
} from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { makeEscapeTree } from './support/escape-tree.js';
import { skipBecause } from './support/lane.js';

const run = promisify(execFile);

/** What an attempt prints when it has got what it wanted. */
const success = 'ESCAPED';

/** Sizes of this suite: small, so that reaching them costs little with and without a sandbox. */
const limits = { processes: 64, bytes: 200 * 1024 ** 2, fileSize: 64 * 1024 ** 2, openFiles: 256 } as const;

/** Settings of the kernel that no build may change. */
const settings = [
  'kernel/hostname',
  'kernel/domainname',
  'kernel/core_pattern',
  'vm/overcommit_ratio',
  'vm/swappiness',
];

/**
 * What a template may try against the machine. Each attempt first runs without the sandbox, as root with the same tree as its root
 * directory, and must succeed there; then in the sandbox, where it must not.
 */
describe('attempts to get out of the sandbox', function () {
  this.timeout(300_000);
  let context: FakeContext | undefined;
  let sandbox: Sandbox;
  let tree: string;
  let directory: string;
  let secretFile: string;
  let victim: ChildProcess;
  let server: Server;
  let port: number;
  let machine: string;
  const secret = `secret-${process.pid}-of-this-machine`;

  before(async function () {
    if (process.env['IMAGEFACTORY_REAL'] !== '1') {
      skipBecause(this, 'attempts against the machine run on request; set IMAGEFACTORY_REAL=1');
    }
    if (process.getuid?.() !== 0)
      skipBecause(this, 'only root can show that an attempt succeeds without the sandbox');
    const requirements = await sandboxRequirements();
    const lack = requirements.find(({ state }) => state === 'missing');
    if (!isReady({ requirements })) skipBecause(this, `${lack?.need ?? 'a sandbox'}: ${lack?.detail ?? ''}`);
    directory = await mkdtemp(join(tmpdir(), 'escape-'));
    secretFile = join(directory, 'secret');
    await writeFile(secretFile, `${secret}\n`, { mode: 0o600 });
    server = createServer(socket => {
      socket.on('error', () => undefined);
      socket.end(`${secret}\n`);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
    context = await fakeContext({ run: 'real' });
    sandbox = await context.sandbox.open({ hostname: 'escape', limits });
    tree = await makeEscapeTree(sandbox, 'escape');
  });

  after(async () => {
    if (context === undefined) return;
    await context.dispose();
    server.close();
    await rm(directory, { recursive: true });
  });

  beforeEach(() => {
    victim = spawn('sleep', ['300'], { stdio: 'ignore' });
    machine = snapshot();
  });

  afterEach(async () => {
    victim.kill('SIGKILL');
    // The machine is as it was.
    expect(snapshot()).to.equal(machine);
    expect(await readFile(secretFile, 'utf8')).to.equal(`${secret}\n`);
    expect(readdirSync(directory)).to.deep.equal(['secret']);
  });

  /** Mounts, settings and control groups of this machine, and processes that belong to builds. */
  function snapshot(): string {
    const ours = statSync(tree).uid;
    const processes = readdirSync('/proc').filter(name => {
      if (!/^\d+$/.test(name)) return false;
      try {
        const { uid } = statSync(`/proc/${name}`);
        return uid >= ours && uid < ours + 65_536;
      } catch {
        return false;
      }
    });
    const values = settings.map(name => readFileSync(`/proc/sys/${name}`, 'utf8').trim());
    const own = cgroupsOf(process.pid);
    return JSON.stringify({ processes, values, own, mounts: readFileSync('/proc/self/mountinfo', 'utf8') });
  }

  /** The output of a script without a sandbox: as root, with the tree as its root directory. */
  async function without(script: string): Promise<string> {
    const enter = `mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && exec chroot "$1" /bin/sh -c "$2"`;
    const { stdout } = await run('unshare', [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      enter,
      'sh',
      tree,
      script,
    ]);
    return stdout;
  }

  /** The output of a script in the sandbox, whatever its end, and the code of its failure. */
  async function within(
    script: string,
    options: GuestOptions = {},
  ): Promise<{ output: string; code?: string }> {
    const lines: string[] = [];
    try {
      await sandbox.guest(tree, '/bin/sh', ['-c', script], {
        ...options,
        onLine: line => void lines.push(line),
      });
      return { output: lines.join('\n') };
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      return { output: `${lines.join('\n')}\n${error.message}`, code: error.code };
    }
  }

  async function expectContained(script: string, options: GuestOptions = {}): Promise<void> {
    expect(await without(script), 'without the sandbox').to.contain(success);
    expect((await within(script, options)).output, 'in the sandbox').not.to.contain(success);
  }

  const reads = (path: string): string => `grep=$(cat ${path}); [ "$grep" = ${secret} ] && echo ${success}`;

  it("read a file of the machine through a process's root", async () => {
    await expectContained(reads(`/proc/${process.pid}/root${secretFile}`));
    for (const place of ['/proc/1/root', '/proc/self/root', '/proc/1/cwd', '/proc/1/root/../../../../..']) {
      expect((await within(reads(`${place}${secretFile}`))).output).not.to.contain(success);
    }
  });

  it("write a file of the machine through a process's root", () => {
    const file = `/proc/${process.pid}/root${directory}/new`;
    return expectContained(`echo x >${file} && rm ${file} && echo ${success}`);
  });

  it('read a disk of the machine by a device node of their own', () => {
    const [major, minor] = openableDisk();
    return expectContained(
      `rm -f /tmp/node; mknod /tmp/node b ${major} ${minor} && dd if=/tmp/node of=/dev/null bs=512 count=1 && echo ${success}; rm -f /tmp/node`,
    );
  });

  it('mount a file system', () => expectContained(`mount -t tmpfs none /mnt && echo ${success}`));

  it('trace a process of the machine', () => {
    const trace = `perl -e 'exit(syscall(101, 16, ${victim.pid}, 0, 0) == 0 ? 0 : 1)'`;
    return expectContained(`${trace} && echo ${success}`);
  });

  it('end a process of the machine', async () => {
    expect((await within(`kill -9 ${victim.pid} && echo ${success}`)).output).not.to.contain(success);
    expect(victim.exitCode ?? victim.signalCode).to.equal(null);
    expect(await without(`kill -9 ${victim.pid} && echo ${success}`)).to.contain(success);
  });

  for (const network of ['none', 'outbound'] as const) {
    it(`talk to a server on the machine's loopback, with the network "${network}"`, async () => {
      const talk = (address: string): string =>
        `bash -c 'exec 3<>/dev/tcp/${address}/${port}; read -r line <&3; [ "$line" = ${secret} ] && echo ${success}'`;
      await expectContained(talk('127.0.0.1'), { network });
      // The address of the gateway is this machine, and must not lead to its loopback.
      expect((await within(talk('10.0.2.2'), { network })).output).not.to.contain(success);
    });
  }

  it("read another build's tree", async () => {
    const other = await context?.sandbox.open({ hostname: 'other' });
    if (other === undefined) throw new Error('no sandbox');
    try {
      const path = await other.makeTree('other');
      expect(Math.abs(statSync(path).uid - statSync(tree).uid)).to.be.at.least(65_536);
      await other.tool('sh', ['-c', `umask 077; echo ${secret} >${path}/secret`]);
      expect(await without(reads(`/proc/${process.pid}/root${path}/secret`))).to.contain(success);
      for (const place of [
        `/proc/1/root${path}/secret`,
        `${path}/secret`,
        `/proc/self/cwd/../../other/secret`,
      ]) {
        expect((await within(reads(place))).output).not.to.contain(success);
      }
    } finally {
      await other.dispose();
    }
  });

  it('change a setting of the kernel', () =>
    expectContained(`f=/proc/sys/vm/swappiness; v=$(cat $f); echo "$v" >$f && echo ${success}`));

  it('start more processes than a build may have', async () => {
    const bomb = `i=0; p=; while [ $i -lt 100 ]; do sleep 20 & p="$p $!"; i=$((i+1)); done; echo ${success}; kill $p`;
    expect(await without(bomb)).to.contain(success);
    const outcome = await within(bomb);
    expect(outcome.output).not.to.contain(success);
    expect(outcome).to.have.property('code', 'limit_exceeded');
    expect(outcome.output).to.contain(`processes=${limits.processes}`);
  });

  it('start processes without end', async () => {
    const outcome = await within('bomb() { bomb | bomb & }; bomb; sleep 30');
    expect(outcome).to.have.property('code', 'limit_exceeded');
  });

  it('fill the disk', async () => {
    const fill = `for i in 1 2 3 4 5 6; do dd if=/dev/zero of=/tmp/fill$i bs=1M count=50 2>/dev/null || exit 1; done; echo ${success}; sleep 1`;
    expect(await without(fill)).to.contain(success);
    await within('rm -f /tmp/fill*');
    const outcome = await within(fill);
    expect(outcome).to.have.property('code', 'limit_exceeded');
    expect(outcome.output).to.contain('bytes=');
    await within('rm -f /tmp/fill*');
  });

  it('write a file larger than a build may have', async () => {
    const large = `dd if=/dev/zero of=/tmp/large bs=1M count=80 2>/dev/null && echo ${success}; s=$?; rm -f /tmp/large; exit $s`;
    expect(await without(large)).to.contain(success);
    const outcome = await within(large);
    expect(outcome).to.have.property('code', 'limit_exceeded');
    expect(outcome.output).to.contain('fileSize=');
  });

  it('leave a daemon behind', async () => {
    const daemon = `setsid sh -c 'echo $$ >/tmp/pid; exec sleep 300' >/dev/null 2>&1 </dev/null & sleep 0.5; echo ${success}`;
    expect(await without(daemon)).to.contain(success);
    const pid = Number(await readFile(join(tree, 'tmp/pid'), 'utf8'));
    expect(existsSync(`/proc/${pid}`), 'without the sandbox it stays').to.equal(true);
    process.kill(pid, 'SIGKILL');
    // The check after each attempt finds no process of the build.
    expect((await within(daemon)).output).to.contain(success);
  });

  it('outlive an agent that is killed', async () => {
    const mark = `300.${process.pid}`;
    const agent = agentWith(
      `const sandbox = await context.sandbox.open();
       await sandbox.tool('sh', ['-c', 'echo running; sleep ${mark} & exec sleep ${mark}'], { onLine: line => console.log(line) });`,
    );
    await new Promise(resolve => agent.stdout?.once('data', resolve));
    while (processesWith(mark).length < 2) await sleep(20);
    agent.kill('SIGKILL');
    while (processesWith(mark).length > 0) await sleep(20);
    // What the kernel does not end with a process is removed by the next agent.
    const next = agentWith('await (await context.sandbox.open()).dispose(); process.exit(0);');
    await new Promise(resolve => next.once('exit', resolve));
    expect(cgroupsOf(agent.pid)).to.deep.equal([]);
  });

  it('enter namespaces of another process', () =>
    expectContained(`nsenter --target ${process.pid} --mount --net true && echo ${success}`));

  it('make namespaces of their own', async () => {
    await expectContained(`unshare --mount --propagation unchanged true && echo ${success}`);
    await expectContained(`unshare --net true && echo ${success}`);
    // Without a sandbox the kernel refuses this one to whoever was given another root directory.
    expect((await within(`unshare --user true && echo ${success}`)).output).not.to.contain(success);
  });

  it('reach the keyrings of the kernel', () =>
    expectContained(`perl -e 'exit(syscall(250, 0, -3, 1) == -1 ? 1 : 0)' && echo ${success}`));

  it('see the builder in its environment, host name or users', async () => {
    process.env['ESCAPE_SECRET'] = secret;
    try {
      const { output } = await within(
        'cat /proc/self/environ /proc/1/environ; cat /etc/hostname; cat /proc/sys/kernel/hostname',
      );
      expect(output).not.to.contain(secret);
      expect(output).to.contain('escape');
    } finally {
      delete process.env['ESCAPE_SECRET'];
    }
  });

  it("come from a package's preinst script", async () => {
    await sandbox.tool('sh', ['-c', `cat >${tree}/evil.sh`], {
      input: `${reads(`/proc/${process.pid}/root${secretFile}`)}\nmount -t tmpfs none /mnt && echo ${success}\nexit 0\n`,
    });
    const install =
      'dpkg --force-all --unpack /evil.deb 2>&1; rm -rf /var/lib/dpkg/info/*; : >/var/lib/dpkg/status';
    // In the sandbox first: without it the lock of dpkg comes to belong to an id that a guest does not have.
    const { output } = await within(install);
    expect(output).to.contain('Unpacking evil');
    expect(output).not.to.contain(success);
    expect(await without(install)).to.contain(success);
  });
});

/** Numbers of a block device that root may open on this machine. */
function openableDisk(): readonly [string, string] {
  for (const name of readdirSync('/sys/class/block')) {
    try {
      closeSync(openSync(`/dev/${name}`, 'r'));
      const [, major, minor] =
        /^(\d+):(\d+)/.exec(readFileSync(`/sys/class/block/${name}/dev`, 'utf8')) ?? [];
      if (major !== undefined && minor !== undefined) return [major, minor];
    } catch {
      // Kept from this process as well.
    }
  }
  throw new Error('this machine has no block device that root may open');
}

/** A process with a context of builds, which runs some code. */
function agentWith(code: string): ChildProcess {
  const text = `const { fakeContext } = await import(${JSON.stringify(import.meta.resolve('@imagefactory/plugin-api'))});
    const context = await fakeContext({ run: 'real' });
    ${code}`;
  return spawn(process.execPath, ['--input-type=module', '-e', text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Ids of programs of containers with an argument; the agent itself has it in its code. */
function processesWith(argument: string): readonly string[] {
  return readdirSync('/proc').filter(name => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8') === `sleep\0${argument}\0`;
    } catch {
      return false;
    }
  });
}

/** Control groups of a process's containers, in the unified hierarchy or that of processes. */
function cgroupsOf(pid: number | undefined): readonly string[] {
  return ['/sys/fs/cgroup/pids/imagefactory', '/sys/fs/cgroup/imagefactory'].flatMap(directory =>
    existsSync(directory) ? readdirSync(directory).filter(name => name.startsWith(`${String(pid)}-`)) : [],
  );
}
