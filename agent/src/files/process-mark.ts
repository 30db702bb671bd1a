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

export async function ownMark(): Promise<ProcessMark> {
  return { host: hostname(), pid: process.pid, started: await startOf(process.pid) };
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

/** From /proc; `''` on systems without it. */
async function startOf(pid: number): Promise<string> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    // Field 22, starttime; field 2 is the name in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot.trim()}/${fields[19] ?? ''}`;
  } catch {
    return '';
  }
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
