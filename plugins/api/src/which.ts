import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Directories of system tools that an ordinary user's PATH often lacks, and where Debian keeps `mke2fs` or `sfdisk`. */
const systemDirectories = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The search path that tools are run with: the process's own PATH and then the system directories. */
export function toolPath(path: string | undefined = process.env['PATH']): string {
  const own = (path ?? '').split(delimiter).filter(directory => directory !== '');
  return [...new Set([...own, ...systemDirectories])].join(delimiter);
}

/** Absolute path of the program `name` on {@link toolPath}, or undefined when this machine has none. */
export async function whichTool(name: string, path?: string): Promise<string | undefined> {
  for (const directory of toolPath(path).split(delimiter)) {
    const candidate = join(directory, name);
    if (await isProgram(candidate)) return candidate;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
