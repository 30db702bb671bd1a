import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

/** A program that runs as the leader of a process group of its own, so that all its children can be ended with it. */
export interface ProcessGroup {
  /** Id of the group and of its leader; undefined when the program could not be started. */
  readonly pid: number | undefined;
  /** Settles when the program and every process left in its group are gone. Never rejects. */
  readonly ended: Promise<GroupEnd>;
  /** Writes to standard input; without effect once the program has ended. */
  readonly write: (text: string) => void;
  /** SIGTERM to the group, and SIGKILL to what is left of it after the grace period. Returns at once; see `ended`. */
  readonly stop: () => void;
}

export type GroupEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'not-started'; readonly code: string; readonly cause: unknown };

export interface GroupOptions {
  readonly cwd?: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Bytes for standard input, or `'open'` to leave it open for `write`. Without it standard input is empty. */
  readonly input?: Uint8Array | 'open';
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly grace: number;
  readonly onData: (chunk: Uint8Array, stream: 'stdout' | 'stderr') => void;
}

/** Milliseconds to wait for the end of output after the last process of the group has gone. */
const drainTime = 1000;

/** Groups still alive, killed if Node.js exits: a detached group would outlive it otherwise. */
const alive = new Set<number>();

function killAllNow(): void {
  for (const pid of alive) signalGroup(pid, 'SIGKILL');
}

/** Starts `file` in a new process group. Failures to start are reported through `ended` too. */
export function spawnGroup(file: string, args: readonly string[], options: GroupOptions): ProcessGroup {
  const { input } = options;
  const child = execa(file, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(input === undefined || input === 'open' ? {} : { input }),
    stdin: input === 'open' ? 'pipe' : input === undefined ? 'ignore' : 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    env: options.env,
    extendEnv: false,
    detached: true,
    buffer: false,
    reject: false,
  });
  const { pid } = child;
  child.stdout.on('data', (chunk: Uint8Array) => options.onData(chunk, 'stdout'));
  child.stderr.on('data', (chunk: Uint8Array) => options.onData(chunk, 'stderr'));
  // A program may close its input before it has read it all; how it ends says whether that was wrong.
  child.stdin?.on('error', () => undefined);

  if (pid !== undefined) {
    if (alive.size === 0) process.once('exit', killAllNow);
    alive.add(pid);
  }
  let stopping: Promise<void> | undefined;
  const stop = () => {
    if (pid !== undefined) stopping ??= endGroup(pid, options.grace);
  };
  const gone = async (): Promise<GroupEnd> => {
    if (pid === undefined) {
      const { code, cause } = await child;
      return { kind: 'not-started', code: code ?? 'UNKNOWN', cause };
    }
    if (child.exitCode === null && child.signalCode === null) {
      await new Promise<void>(resolve => child.once('exit', () => resolve()));
    }
    // Whatever the program left running in its group ends with it.
    stop();
    await stopping;
    alive.delete(pid);
    if (alive.size === 0) process.off('exit', killAllNow);
    const drained = await Promise.race([child.then(() => true), sleep(drainTime, false, { ref: false })]);
    if (!drained) {
      // A daemon that left the group holds our pipes open; nobody waits for what it may still say.
      child.stdout.destroy();
      child.stderr.destroy();
    }
    return child.exitCode === null
      ? { kind: 'killed', signal: child.signalCode ?? 'unknown signal' }
      : { kind: 'exited', status: child.exitCode };
  };
  return {
    pid,
    ended: gone(),
    stop,
    write: text => {
      if (child.stdin?.writable === true) child.stdin.write(text);
    },
  };
}

async function endGroup(pid: number, grace: number): Promise<void> {
  if (!signalGroup(pid, 'SIGTERM')) return;
  const deadline = Date.now() + grace;
  let pause = 2;
  while (Date.now() < deadline) {
    await sleep(pause);
    if (!signalGroup(pid, 0)) return;
    pause = Math.min(pause * 2, 50);
  }
  signalGroup(pid, 'SIGKILL');
}

/** Whether the group has (or had, just now) a process in it. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
