import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../files/error-code.js';
import { foreignness } from '../files/own-directory.js';
import { removeTree } from '../files/remove-tree.js';
import { errorLine } from '../log/index.js';
import type { Leftover } from './leftover.js';
import { releaseLoopsOf, unmountBelow } from './mounts.js';
import { killUsersOf } from './processes.js';

const run = promisify(execFile);

/**
 * Removes a directory of a dead agent with all that uses it: first the processes, then mounts and loop devices, then the files. What
 * could not be removed is told, and keeps nothing else from being removed.
 *
 * @param directory absolute and free of symbolic links; unless it is a real directory of this user alone (mode 0700), nothing is ended,
 * unmounted or removed
 */
export async function removeArea(directory: string): Promise<readonly Leftover[]> {
  const foreign = await foreignness(directory);
  if (foreign !== undefined) return [{ what: directory, why: foreign }];
  const found: Leftover[] = [
    ...(await killUsersOf(directory)),
    ...(await unmountBelow(directory)),
    ...(await releaseLoopsOf(directory)),
  ];
  const mounts = found.find(({ what, why }) => why !== undefined && what.startsWith('mount '));
  const names = await readdir(directory).catch(() => []);
  const parts = names.map(name => join(directory, name));
  if (mounts !== undefined) {
    // Whatever is mounted there may be anybody's: better a directory too many than a file too few.
    return [...found, ...parts.map(what => ({ what, why: `${mounts.what} could not be undone` }))];
  }
  for (const part of [...parts, directory]) {
    const why = await removal(part);
    if (part !== directory || why !== undefined)
      found.push({ what: part, ...(why === undefined ? {} : { why }) });
  }
  return found;
}

/** Why it could not be removed. */
async function removal(path: string): Promise<string | undefined> {
  try {
    await removeTree(path);
    return undefined;
  } catch (error) {
    if (process.getuid?.() === 0 || !['EACCES', 'EPERM', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) {
      return errorLine(error);
    }
  }
  try {
    // Files of an unprivileged build belong to ids that only a user namespace of the same user can touch.
    const own = ['--map-root-user', '--map-auto', '--', 'rm', '-rf', '--one-file-system', '--', path];
    await run('unshare', own, { timeout: 120_000 });
    return undefined;
  } catch (error) {
    return errorLine(error);
  }
}
