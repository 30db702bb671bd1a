import { spawn } from 'node:child_process';

/**
 * Kills a process group when this process ends, even by SIGKILL: a helper waits for the end of a pipe that only we hold open.
 *
 * @returns to be called when the group has ended by itself
 */
export function guardGroup(group: number): () => void {
  const guard = spawn('/bin/sh', ['-c', 'cat >/dev/null; kill -s KILL -- "-$1"', 'guard', String(group)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // what ends our own group must not end the guard before its work
  });
  guard.unref();
  guard.stdin.on('error', () => undefined);
  guard.once('error', () => undefined); // no shell: then only an orderly end stops the group
  return () => {
    if (guard.pid !== undefined) signalGroup(guard.pid, 'SIGKILL');
  };
}

/** Signals a process group; one that has ended is fine too. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
