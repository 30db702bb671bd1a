import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { errorCode } from './error-code.js';
import { foreignness, openOwnDirectory } from './own-directory.js';
import { startOf } from './process-mark.js';
import { removeTree } from './remove-tree.js';

/** The directory of one agent process, in which every build has one of its own. */
export interface ScratchArea {
  /** Absolute path of the directory of this user, below the temporary directory, in which all areas are. */
  readonly parent: string;
  /** Makes the empty directory of a build; readable by its owner alone. */
  create(name: string): Promise<string>;
  /** Removes the area and everything in it. */
  remove(): Promise<void>;
}

export interface ScratchAreaOptions {
  /** Removes the area of a dead agent with all that uses it; default: the files alone. */
  readonly removeDead?: (area: string) => Promise<void>;
  /** Is given each thing that has the name of a directory or area of ours and is not used or removed, with the reason. */
  readonly onForeign?: (path: string, why: string) => void;
}

/** Another agent of this user may remove the empty parent between two steps of ours. */
const attempts = 10;

/**
 * Makes the area, and removes those of agents on this machine that were killed: real directories of this user with the mode
 * 0700, in a directory that is this user's alone. Anything else of such a name is left as it is.
 *
 * @param temporary may be writable by others, if it has the sticky bit
 * @throws Error with the remedy if another user can exchange it
 */
export async function openScratchArea(
  temporary: string,
  { removeDead = removeTree, onForeign = () => undefined }: ScratchAreaOptions = {},
): Promise<ScratchArea> {
  for (let attempt = 1; ; attempt += 1) {
    const parent = await openOwnDirectory(temporary, onForeign);
    try {
      await removeDeadAreas(parent, removeDead, onForeign);
      // The name says whose it is: there is no moment at which it is nobody's, whenever the process dies.
      const start = await startDigest(process.pid);
      return areaAt(parent, await mkdtemp(join(parent, `${process.pid}-${own.host}-${start}-`)));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || attempt === attempts) throw error;
    }
  }
}

function areaAt(parent: string, area: string): ScratchArea {
  return {
    parent,
    async create(name) {
      const path = join(area, name);
      await mkdir(path, { mode: 0o700 });
      return path;
    },
    async remove() {
      await removeTree(area);
      // Others of this user may be in it.
      await rmdir(parent).catch(() => undefined);
    },
  };
}

async function removeDeadAreas(
  parent: string,
  removeDead: (area: string) => Promise<void>,
  onForeign: (path: string, why: string) => void,
): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!(await isDead(name))) continue;
    const area = join(parent, name);
    const why = await foreignness(area);
    if (why === undefined) await removeDead(area);
    else onForeign(area, why);
  }
}

const own = { host: digest(hostname()) };

/** Whether the name is that of an area on this host whose process is gone. */
async function isDead(name: string): Promise<boolean> {
  const [, pid, host, start] = /^(\d+)-([0-9a-f]{8})-([0-9a-f]{8})-\w{6}$/.exec(name) ?? [];
  if (pid === undefined || host !== own.host) return false;
  return !isThere(Number(pid)) || start !== (await startDigest(Number(pid)));
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    return errorCode(error) === 'EPERM';
  }
}

async function startDigest(pid: number): Promise<string> {
  return digest(await startOf(pid));
}

/** Short, because tools put sockets below, whose paths may not be long. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
