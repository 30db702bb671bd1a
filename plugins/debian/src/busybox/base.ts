import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BuildContext } from '@imagefactory/plugin-api';
import { oneLineList, type Source } from '../apt/choose-sources.js';
import type { Sandbox } from '../tree/sandbox.js';
import { makeInitrd } from './initrd.js';
import { fetchPackages } from './packages.js';
import { emptyDirectories, systemFiles } from './system-files.js';

/** To be raised whenever the contents of the tree change, so that older archives in caches are not used any more. */
const baseRevision = '1';

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
    async path => {
      const tree = await makeTree(options, sandbox, context);
      const owner = ['--numeric-owner', '--owner=0', '--group=0'];
      await context.run('tar', ['-C', tree, ...owner, '-cf', path, '.']);
    },
    { maxAge },
  );
  return base.path;
}

async function makeTree(
  options: BusyboxBaseOptions,
  sandbox: Sandbox,
  context: BuildContext,
): Promise<string> {
  const { run } = context;
  const work = join(sandbox.work, 'base');
  const tree = join(work, 'tree');
  const { unpacked, kernelVersion } = await fetchPackages(run, work, options.sources, options.kernelPackage);
  const initrd = await makeInitrd(run, { work, unpacked, kernelVersion });

  for (const name of emptyDirectories) await mkdir(join(tree, name), { recursive: true });
  await chmod(join(tree, 'root'), 0o700);
  await chmod(join(tree, 'tmp'), 0o1777);
  for (const [name, { content, mode }] of Object.entries(systemFiles)) {
    await mkdir(dirname(join(tree, name)), { recursive: true });
    await writeFile(join(tree, name), content);
    await chmod(join(tree, name), mode);
  }
  await mkdir(join(tree, 'bin'), { recursive: true });
  await copyFile(join(unpacked, 'bin', 'busybox'), join(tree, 'bin', 'busybox'));
  const { stdout } = await run(join(unpacked, 'bin', 'busybox'), ['--list-full']);
  for (const name of stdout.split('\n').filter(line => line !== '' && line !== 'bin/busybox')) {
    await mkdir(dirname(join(tree, name)), { recursive: true });
    await symlink('/bin/busybox', join(tree, name));
  }
  await copyFile(join(unpacked, 'boot', `vmlinuz-${kernelVersion}`), join(tree, 'boot', 'vmlinuz'));
  await copyFile(initrd, join(tree, 'boot', 'initrd.img'));
  await symlink('boot/vmlinuz', join(tree, 'vmlinuz'));
  await symlink('boot/initrd.img', join(tree, 'initrd.img'));
  return tree;
}
