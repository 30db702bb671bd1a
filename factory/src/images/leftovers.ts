import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { takeLock } from '../platform/files/lock.js';
import { isAbandoned, isHeld } from './busy-mark.js';
import { attachmentSuffixes, filesOf, partsOfName } from './image-files.js';

/** What was found in a directory of images and belongs to no image. */
export interface Leftovers {
  /** Files that are there no more. */
  readonly removed: readonly string[];
  /** Images whose process has ended in the middle of its work on them. */
  readonly abandoned: readonly string[];
}

/** The ends of the names of an image's files. */
type Suffixes = ReadonlySet<string>;

/**
 * Removes what killed processes left: partial files, and bodies and documents without metadata. Whoever makes such files holds the image's
 * lock, or is named by its `.busy` file; what nobody has is nobody's.
 *
 * @param names of the files in the directory
 */
export async function removeLeftovers(directory: string, names: ReadonlySet<string>): Promise<Leftovers> {
  const removed: string[] = [];
  const abandoned: string[] = [];
  for (const [identifier, suffixes] of suspects(names)) {
    const files = filesOf(directory, identifier);
    await removeCandidates(directory, identifier, suffixes);
    if (suffixes.has('busy')) {
      if (await isHeld(files.busy)) continue;
      if (suffixes.has('meta')) abandoned.push(identifier);
      // An image that a process had begun to work on, and nothing else: nothing is to be removed.
      if (![...suffixes].some(suffix => isPart(suffix) || suffix === 'lock') && suffixes.has('meta'))
        continue;
    }
    const taken = await takeLock(files.lock);
    if (taken.kind === 'taken') continue;
    try {
      // Read anew: what was in the making may be complete by now.
      const present = groupsOf(await readdir(directory)).get(identifier) ?? new Set();
      for (const suffix of present) {
        if (!isLeft(suffix, present)) continue;
        await rm(join(directory, `${identifier}.${suffix}`), { force: true });
        removed.push(`${identifier}.${suffix}`);
      }
    } finally {
      taken.lock.release();
    }
  }
  return { removed, abandoned };
}

/** Names of what would be removed, without removing it. */
export async function findLeftovers(
  directory: string,
  names: ReadonlySet<string>,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [identifier, suffixes] of suspects(names)) {
    const { busy, lock } = filesOf(directory, identifier);
    if ((await isHeld(lock)) || (await isHeld(busy))) continue;
    for (const suffix of suffixes) {
      if (isLeft(suffix, suffixes)) found.push(`${identifier}.${suffix}`);
    }
  }
  return found;
}

/** Images about which there is more, or less, than there is about one at rest. */
function suspects(names: ReadonlySet<string>): ReadonlyMap<string, Suffixes> {
  const found = groupsOf(names);
  for (const [identifier, suffixes] of found) {
    const isOdd = [...suffixes].some(
      suffix =>
        isPart(suffix) ||
        suffix === 'lock' ||
        suffix === 'busy' ||
        suffix.startsWith('lock.') ||
        isLeft(suffix, suffixes),
    );
    if (!isOdd) found.delete(identifier);
  }
  return found;
}

function groupsOf(names: Iterable<string>): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>();
  for (const name of names) {
    const parts = partsOfName(name);
    if (parts === undefined) continue;
    const group = groups.get(parts.identifier);
    if (group === undefined) groups.set(parts.identifier, new Set([parts.suffix]));
    else group.add(parts.suffix);
  }
  return groups;
}

/** Whether nobody's file, by what else there is of its image. */
function isLeft(suffix: string, all: Suffixes): boolean {
  return isPart(suffix) || (isOwned(suffix) && !all.has('meta'));
}

function isPart(suffix: string): boolean {
  return suffix.endsWith('.part');
}

/** Whether such a file goes with its image. */
function isOwned(suffix: string): boolean {
  return suffix === 'body' || suffix === 'busy' || attachmentSuffixes.includes(suffix);
}

/** Removes what a process left that was killed while it was about to take the lock. */
async function removeCandidates(directory: string, identifier: string, suffixes: Suffixes): Promise<void> {
  for (const suffix of suffixes) {
    if (!suffix.startsWith('lock.')) continue;
    const path = join(directory, `${identifier}.${suffix}`);
    if (await isAbandoned(path)) await rm(path, { force: true });
  }
}
