import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BuildContext, Sandbox } from '@imagefactory/plugin-api';
import { oneLineList, type Source } from '../apt/choose-sources.js';
import { fetchPackages } from './packages.js';
import { assembleScript } from './scripts.js';
import { emptyDirectories, initScript, systemFiles } from './system-files.js';

/** To be raised whenever the contents of the tree change, so that older archives in caches are not used any more. */
const baseRevision = '2';

export interface BusyboxBaseOptions {
  readonly sources: readonly Source[];
  readonly kernelPackage: string;
  /** Seconds. */
  readonly maxAge: number;
}

/** Path of the archive with the bare busybox system. */
export async function busyboxBase(
  options: BusyboxBaseOptions,
  sandbox: Sandbox,
  context: BuildContext,
): Promise<string> {
  const { sources, kernelPackage, maxAge } = options;
  const base = await context.stage(
    'busybox-base',
    { revision: baseRevision, kernelPackage, sources: oneLineList(sources) },
    path => makeBase(path, options, sandbox, context),
    { maxAge },
  );
  return base.path;
}

async function makeBase(
  path: string,
  { sources, kernelPackage }: BusyboxBaseOptions,
  sandbox: Sandbox,
  context: BuildContext,
): Promise<void> {
  const scratch = join(context.scratch, 'base');
  await mkdir(scratch);
  const work = await sandbox.makeTree('work');
  const tree = await sandbox.makeTree('base');
  const kernel = await fetchPackages(sandbox, { work, scratch, sources, kernelPackage });
  await sandbox.tool('tar', ['-C', tree, '-xpf', '-', '--numeric-owner'], {
    inputFile: await packSkeleton(scratch, context),
  });
  await sandbox.tool('sh', ['-s'], {
    input: assembleScript(work, tree, kernel),
    label: 'making the RAM disk',
  });
  // busybox itself knows under which names it is called; it came from the repository, so it is run as a guest.
  await sandbox.guest(tree, '/bin/busybox', ['--install', '-s']);
  await sandbox.tool('tar', ['-C', tree, '--numeric-owner', '--one-file-system', '-cf', '-', '.'], {
    outputFile: path,
  });
  await sandbox.removeTree('work');
  await sandbox.removeTree('base');
  await rm(scratch, { recursive: true });
}

/** An archive of the files and directories that no package brings. */
async function packSkeleton(scratch: string, context: BuildContext): Promise<string> {
  const skeleton = join(scratch, 'skeleton');
  const directory = async (name: string, mode: number): Promise<void> => {
    await mkdir(join(skeleton, name), { recursive: true });
    await chmod(join(skeleton, name), mode);
  };
  for (const name of ['', ...emptyDirectories]) await directory(name, 0o755);
  await directory('root', 0o700);
  await directory('tmp', 0o1777);
  const all = { ...systemFiles, init: { content: initScript, mode: 0o755 } };
  for (const [name, { content, mode }] of Object.entries(all)) {
    for (let parent = dirname(name); parent !== '.'; parent = dirname(parent)) await directory(parent, 0o755);
    await writeFile(join(skeleton, name), content);
    await chmod(join(skeleton, name), mode);
  }
  const archive = join(scratch, 'skeleton.tar');
  const owner = ['--numeric-owner', '--owner=0', '--group=0'];
  await context.run('tar', ['-C', skeleton, ...owner, '-cf', archive, '.']);
  return archive;
}
