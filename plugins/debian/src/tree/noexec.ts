import { readFile, realpath } from 'node:fs/promises';
import { BuildError } from '@imagefactory/plugin-api';

/**
 * Refuses a directory from which no program can be started: everything that runs inside of an image is started there.
 *
 * @param mountTable as the kernel has it in /proc/self/mountinfo
 * @throws BuildError `not_permitted` that names the directory, its mount and the remedies
 */
export async function checkExecutable(
  directory: string,
  mountTable = readFile('/proc/self/mountinfo', 'utf8').catch(() => ''),
): Promise<void> {
  const mount = mountOf(await realpath(directory), await mountTable);
  if (mount?.options.includes('noexec') !== true) return;
  throw new BuildError(
    'not_permitted',
    `${directory} is on ${mount.point}, which is mounted noexec, and the programs of an image are started there; ` +
      `name another directory with --tmpdir, or mount it with exec: mount -o remount,exec ${mount.point}`,
  );
}

interface Mount {
  readonly point: string;
  readonly options: readonly string[];
}

/** The mount that a path is on: of those above it the deepest, and of several at one place the last. */
function mountOf(path: string, table: string): Mount | undefined {
  let found: Mount | undefined;
  for (const line of table.split('\n')) {
    const [, , , , at = '', options = ''] = line.split(' ');
    // Blanks and the like are octal in the kernel's tables.
    const point = at.replace(/\\([0-7]{3})/g, (_found, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    if (point === '' || !isIn(path, point)) continue;
    if (found === undefined || point.length >= found.point.length)
      found = { point, options: options.split(',') };
  }
  return found;
}

function isIn(path: string, point: string): boolean {
  return point === '/' || path === point || path.startsWith(`${point}/`);
}
