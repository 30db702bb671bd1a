import { execFileSync } from 'node:child_process';

/**
 * Runs shell text for a guest with a directory in place of the guest's root, by the paths that it names, and with a `systemctl` that says how it was
 * called.
 *
 * @returns what it prints, with the guest's paths
 */
export function runInRoot(root: string, script: string): string {
  const there = script.replaceAll(/(^|[\s'"=])\/(etc|var|root|home|opt|usr|run)(?=[/ ])/gm, `$1${root}/$2`);
  const text = `systemctl() { echo "systemctl $*"; }\n${there}`;
  return execFileSync('/bin/sh', ['-c', text], { encoding: 'utf8' }).replaceAll(root, '');
}
