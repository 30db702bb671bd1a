import { type ChildProcess, execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  BuildError,
  type GuestOptions,
  isReady,
  type Sandbox,
  sandboxRequirements,
} from '@imagefactory/plugin-api';
import { type FakeContext, fakeContext } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import {
  agentWith,
  cgroupsOf,
  openableDisk,
  pidsOf,
  processesWith,
  sleeper,
} from './support/escape-programs.js';
import { simpleAttempts } from './support/escape-attempts.js';
import { makeEscapeTree } from './support/escape-tree.js';
import { skipBecause } from './support/lane.js';
import { changes, lasting, machineState, type MachineState } from './support/machine-state.js';

const run = promisify(execFile);

/** What an attempt prints when it has got what it wanted. */
const success = 'ESCAPED';

/** Sizes of this suite: small, so that reaching them costs little with and without a sandbox. */
const limits = { processes: 64, bytes: 200 * 1024 ** 2, fileSize: 64 * 1024 ** 2, openFiles: 256 } as const;

/** Seconds for programs of an attempt, or of others that look like them at first, to be gone. */
const patience = 60;

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
  let victims: readonly ChildProcess[];
  let server: Server;
  let port: number;
  let machine: MachineState;
  const secret = `secret-${process.pid}-of-this-machine`;
  /** In the environment of attempts, and of what they leave running. */
  const mark = `attempt-of-${process.pid}`;

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

  beforeEach(async () => {
    victims = [
      await sleeper(),
      await sleeper(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']),
    ];
    machine = machineState(pidsOf(victims));
  });

  afterEach(async () => {
    const found = await lasting(changesNow, patience);
    for (const victim of victims) victim.kill('SIGKILL');
    // The machine is as it was.
    expect(found).to.deep.equal([]);
    expect(await readFile(secretFile, 'utf8')).to.equal(`${secret}\n`);
    expect(readdirSync(directory)).to.deep.equal(['secret']);
    expect(cgroupsOf(process.pid)).to.deep.equal([]);
  });

  function changesNow(): readonly string[] {
    const marks = { firstUser: statSync(tree).uid, text: mark };
    return changes(machine, machineState(pidsOf(victims)), marks);
  }

  /** From outside: within, a guest that has too much is ended before it can. */
  async function emptyTmp(): Promise<void> {
    await run('find', [join(tree, 'tmp'), '-mindepth', '1', '-delete']);
  }

  /** The output of a script without a sandbox: as root, with the tree as its root directory. */
  async function without(script: string): Promise<string> {
    const enter = `mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && exec chroot "$1" /bin/sh -c "$2"`;
    const spaces = ['--mount', '--propagation', 'private'];
    const { stdout } = await run('unshare', [...spaces, 'sh', '-c', enter, 'sh', tree, script], {
      env: { ...process.env, ESCAPE_MARK: mark },
    });
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
        env: { ESCAPE_MARK: mark },
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

  it('do not go unnoticed if they change the machine', async () => {
    const orphan = `sleep 300 >/dev/null 2>&1 </dev/null & echo $!`;
    const outOf = ['--reuid', String(statSync(tree).uid + 1000), '--regid=65534', '--clear-groups'];
    for (const [file, ...args] of [
      ['env', '-i', 'sh', '-c', orphan],
      ['env', '-i', 'setpriv', ...outOf, 'sh', '-c', orphan],
      ['env', `ESCAPE_MARK=${mark}`, 'setsid', 'sh', '-c', orphan],
    ] as const) {
      const { stdout } = await run(file, args);
      const pid = Number(stdout);
      expect(changesNow().join('\n')).to.contain(`new process ${pid}: sleep`);
      process.kill(pid, 'SIGKILL');
    }
    const setting = '/proc/sys/vm/swappiness';
    const value = readFileSync(setting, 'utf8');
    writeFileSync(setting, value.trim() === '1' ? '2' : '1');
    expect(changesNow().join('\n')).to.contain(`setting ${setting}: `);
    writeFileSync(setting, value);
    const file = `/etc/cron.d-of-${process.pid}`;
    writeFileSync(file, '');
    expect(changesNow().join('\n')).to.contain(`file ${file}: none -> `);
    await rm(file);
    const [pid = 0] = pidsOf(victims);
    const before = getPriority(pid);
    await run('renice', ['-n', String(before + 5), '-p', String(pid)]);
    expect(changesNow().join('\n')).to.contain(`nice value, start of process ${pid}: `);
    await run('renice', ['-n', String(before), '-p', String(pid)]);
  });

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

  it('trace a process of the machine', async () => {
    const victim = await sleeper();
    await expectContained(
      `perl -e 'exit(syscall(101, 16, ${victim.pid}, 0, 0) == 0 ? 0 : 1)' && echo ${success}`,
    );
    victim.kill('SIGKILL');
  });

  it('end a process of the machine', async () => {
    const victim = await sleeper();
    const end = `kill -9 ${victim.pid} && echo ${success}`;
    expect((await within(end)).output).not.to.contain(success);
    expect((await within(`kill -9 -1; ${end}`)).output).not.to.contain(success);
    expect(victim.exitCode ?? victim.signalCode).to.equal(null);
    expect(await without(end)).to.contain(success);
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
    await emptyTmp();
    const outcome = await within(fill);
    expect(outcome).to.have.property('code', 'limit_exceeded');
    expect(outcome.output).to.contain('bytes=');
    await emptyTmp();
  });

  it('write a file larger than a build may have', async () => {
    const large = `dd if=/dev/zero of=/tmp/large bs=1M count=80 2>/dev/null && echo ${success}; s=$?; rm -f /tmp/large; exit $s`;
    expect(await without(large)).to.contain(success);
    const outcome = await within(large);
    expect(outcome).to.have.property('code', 'limit_exceeded');
    expect(outcome.output).to.contain('fileSize=');
    await emptyTmp();
  });

  it('leave a daemon behind', async () => {
    const daemon = `rm -f /tmp/pid; setsid sh -c 'echo $$ >/tmp/pid; exec sleep 300' >/dev/null 2>&1 </dev/null & while [ ! -s /tmp/pid ]; do sleep 0.05; done; echo ${success}`;
    expect(await without(daemon)).to.contain(success);
    const pid = Number(await readFile(join(tree, 'tmp/pid'), 'utf8'));
    expect(existsSync(`/proc/${pid}`), 'without the sandbox it stays').to.equal(true);
    process.kill(pid, 'SIGKILL');
    await emptyTmp();
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

  // Without a sandbox the kernel refuses this one to whoever was given another root directory.
  it('make a user namespace', async () => {
    expect((await within(`unshare --user true && echo ${success}`)).output).not.to.contain(success);
  });

  for (const [title, script] of Object.entries(simpleAttempts))
    it(title, () => expectContained(`${script} && echo ${success}`));

  it('use a descriptor that the runtime has left open', async () => {
    const files = ['self', '1'].flatMap(pid =>
      ['.', '..', '../..', '../../..', '../../../../..'].map(up => `/proc/${pid}/fd/*/${up}${secretFile}`),
    );
    const script = `for file in ${files.join(' ')}; do ${reads('$file')}; done 2>/dev/null; true`;
    expect(await without(`exec 9</proc/${process.pid}/root; ${script}`)).to.contain(success);
    expect((await within(script)).output).not.to.contain(success);
  });

  it('leave a program behind that makes its user root', async () => {
    const leave = 'rm -f /tmp/suid; cp /bin/true /tmp/suid; chmod 4755 /tmp/suid';
    await without(leave);
    expect(statSync(join(tree, 'tmp/suid'))).to.include({ uid: 0, mode: 0o104755 });
    await emptyTmp();
    await within(leave);
    const { uid, mode } = statSync(join(tree, 'tmp/suid'));
    expect({ uid, mode }).to.deep.equal({ uid: statSync(tree).uid, mode: 0o104755 });
    // Nor does anybody else of the machine come near it.
    expect(statSync(join(tree, '../..')).mode & 0o077).to.equal(0);
  });

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

  it('leave files of theirs outside of their trees', async () => {
    const first = statSync(tree).uid;
    const ids = `-uid +${first - 1} -uid -${first + 65_536} -cnewer ${secretFile}`;
    // Files that go while find reads their directory make it fail.
    const outside = (except: string): Promise<{ stdout: string }> =>
      run('sh', [
        '-c',
        `find / /dev/shm /run -xdev '(' -path '*/node_modules' -o -path '${except}' -o -path /proc -o -path /sys ')' -prune -o ${ids} -print -quit 2>/dev/null; true`,
      ]);
    // The search finds such files; then none but those of the build.
    expect((await outside('/nowhere')).stdout).to.contain(tree);
    expect((await outside(context?.scratch ?? '')).stdout).to.equal('');
  });
});
