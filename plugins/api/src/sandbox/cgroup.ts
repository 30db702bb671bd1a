import { readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const mountPoint = '/sys/fs/cgroup';
const parent = 'imagefactory';

let count = 0;

/** A path of its own for the control group of a container; it says which process it belongs to. */
export function newCgroup(): string {
  count += 1;
  return `/${parent}/${process.pid}-${startOf(process.pid)}-${count}`;
}

/** Which limits of a control group were reached, by the kernel's own count. */
export function cgroupReached(cgroup: string): 'processes' | 'memory' | undefined {
  for (const directory of directoriesOf(cgroup)) {
    if (eventCount(directory, 'pids.events', 'max') > 0) return 'processes';
    const killed =
      eventCount(directory, 'memory.events', 'oom_kill') +
      eventCount(directory, 'memory.oom_control', 'oom_kill');
    if (killed > 0) return 'memory';
  }
  return undefined;
}

/** Removes a control group whose processes are ending. */
export async function removeCgroup(cgroup: string): Promise<void> {
  for (const directory of directoriesOf(cgroup)) {
    for (let attempt = 0; attempt < 50 && !removed(directory); attempt++) await sleep(10);
  }
}

/** Removes the control groups of processes that were killed. */
export function removeDeadCgroups(): void {
  for (const hierarchy of hierarchies()) {
    for (const name of namesIn(join(hierarchy, parent))) {
      const [pid = '', start] = name.split('-');
      if (/^\d+$/.test(pid) && startOf(Number(pid)) !== start) removed(join(hierarchy, parent, name));
    }
  }
}

function directoriesOf(cgroup: string): readonly string[] {
  return hierarchies().map(hierarchy => join(hierarchy, cgroup));
}

/** The unified hierarchy and those of version 1, whichever are mounted. */
function hierarchies(): readonly string[] {
  return [mountPoint, ...namesIn(mountPoint).map(name => join(mountPoint, name))];
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function eventCount(directory: string, file: string, key: string): number {
  try {
    const text = readFileSync(join(directory, file), 'utf8');
    return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Whether it is gone. */
function removed(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code !== 'EBUSY';
  }
}

/** Clock ticks from the machine's start to the process's; `''` when there is no such process. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
