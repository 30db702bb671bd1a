import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ToolRunner } from '@imagefactory/plugin-api';
import { initCommands, initScript, modules } from './system-files.js';

export interface InitrdOptions {
  readonly work: string;
  /** Directory with the files of the busybox and kernel packages. */
  readonly unpacked: string;
  readonly kernelVersion: string;
}

/** Makes the initial RAM disk, a compressed cpio archive, and returns its path. */
export async function makeInitrd(run: ToolRunner, options: InitrdOptions): Promise<string> {
  const { work, unpacked, kernelVersion } = options;
  const root = join(work, 'initrd');
  for (const directory of ['bin', 'dev', 'proc', 'sys', 'newroot', 'modules']) {
    await mkdir(join(root, directory), { recursive: true });
  }
  await copyFile(join(unpacked, 'bin', 'busybox'), join(root, 'bin', 'busybox'));
  for (const name of initCommands) await symlink('busybox', join(root, 'bin', name));
  await writeFile(join(root, 'init'), initScript);
  await chmod(join(root, 'init'), 0o755);
  const order: string[] = [];
  for (const path of await moduleFiles(run, unpacked, kernelVersion)) {
    const name = basename(path).replace(/\.xz$/, '');
    await copyFile(path, join(root, 'modules', basename(path)));
    if (path.endsWith('.xz')) await run('xz', ['-d', join(root, 'modules', basename(path))]);
    order.push(name);
  }
  await writeFile(join(root, 'modules', 'order'), order.map(name => `${name}\n`).join(''));

  const { stdout: names } = await run('find', ['.', '-print'], { cwd: root });
  const archive = join(work, 'initrd.img');
  const pack = ['--create', '--quiet', '--format=newc', '--owner=0:0', `--file=${archive}`];
  await run('cpio', pack, { cwd: root, input: names });
  await run('gzip', ['-1', archive]);
  return `${archive}.gz`;
}

/** Module files in the order in which they have to be loaded, each once. */
async function moduleFiles(run: ToolRunner, unpacked: string, kernelVersion: string): Promise<string[]> {
  await run('depmod', ['-b', unpacked, kernelVersion]);
  const about = ['-d', unpacked, '-S', kernelVersion, '--show-depends', '--all'];
  const { stdout } = await run('modprobe', [...about, ...modules]);
  const paths = [...stdout.matchAll(/^insmod (\S+)/gm)].map(([, path = '']) => path);
  return [...new Set(paths)];
}
