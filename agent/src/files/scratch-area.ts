import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { errorCode } from './error-code.js';
import { startOf } from './process-mark.js';
import { removeTree } from './remove-tree.js';

/** The directory of one agent process under the temporary directory, in which every build has one of its own. */
export interface ScratchArea {
  /** Absolute path of the temporary directory. */
  readonly parent: string;
  /** Makes the empty directory of a build; readable by its owner alone. */
  create(name: string): Promise<string>;
  /** Removes the area and everything in it. */
  remove(): Promise<void>;
}

/**
 * Makes the area, and removes those of agents on this machine that were killed.
 *
 * @param removeDead removes the area of a dead agent with all that uses it; default: the files alone
 */
export async function openScratchArea(
  temporary: string,
  removeDead: (area: string) => Promise<void> = removeTree,
): Promise<ScratchArea> {
  const parent = resolve(temporary);
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) if (await isDead(name)) await removeDead(join(parent, name));
  // The name says whose it is: there is no moment at which it is nobody's, whenever the process dies.
  const area = await mkdtemp(
    join(parent, `${prefix}${process.pid}-${own.host}-${await startDigest(process.pid)}-`),
  );
  return {
    parent,
    async create(name) {
      const path = join(area, name);
      await mkdir(path, { mode: 0o700 });
      return path;
    },
    remove: () => removeTree(area),
  };
}

const prefix = 'imagefactory-';
const own = { host: digest(hostname()) };

/** Whether the name is that of an area on this host whose process is gone. */
async function isDead(name: string): Promise<boolean> {
  const [, pid, host, start] = /^imagefactory-(\d+)-([0-9a-f]{8})-([0-9a-f]{8})-\w{6}$/.exec(name) ?? [];
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
