import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';

/** A process of this machine; ids are used again, so its start belongs to its identity. */
interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** Whether it is a thread of the kernel. */
  readonly kernel: boolean;
  readonly user: number;
  readonly cgroup: string;
}

/** Processes, mounts, settings, files and objects of this machine at one moment. */
export interface MachineState {
  /** By id and start. */
  readonly processes: ReadonlyMap<string, Process>;
  /** By names such as `mount …` and `setting …`. */
  readonly facts: ReadonlyMap<string, string>;
}

/** By which processes of builds are recognised, whatever they have become. */
export interface BuildMarks {
  /** First of the user ids of the build. */
  readonly firstUser: number;
  /** A text that the environment of the build has. */
  readonly text: string;
}

/** Number of user ids of a build. */
const blockSize = 65_536;

/** PF_KTHREAD of the kernel's `include/linux/sched.h`. */
const kernelThread = 0x0020_0000;

/** @param witnesses ids of processes that must stay exactly as they are */
export function machineState(witnesses: readonly number[]): MachineState {
  return {
    processes: processes(),
    facts: new Map([
      ...witnesses.flatMap(witness),
      // Before the mounts, for looking at settings can bring a mount about.
      ...settings('/proc/sys'),
      ...mounts('self'),
      ...mounts('1'),
      ...files(),
      ...network(),
      ...sharedObjects(),
    ]),
  };
}

/** What an attempt has changed on this machine, as sentences; empty if nothing. */
export function changes(before: MachineState, after: MachineState, marks: BuildMarks): readonly string[] {
  const names = new Set([...before.facts.keys(), ...after.facts.keys()]);
  const changed = [...names].filter(name => before.facts.get(name) !== after.facts.get(name));
  return [
    ...strangers(before, after, marks),
    ...changed.map(
      name => `${name}: ${before.facts.get(name) ?? 'none'} -> ${after.facts.get(name) ?? 'none'}`,
    ),
  ];
}

/**
 * New processes of a build or of this test. Other programs start and end processes all the time, so a new one is a stranger if it has the user
 * id, the environment or the control group of builds, if this process is the next ancestor that was there before, or if no ancestor was and
 * it is in the control group of this process or of the kernel's own helpers.
 */
function strangers(before: MachineState, after: MachineState, { firstUser, text }: BuildMarks): string[] {
  const byId = new Map([...after.processes].map(([key, found]) => [found.pid, { key, ...found }]));
  const own = byId.get(process.pid)?.cgroup;
  const isStranger = (found: Process): boolean => {
    if (found.kernel) return false;
    if (found.user >= firstUser && found.user < firstUser + blockSize) return true;
    if (/\/imagefactory\/\d/.test(found.cgroup) || environmentOf(found.pid).includes(text)) return true;
    let ancestor = byId.get(found.parent);
    while (ancestor !== undefined && ancestor.pid !== 1 && !ancestor.kernel) {
      if (before.processes.has(ancestor.key)) return ancestor.pid === process.pid;
      ancestor = byId.get(ancestor.parent);
    }
    return found.cgroup === own || /^(?:\d+:[^\n]*:\/\n?)*$/.test(found.cgroup);
  };
  return [...after.processes]
    .filter(([key, found]) => !before.processes.has(key) && isStranger(found))
    .map(
      ([, { pid, name, user, parent }]) => `new process ${pid}: ${name} of user ${user}, child of ${parent}`,
    );
}

function processes(): ReadonlyMap<string, Process> {
  const all = new Map<string, Process>();
  for (const pid of numbersIn('/proc')) {
    const stat = text(`/proc/${pid}/stat`);
    const end = stat.lastIndexOf(')');
    // From the third field of proc_pid_stat(5) on.
    const fields = stat.slice(end + 2).split(' ');
    // Not the owner of the directory, which is root for programs that may not be dumped.
    const user = /^Uid:\s+(\d+)/m.exec(text(`/proc/${pid}/status`))?.[1];
    if (end < 0 || user === undefined) continue;
    all.set(`${pid} since ${fields[19] ?? ''}`, {
      ...{ pid, user: Number(user), parent: Number(fields[1]), name: stat.slice(stat.indexOf('(') + 1, end) },
      ...{ kernel: (Number(fields[6]) & kernelThread) !== 0, cgroup: text(`/proc/${pid}/cgroup`) },
    });
  }
  return all;
}

