import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Numbers of a block device that root may open on this machine. */
export function openableDisk(): readonly [string, string] {
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
export function agentWith(code: string): ChildProcess {
  const text = `const { fakeContext } = await import(${JSON.stringify(import.meta.resolve('@imagefactory/plugin-api/testing'))});
    const context = await fakeContext({ run: 'real' });
    ${code}`;
  return spawn(process.execPath, ['--input-type=module', '-e', text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Ids of programs of containers with an argument; the agent itself has it in its code. */
export function processesWith(argument: string): readonly string[] {
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
export function cgroupsOf(pid: number | undefined): readonly string[] {
  return ['/sys/fs/cgroup/pids/imagefactory', '/sys/fs/cgroup/imagefactory'].flatMap(directory =>
    existsSync(directory) ? readdirSync(directory).filter(name => name.startsWith(`${String(pid)}-`)) : [],
  );
}

/** A process that does nothing, once it does it. */
export async function sleeper(prefix: readonly string[] = []): Promise<ChildProcess> {
  const child = spawn('env', [...prefix, 'sleep', '300'], { stdio: 'ignore' });
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  while (readFileSync(`/proc/${child.pid}/comm`, 'utf8') !== 'sleep\n') await sleep(5);
  return child;
}

export function pidsOf(children: readonly ChildProcess[]): readonly number[] {
  return children.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
}
