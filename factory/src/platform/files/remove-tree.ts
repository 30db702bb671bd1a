import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readFile, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from './error-code.js';

/** Passes over a directory in which new entries appear and no directory was moved, before it counts as one that cannot be emptied. */
const passLimit = 4;
/** Milliseconds between such passes. */
const pause = 50;

/**
 * Removes a directory with everything in it, also while another process still writes there for a moment. A file or a symbolic link at
 * `path` is removed itself; nothing to remove is no error.
 *
 * No link is ever followed, whatever other processes exchange in the tree meanwhile: directories are opened with O_NOFOLLOW and
 * their entries reached through the open descriptor. Nothing on another mount is removed.
 *
 * @throws Error `EBUSY` for a mount inside the tree, else the file system's own errors
 */
export async function removeTree(path: string): Promise<void> {
  // Entries of an open directory can be reached by path on Linux alone.
  if (process.platform !== 'linux') return rm(path, { recursive: true, force: true });
  const parent = await openDirectory(Buffer.from(dirname(resolve(path))), constants.O_DIRECTORY);
  if (parent === undefined) return;
  try {
    await removeEntry(parent, Buffer.from(basename(path)));
  } finally {
    await parent.close();
  }
}

async function removeEntry(parent: FileHandle, name: Buffer): Promise<void> {
  const path = entryOf(parent, name);
  const found = await unlessMissing(lstat(path));
  if (found === undefined) return;
  if (!found.isDirectory()) {
    await unlessMissing(unlink(path));
    return;
  }
  for (let pass = 1; ; pass += 1) {
    const directory = await openDirectory(path);
    if (directory === undefined) return;
    try {
      await assertSameMount(directory, parent, name);
      await empty(directory);
    } finally {
      await directory.close();
    }
    if (await removedEmpty(path)) return;
    if (pass === passLimit) return rmdir(path);
    await sleep(pause);
  }
}

/** Empties a directory: deeper ones are moved up into it, so that a tree of any depth takes two descriptors and short paths. */
async function empty(top: FileHandle): Promise<void> {
  for (let quietPasses = 0; quietPasses < passLimit; ) {
    let moved = 0;
    const entries = await entriesIn(top);
    if (entries.length === 0) return;
    for (const { name, isDirectory } of entries) {
      if (isDirectory) moved += await dissolve(top, name);
      else await unlessMissing(unlink(entryOf(top, name)));
    }
    if (moved === 0) quietPasses += 1;
  }
}

/** @returns the number of directories that were moved up */
async function dissolve(top: FileHandle, name: Buffer): Promise<number> {
  const path = entryOf(top, name);
  if (await removedEmpty(path)) return 0;
  const directory = await openDirectory(path);
  if (directory === undefined) return 0;
  let moved = 0;
  try {
    await assertSameMount(directory, top, name);
    // A directory of ours may be read-only. One of another user stays as it is: what follows says so.
    if (process.getuid?.() !== 0) await directory.chmod(0o700).catch(() => undefined);
    for (const entry of await entriesIn(directory)) {
      const inside = entryOf(directory, entry.name);
      if (!entry.isDirectory) await unlessMissing(unlink(inside));
      else if (!(await removedEmpty(inside))) {
        await unlessMissing(rename(inside, entryOf(top, Buffer.from(randomUUID()))));
        moved += 1;
      }
    }
  } finally {
    await directory.close();
  }
  await removedEmpty(path);
  return moved;
}

/** Whether the directory is gone: false when there is something in it. */
async function removedEmpty(path: Buffer): Promise<boolean> {
  try {
    await unlessMissing(rmdir(path));
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOTEMPTY' || errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function entriesIn(directory: FileHandle): Promise<readonly { name: Buffer; isDirectory: boolean }[]> {
  // Names of files are bytes; as text some could not be removed.
  const entries = await readdir(`/proc/self/fd/${directory.fd}`, { withFileTypes: true, encoding: 'buffer' });
  return entries.map(entry => ({ name: entry.name, isDirectory: entry.isDirectory() }));
}

function entryOf(directory: FileHandle, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${directory.fd}/`), name]);
}

/** Undefined when there is none. */
function openDirectory(
  path: Buffer,
  flags = constants.O_DIRECTORY | constants.O_NOFOLLOW,
): Promise<FileHandle | undefined> {
  return unlessMissing(open(path, constants.O_RDONLY | flags));
}

async function assertSameMount(directory: FileHandle, parent: FileHandle, name: Buffer): Promise<void> {
  if ((await mountOf(directory)) === (await mountOf(parent))) return;
  const error = new Error(
    `EBUSY: ${name.toString()} is a mount, and nothing in it is removed; unmount it first`,
  );
  throw Object.assign(error, { code: 'EBUSY' });
}

/** Names the mount, which tells bind mounts of one file system apart; else the device. */
async function mountOf(directory: FileHandle): Promise<string> {
  const info = await readFile(`/proc/self/fdinfo/${directory.fd}`, 'utf8').catch(() => '');
  return /^mnt_id:\s*(\d+)$/m.exec(info)?.[1] ?? `device ${(await directory.stat()).dev}`;
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
