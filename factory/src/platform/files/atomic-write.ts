import { randomUUID } from 'node:crypto';
import { closeSync, fsync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a small file whole or not at all: a reader, or the next start after a power cut, sees the old content or the new one.
 */
export async function writeAtomically(path: string, content: string, mode = 0o644): Promise<void> {
  const partial = await writePart(path, content, mode);
  try {
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/**
 * Writes what a file is to hold beside it, safe on the disk and ready to be renamed to it.
 *
 * @returns the path of the part; none is left when that fails
 */
export async function writePart(path: string, content: string, mode = 0o644): Promise<string> {
  const partial = `${path}.${randomUUID()}.part`;
  try {
    const file = openSync(partial, 'wx', mode);
    try {
      writeFileSync(file, content);
      await synced(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
  return partial;
}

/** Only this waits for the disk. All else takes some microseconds, and handing it to a thread and back would take longer. */
function synced(file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(file, error => (error === null ? resolve() : reject(error)));
  });
}

/** Makes renames in a directory last through a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = openSync(path, 'r');
  try {
    await synced(directory);
  } finally {
    closeSync(directory);
  }
}
