import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../lane.js';
import { Program } from '../program.js';
import { cachePlace, isFilled } from './cache.js';

/** What every Debian has without saying so, as far as scripts of brokers need it. */
const ESSENTIAL = ['base-files', 'dash', 'coreutils', 'sed', 'grep', 'mawk', 'procps', 'libc-bin'];

/**
 * A package of another Debian release, unpacked with all it needs into a tree of its own in the user's cache, to be run with
 * chroot; or why it cannot be had. Nothing is configured, so no service starts.
 */
export async function fromDebian(release: string, name: string): Promise<string | { missing: string }> {
  if (process.getuid?.() !== 0)
    return { missing: `only root can run the ${name} of Debian ${release} in a tree` };
  const tree = cachePlace(`${name}-${release}`);
  if (await isFilled(tree)) return tree;
  const mmdebstrap = await findProgram('mmdebstrap');
  if (mmdebstrap === undefined)
    return { missing: `no mmdebstrap is installed to fetch ${name} of Debian ${release}` };
  const unfinished = `${tree}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  const run = await Program.run(
    mmdebstrap,
    ['--quiet', '--variant=extract', `--include=${[...ESSENTIAL, name].join(',')}`, release, unfinished],
    { timeout: 300_000 },
  );
  if (run.status !== 0) {
    await rm(unfinished, { recursive: true, force: true });
    const reason = run.output.split('\n').find(line => line.startsWith('E:')) ?? `exit ${run.status}`;
    return { missing: `mmdebstrap could not fetch ${name} of Debian ${release}: ${reason}` };
  }
  await writeFile(join(unfinished, 'etc/hosts'), '127.0.0.1 localhost\n');
  await rename(unfinished, tree).catch(async (error: unknown) => {
    if (!(await isFilled(tree))) throw error;
    await rm(unfinished, { recursive: true, force: true }); // another run was quicker
  });
  return tree;
}
