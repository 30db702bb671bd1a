import type { Stats } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorCode } from './error-code.js';

/**
 * Says why a path is not a directory of this process's user alone: no directory (a link to one is none), another owner, or rights
 * for others. Undefined when it is one.
 */
export async function foreignness(path: string): Promise<string | undefined> {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return 'it is a symbolic link';
  if (!found.isDirectory()) return 'it is no directory';
  const uid = process.getuid?.();
  if (uid === undefined) return undefined;
  if (found.uid !== uid) return `it belongs to the user with the id ${found.uid}`;
  if ((found.mode & 0o077) !== 0) return `its mode is ${modeOf(found)}, so that others can reach into it`;
  return undefined;
}

/**
 * Opens the directory of this user below a temporary directory that others may write to: `imagefactory-UID`, with the mode 0700. Where
 * something else has that name, it is left as it is, and a name that nobody can guess is taken instead, and found again later.
 *
 * @param temporary made if it does not exist
 * @param onForeign is given each entry with such a name that is not used, with the reason
 * @returns its absolute path, free of symbolic links
 * @throws Error with the remedy if another user can exchange the temporary directory or what is in it
 */
export async function openOwnDirectory(
  temporary: string,
  onForeign: (path: string, why: string) => void = () => undefined,
): Promise<string> {
  await mkdir(temporary, { recursive: true, mode: 0o755 });
  const parent = await realpath(resolve(temporary));
  await assertNotExchangeable(parent);
  const uid = process.getuid?.() ?? 0;
  const wanted = `imagefactory-${uid}`;
  const ours = new RegExp(`^${wanted}(?:-\\w{6})?$`);
  // The plain name first: it is the shortest of them.
  for (const name of (await readdir(parent)).filter(one => ours.test(one)).sort()) {
    const path = join(parent, name);
    const why = await unlessMissing(foreignness(path), 'it is gone');
    if (why === undefined) return path;
    onForeign(path, why);
  }
  try {
    await mkdir(join(parent, wanted), { mode: 0o700 });
    return join(parent, wanted);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    // mkdtemp makes directories with the mode 0700.
    return mkdtemp(join(parent, `${wanted}-`));
  }
}

/**
 * Makes sure that no other user can put something else in the place of a directory's entries: it and all those above belong to
 * root or to this user, and are writable by others only with the sticky bit.
 */
async function assertNotExchangeable(directory: string): Promise<void> {
  const uid = process.getuid?.();
  if (uid === undefined) return;
  for (let path = directory; ; path = dirname(path)) {
    const found = await lstat(path);
    const why = exchangeability(found, uid);
    if (why !== undefined) {
      throw new Error(
        `${directory} cannot be the temporary directory: ${path} ${why}, who could exchange the directories of builds; ` +
          'name another one with --tmpdir, or change its owner and its mode',
      );
    }
    if (path === dirname(path)) return;
  }
}

function exchangeability(found: Stats, uid: number): string | undefined {
  if (found.uid !== 0 && found.uid !== uid) return `belongs to the user with the id ${found.uid}`;
  const writable = (found.mode & 0o022) !== 0 && (found.mode & 0o1000) === 0;
  return writable ? `is writable by others (mode ${modeOf(found)}, no sticky bit)` : undefined;
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

async function unlessMissing<T>(work: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return otherwise;
    throw error;
  }
}
