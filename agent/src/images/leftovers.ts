import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../files/error-code.js';
import { takeLock } from '../files/lock.js';
import { isAlive, isProcessMark, ownMark } from '../files/process-mark.js';
import { attachmentSuffixes, filesOf, partsOfName } from './image-files.js';

/** Milliseconds after which a process on another host, whom nobody here can look after, counts as gone. */
const foreignAge = 24 * 3600 * 1000;
/** Milliseconds within which a file of a process that says nothing about itself may still be in the making. */
const freshAge = 60_000;

/** What was found in a directory of images and belongs to no image. */
export interface Leftovers {
  /** Files that are there no more. */
  readonly removed: readonly string[];
  /** Images whose process has ended in the middle of its work on them. */
  readonly abandoned: readonly string[];
}

/**
 * Removes what killed processes left: partial files, and bodies and documents without metadata. Whoever makes such files holds the image's
 * lock, so what nobody holds the lock for is nobody's.
 *
 * @param names of the files in the directory
 */
export async function removeLeftovers(directory: string, names: ReadonlySet<string>): Promise<Leftovers> {
  const removed: string[] = [];
  const abandoned: string[] = [];
  for (const identifier of suspects(names)) {
    const files = filesOf(directory, identifier);
    await removeCandidates(directory, identifier, names);
    const taken = await takeLock(files.lock);
    if (taken.kind === 'taken') continue;
    try {
      // Read anew: what was in the making may be complete by now.
      const present = (await readdir(directory)).flatMap(name => {
        const parts = partsOfName(name);
        return parts?.identifier === identifier ? [{ name, suffix: parts.suffix }] : [];
      });
      const complete = present.some(({ suffix }) => suffix === 'meta');
      for (const { name, suffix } of present) {
        if (!isPart(suffix) && (complete || !isOwned(suffix))) continue;
        await rm(join(directory, name), { force: true });
        removed.push(name);
      }
    } finally {
      await taken.lock.release();
    }
    if (names.has(`${identifier}.busy`) && (await isAbandoned(files.busy))) abandoned.push(identifier);
  }
  return { removed, abandoned };
}

/** Names of what would be removed, without removing it. */
export async function findLeftovers(
  directory: string,
  names: ReadonlySet<string>,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const identifier of suspects(names)) {
    if (await isHeld(filesOf(directory, identifier).lock)) continue;
    const complete = names.has(`${identifier}.meta`);
    for (const name of names) {
      const parts = partsOfName(name);
      if (parts?.identifier !== identifier) continue;
      if (isPart(parts.suffix) || (!complete && isOwned(parts.suffix))) found.push(name);
    }
  }
  return found;
}

/** Images about which there is more, or less, than there is about one at rest. */
function suspects(names: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const name of names) {
    const parts = partsOfName(name);
    if (parts === undefined) continue;
    const { identifier, suffix } = parts;
    const odd = isPart(suffix) || suffix === 'lock' || suffix === 'busy' || suffix.startsWith('lock.');
    if (odd || (isOwned(suffix) && !names.has(`${identifier}.meta`))) found.add(identifier);
  }
  return found;
}

function isPart(suffix: string): boolean {
  return suffix.endsWith('.part');
}

/** Whether such a file goes with its image. */
function isOwned(suffix: string): boolean {
  return suffix === 'body' || suffix === 'busy' || attachmentSuffixes.includes(suffix);
}

/** Removes what a process left that was killed while it was about to take the lock. */
async function removeCandidates(
  directory: string,
  identifier: string,
  names: ReadonlySet<string>,
): Promise<void> {
  for (const name of names) {
    if (!name.startsWith(`${identifier}.lock.`)) continue;
    const path = join(directory, name);
    if (await isAbandoned(path)) await rm(path, { force: true });
  }
}

/** Whether a living process has the lock. */
async function isHeld(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined && !(await isAbandoned(path));
}

/** Whether the process that a file names has ended. */
async function isAbandoned(path: string): Promise<boolean> {
  try {
    const age = Date.now() - (await stat(path)).mtimeMs;
    const owner: unknown = parsed(await readFile(path, 'utf8'));
    if (!isProcessMark(owner)) return age > freshAge;
    return owner.host === (await ownMark()).host ? !(await isAlive(owner)) : age > foreignAge;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
