import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { errorLine } from '../log/index.js';
import type { Leftover } from './leftover.js';
import { isBelow } from './processes.js';

const run = promisify(execFile);

/** Undoes the mounts below a directory, the innermost first. */
export async function unmountBelow(directory: string): Promise<readonly Leftover[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const points = table
    .split('\n')
    .map(line => unescape(line.split(' ')[4] ?? ''))
    .filter(point => isBelow(point, directory));
  return attempt(
    points
      .reverse()
      .map(point => ({ what: `mount ${point}`, tool: ['umount', '--lazy', '--no-canonicalize', point] })),
  );
}

/** Releases the loop devices whose files are below a directory. */
export async function releaseLoopsOf(directory: string): Promise<readonly Leftover[]> {
  const devices = (await readdir('/sys/block').catch(() => [])).filter(name => name.startsWith('loop'));
  const found: { what: string; tool: readonly string[] }[] = [];
  for (const name of devices) {
    const file = await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '');
    // The kernel marks the file of a device so when somebody has removed it.
    const path = file.trimEnd().replace(/ \(deleted\)$/, '');
    if (isBelow(path, directory)) {
      found.push({
        what: `loop device /dev/${name} of ${path}`,
        tool: ['losetup', '--detach', `/dev/${name}`],
      });
    }
  }
  return attempt(found);
}

async function attempt(
  things: readonly { readonly what: string; readonly tool: readonly string[] }[],
): Promise<readonly Leftover[]> {
  const results: Leftover[] = [];
  for (const { what, tool } of things) {
    const [file = '', ...args] = tool;
    try {
      await run(file, args, { timeout: 30_000 });
      results.push({ what });
    } catch (error) {
      results.push({ what, why: errorLine(error) });
    }
  }
  return results;
}

/** Blanks and the like are octal in the kernel's tables. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_match, code: string) =>
    String.fromCharCode(Number.parseInt(code, 8)),
  );
}