/** Everything of a sleeping process that others could change. */
function witness(pid: number): readonly (readonly [string, string])[] {
  const directory = `/proc/${pid}`;
  const state = text(`${directory}/status`).match(
    /^(?:Name|Umask|Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|TracerPid|Sig[A-Z]|Cpus).*/gm,
  );
  const fields = text(`${directory}/stat`)
    .replace(/^.*\) /, '')
    .split(' ');
  const links = ['cwd', 'exe', 'root', 'ns/mnt', 'ns/pid', 'ns/net', 'ns/user'];
  const rest = ['oom_score_adj', 'limits', 'cgroup', 'cmdline'];
  return [
    ['state', (state ?? []).join('; ')],
    ['run state', /[TtZX]/.test(fields[0] ?? 'X') ? 'stopped or ended' : 'running'],
    // See proc_pid_stat(5).
    ['parent, priority, nice value, start', [1, 15, 16, 19].map(index => fields[index]).join(' ')],
    ...links.map(name => [name, link(`${directory}/${name}`)] as const),
    ...rest.map(name => [name, text(`${directory}/${name}`)] as const),
  ].map(([name = '', value = '']) => [`${name} of process ${pid}`, value]);
}

function mounts(pid: string): readonly (readonly [string, string])[] {
  const lines = text(`/proc/${pid}/mountinfo`).trimEnd().split('\n');
  return lines.map(line => [`mount of process ${pid} ${line.split(' ', 1)[0] ?? ''}`, line]);
}

/** Settings that the kernel changes by itself, and those of network interfaces that come and go. */
const ownChanges =
  /kernel\/(?:ns_last_pid|perf_event_max_sample_rate|hung_task_warnings|tainted)$|\/(?:conf|neigh)\/(?!all\/|default\/|lo\/)[^/]+\//;

/** All settings that can be changed by writing. */
function settings(directory: string): readonly (readonly [string, string])[] {
  return namesIn(directory).flatMap(name => {
    const path = join(directory, name);
    const found = status(path);
    if (found?.isDirectory() === true) return settings(path);
    if (found === undefined || (found.mode & 0o222) === 0 || (found.mode & 0o444) === 0) return [];
    return ownChanges.test(path) ? [] : [[`setting ${path}`, text(path).trim()] as const];
  });
}

/** Directories whose files are compared: those where a program with root's rights makes itself at home. */
const watched = ['/', '/root', '/boot', '/dev', '/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'];
const watchedWhole = ['/etc', '/var/spool/cron'];

function files(): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  const visit = (path: string, deep: boolean): void => {
    for (const name of namesIn(path)) {
      const file = join(path, name);
      const info = status(file);
      if (info === undefined) continue;
      found.push([`file ${file}`, described(file, info)]);
      if (deep && info.isDirectory()) visit(file, true);
    }
  };
  for (const path of watched) visit(path, false);
  for (const path of watchedWhole) visit(path, true);
  return found;
}

/** Of directories without their times, which change with what is in them; of devices without those of their use. */
function described(path: string, info: Stats): string {
  const common = `${info.mode.toString(8)} ${info.uid}:${info.gid}`;
  if (info.isSymbolicLink()) return `${common} ${link(path)}`;
  return info.isFile() ? `${common} ${info.ino} ${info.size} ${info.ctimeMs}` : `${common} ${info.rdev}`;
}

function network(): readonly (readonly [string, string])[] {
  const devices = [...text('/proc/net/dev').matchAll(/^ *(\S+):/gm)].map(([, name = '']) => name);
  return [
    ['network devices', devices.sort().join(' ')],
    ['routes', text('/proc/net/route')],
  ];
}

/** Shared memory, semaphores and queues of System V, by key and id. */
function sharedObjects(): readonly (readonly [string, string])[] {
  return ['shm', 'sem', 'msg'].map(kind => {
    const lines = text(`/proc/sysvipc/${kind}`).trimEnd().split('\n').slice(1);
    return [`objects of ${kind}`, lines.map(line => line.trim().split(/\s+/, 2).join(' ')).join(', ')];
  });
}

function environmentOf(pid: number): string {
  return text(`/proc/${pid}/environ`);
}

function numbersIn(directory: string): readonly number[] {
  return namesIn(directory)
    .filter(name => /^\d+$/.test(name))
    .map(Number);
}

/** What ends while it is read is not there. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function status(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
