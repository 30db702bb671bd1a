import { lstat, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** State of a path in a tree in which nothing runs just now. */
export type Place = 'file' | 'link' | 'absent' | 'unusable';

/**
 * What is at an absolute path of a tree, without following a link in it: `unusable` when its directory is missing, is reached
 * through a link, or cannot be looked at.
 */
export async function placeIn(tree: string, path: string): Promise<Place> {
  const parents: string[] = [];
  for (let name = dirname(path); name !== '/'; name = dirname(name)) parents.unshift(name);
  for (const parent of parents) {
    const found = await lstat(join(tree, parent)).catch(() => undefined);
    if (found?.isDirectory() !== true) return 'unusable';
  }
  try {
    const found = await lstat(join(tree, path));
    if (found.isSymbolicLink()) return 'link';
    return found.isFile() ? 'file' : 'unusable';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'absent' : 'unusable';
  }
}

/** Whether the runtime has made an empty file at a path, to mount something there. */
export async function isMountPoint(tree: string, path: string): Promise<boolean> {
  if ((await placeIn(tree, path)) !== 'file') return false;
  return (await lstat(join(tree, path))).size === 0;
}

/** Content of a file as far as it can be read. */
export async function contentOf(path: string): Promise<Buffer | undefined> {
  return await readFile(path).catch(() => undefined);
}
