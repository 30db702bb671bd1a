import { join } from 'node:path';
import { type BaseImage, type BuildContext, BuildError, type TargetImage } from '@imagefactory/plugin-api';

export type Qcow2Compression = 'none' | 'zlib' | 'zstd';

const inputFormats: readonly string[] = ['raw', 'qcow2'];

/** Converts a base image to qcow2 and has `qemu-img check` look at the result. */
export async function toQcow2(
  base: BaseImage,
  context: BuildContext,
  compression: Qcow2Compression,
): Promise<TargetImage> {
  if (!inputFormats.includes(base.format)) {
    throw new BuildError(
      'target_unsupported',
      `target openstack-kvm needs a disk image in the format ${inputFormats.join(' or ')}, not ${base.format}`,
    );
  }
  const path = join(context.scratch, 'openstack-kvm.qcow2');
  await context.progress.step('converting to qcow2', 0.9, async progress => {
    await context.run('qemu-img', convertArguments(base, path, compression), {
      onLine: line => {
        const percent = /^\s*\(([\d.]+)\/100%\)/.exec(line)?.[1];
        if (percent !== undefined) progress.update(Number(percent) / 100);
      },
    });
  });
  await context.progress.step('checking the qcow2 file', 0.1, async () => {
    await context.run('qemu-img', ['check', '-q', '-f', 'qcow2', path]);
  });
  return { path, format: 'qcow2' };
}

function convertArguments(base: BaseImage, path: string, compression: Qcow2Compression): string[] {
  const options = compression === 'zstd' ? 'compat=1.1,compression_type=zstd' : 'compat=1.1';
  // Several clusters at a time and out of order: half the time where compressing is what takes it.
  const compress = compression === 'none' ? [] : ['-c', '-m', '16', '-W'];
  return ['convert', '-p', '-f', base.format, '-O', 'qcow2', ...compress, '-o', options, base.path, path];
}
