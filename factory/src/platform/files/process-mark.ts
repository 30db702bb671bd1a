import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errorCode } from './error-code.js';

/** Names one process for as long as the machine runs; a process that gets the same id later has another start. */
export interface ProcessMark {
  readonly host: string;
  readonly pid: number;
  /** Boot of the machine and start of the process since then; `''` where the system doesn't tell. */
  readonly started: string;
}

let own: Promise<ProcessMark> | undefined;

export function ownMark(): Promise<ProcessMark> {
  // It stays what it is: who takes thousands of locks need not read /proc for each.
  own ??= startOf(process.pid).then(started => ({ host: hostname(), pid: process.pid, started }));
  return own;
}

/** Whether the process still runs; only asked about processes of this host. */
export async function isAlive(mark: ProcessMark): Promise<boolean> {
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    if (errorCode(error) !== 'EPERM') return false;
  }
  const started = await startOf(mark.pid);
  return started === '' || mark.started === '' || started === mark.started;
}

export function isSameProcess(a: ProcessMark, b: ProcessMark): boolean {
  return a.host === b.host && a.pid === b.pid && a.started === b.started;
}

const bootFile = '/proc/sys/kernel/random/boot_id';

/** From /proc; `''` on systems without it. */
export async function startOf(pid: number): Promise<string> {
  try {
    return startFrom(await readFile(bootFile, 'utf8'), await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return '';
  }
}

/** As {@link startOf}, before anything else can happen. */
export function startOfNow(pid: number): string {
  try {
    return startFrom(readFileSync(bootFile, 'utf8'), readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return '';
  }
}

function startFrom(boot: string, stat: string): string {
  // A zombie has ended: only its parent has not asked yet how.
  if (/^[ZX]$/.test(statFields(stat)[0] ?? '')) return 'ended';
  return `${boot.trim()}/${statFields(stat)[19] ?? ''}`;
}

/** Fields of /proc/<pid>/stat from the third on; the second is the name in parentheses and may hold anything. */
export function statFields(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

export function isProcessMark(value: unknown): value is ProcessMark {
  return (
    typeof value === 'object' &&
    value !== null &&
    'host' in value &&
    typeof value.host === 'string' &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'started' in value &&
    typeof value.started === 'string'
  );
}
