import { readdir, readFile, readlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOf, statFields } from '../files/process-mark.js';
import type { Leftover } from './leftover.js';

/** A process group by its leader, and the leader's start, which tells it from a later process with the same id. */
export interface GroupMark {
  readonly pid: number;
  readonly started: string;
}

/** Milliseconds within which a process is gone after SIGKILL, unless it hangs in the kernel. */
const patience = 5_000;

/** Kills a process group of a dead agent, if it is still the one that was noted. Nothing comes back when there is nothing left. */
export async function killGroup(mark: GroupMark): Promise<Leftover | undefined> {
  const members = await membersOf(mark.pid);
  if (members.length === 0) return undefined;
  // As long as a group has members, the kernel gives its number to no new process: a leader with another start leads another group.
  const found = await startOf(mark.pid);
  const start = found === 'ended' ? '' : found;
  if (mark.started === '' || (start !== '' && start !== mark.started)) return undefined;
  if (start === '' && !(await sameBoot(mark))) return undefined;
  const what = `process group ${mark.pid} (${await commandOf(members)})`;
  signal(-mark.pid);
  return (await gone(() => membersOf(mark.pid))) ? { what } : { what, why: 'it does not end' };
}

/** Kills the processes that were started for a directory: their TMPDIR, or their root directory, is in it. */
export async function killUsersOf(directory: string): Promise<readonly Leftover[]> {
  const killed = new Map<number, string>();
  // Each time all that are there by now: one may have started another right before its own end.
  const killAll = async (): Promise<readonly number[]> => {
    const users = await usersOf(directory);
    for (const pid of users) {
      if (!killed.has(pid)) killed.set(pid, `process ${pid} (${await commandOf([pid])}) of ${directory}`);
      signal(pid);
    }
    return users;
  };
  const left = (await gone(killAll)) ? new Set<number>() : new Set(await usersOf(directory));
  return [...killed].map(([pid, what]) => (left.has(pid) ? { what, why: 'it does not end' } : { what }));
}

async function processes(): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => []);
  return names.filter(name => /^\d+$/.test(name)).map(Number);
}

async function membersOf(group: number): Promise<readonly number[]> {
  const members: number[] = [];
  for (const pid of await processes()) {
    const fields = statFields(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
    if (Number(fields[2]) === group && fields[0] !== 'Z' && fields[0] !== 'X') members.push(pid);
  }
  return members;
}

async function usersOf(directory: string): Promise<readonly number[]> {
  const users: number[] = [];
  for (const pid of await processes()) {
    if (pid === process.pid) continue;
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    const temporary = environment
      .split('\0')
      .find(entry => entry.startsWith('TMPDIR='))
      ?.slice('TMPDIR='.length);
    const root = await readlink(`/proc/${pid}/root`).catch(() => '');
    if (isBelow(resolve('/', temporary ?? ''), directory) || isBelow(root, directory)) users.push(pid);
  }
  return users;
}

export function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

async function sameBoot({ started }: GroupMark): Promise<boolean> {
  const own = await startOf(process.pid);
  return own.split('/')[0] === started.split('/')[0];
}

async function commandOf(pids: readonly number[]): Promise<string> {
  const [pid = 0] = pids;
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return name.trim() === '' ? 'unnamed' : name.trim();
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself, or somebody else's: what is left is looked at afterwards.
  }
}

async function gone(left: () => Promise<readonly number[]>): Promise<boolean> {
  const deadline = Date.now() + patience;
  for (let pause = 5; ; pause = Math.min(pause * 2, 200)) {
    if ((await left()).length === 0) return true;
    if (Date.now() > deadline) return false;
    await sleep(pause);
  }
}
