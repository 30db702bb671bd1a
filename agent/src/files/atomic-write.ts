import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a small file whole or not at all: a reader, or the next start after a power cut, sees the old content or the new one.
 */
export async function writeAtomically(path: string, content: string, mode = 0o644): Promise<void> {
  const partial = await writePart(path, content, mode);
  try {
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
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
    const file = await open(partial, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return partial;
}

/** Makes renames in a directory last through a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * As {@link writeAtomically}, at once and without making it safe on the disk: it survives the end of the process, and a power cut may leave it
 * empty. For what is said often and can be said again.
 */
export function writeAtOnce(path: string, content: string, mode = 0o644): void {
  const partial = `${path}.${randomUUID()}.part`;
  try {
    writeFileSync(partial, content, { flag: 'wx', mode });
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}
