import { chmod, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError, type Progress, type Sandbox, type ToolRunner } from '@imagefactory/plugin-api';
import { biosGrub, efiSystemPartition, type Patch, rootLabel } from './grub.js';
import { type DiskLayout, diskLayout, layoutOverhead, sfdiskScript } from './layout.js';

const mebibyte = 1024 * 1024;

export interface DiskOptions {
  /** Directory whose contents become the root file system; nothing may be mounted in it. */
  readonly tree: string;
  /** Path of the raw image to make. */
  readonly path: string;
  /** A directory for parts of the disk. */
  readonly work: string;
  /** Bytes; `asked` comes from the template. */
  readonly size: { readonly asked: number | undefined; readonly usual: number };
  /** GRUB's boot sector; default: where Debian keeps it. */
  readonly bootSector?: string;
}

/**
 * Makes a raw disk image that boots from BIOS and from UEFI. The file system is filled by mke2fs and GRUB is put in place byte
 * by byte, so nothing gets mounted, no loop device is used, and the file stays sparse.
 */
export async function makeDisk(
  run: ToolRunner,
  sandbox: Sandbox,
  options: DiskOptions,
  progress: Progress,
): Promise<void> {
  const layout = diskLayout(await sizeFor(sandbox, options));
  await createSparse(options.path, layout.size);
  await run('sfdisk', ['--quiet', '--no-tell-kernel', '--no-reread', options.path], {
    input: sfdiskScript(layout),
  });
  await progress.step('making the root file system', 0.7, () => fillRoot(sandbox, options, layout));
  await progress.step('installing the boot loader', 0.3, async () => {
    const patches = [
      ...(await biosGrub(run, options.work, layout, options.bootSector)),
      await efiSystemPartition(run, options.work, layout),
    ];
    await applyPatches(options.path, patches);
  });
}

/** The size asked for, after a look at whether the tree fits; else the usual one, or more for a large tree. */
async function sizeFor(sandbox: Sandbox, { tree, size }: DiskOptions): Promise<number> {
  const { stdout } = await sandbox.tool('du', ['-s', '-x', '--block-size=1M', tree]);
  const used = Number(/^\d+/.exec(stdout)?.[0] ?? Number.NaN) * mebibyte;
  if (Number.isNaN(used)) throw new BuildError('internal', 'du did not say how large the tree is');
  // Inode tables, journal and reserved blocks take their part, and a guest without any room to write is of no use.
  const needed = Math.ceil(used * 1.2) + 16 * mebibyte + layoutOverhead;
  if (size.asked !== undefined && size.asked < needed) {
    throw new BuildError(
      'disk_size',
      `/template/disk/size is ${mib(size.asked)} MiB; this image needs at least ${mib(needed)} MiB`,
    );
  }
  return size.asked ?? Math.max(size.usual, used * 2 + layoutOverhead);
}

function mib(bytes: number): number {
  return Math.ceil(bytes / mebibyte);
}

/** Features that GRUB and the kernels of all supported releases read, whatever the builder's own mke2fs would choose. */
const mke2fsConfiguration = `[defaults]
base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
inode_size = 256
blocksize = 4096
inode_ratio = 16384
[fs_types]
ext4 = {
  features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
}
`;

/** In the sandbox, so that root's files are root's in the image too, and so that what a guest has made is read with no more than its rights. */
async function fillRoot(sandbox: Sandbox, options: DiskOptions, layout: DiskLayout): Promise<void> {
  const { tree, path, work } = options;
  const configuration = join(work, 'mke2fs.conf');
  await writeFile(configuration, mke2fsConfiguration);
  await chmod(configuration, 0o644);
  // The file is new and full of holes: what would be zeroed there is zero.
  const extended = `offset=${layout.root.start},lazy_itable_init=1,lazy_journal_init=1`;
  const size = `${layout.root.size / 1024}k`;
  await sandbox.tool(
    'mke2fs',
    ['-q', '-F', '-t', 'ext4', '-L', rootLabel, '-E', extended, '-d', tree, path, size],
    { env: { MKE2FS_CONFIG: configuration }, reads: [configuration], writes: [path] },
  );
}

async function createSparse(path: string, size: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.truncate(size);
  } finally {
    await file.close();
  }
}

async function applyPatches(path: string, patches: readonly Patch[]): Promise<void> {
  const file = await open(path, 'r+');
  try {
    for (const { offset, data } of patches) await file.write(data, 0, data.length, offset);
  } finally {
    await file.close();
  }
}
