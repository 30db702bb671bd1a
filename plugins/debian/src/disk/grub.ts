import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError, type RunOptions, type RunResult } from '@imagefactory/plugin-api';
import type { DiskLayout } from './layout.js';

/** Label of the root file system; GRUB, the kernel and fstab all find it by that. */
export const rootLabel = 'root';

/** Where Debian's grub-pc-bin keeps the boot sector. */
export const biosBootSector = '/usr/lib/grub/i386-pc/boot.img';

const sector = 512;

/** GRUB's first script: find the file system of the image and go on with the configuration in it. */
const earlyConfiguration = `search.fs_label ${rootLabel} root
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
`;

const commonModules = [
  ...['part_gpt', 'part_msdos', 'ext2', 'normal', 'linux', 'configfile', 'search', 'search_label'],
  ...['search_fs_uuid', 'serial', 'terminal', 'echo', 'test', 'boot', 'minicmd', 'sleep', 'halt', 'reboot'],
];

type Run = (file: string, args: readonly string[], options?: RunOptions) => Promise<RunResult>;

/** The contents of `/boot/grub/grub.cfg`: Debian's own links at the root follow each kernel upgrade in the guest. */
export function grubConfiguration(kernelParameters: string | undefined): string {
  return `# Written by the image build. The links follow kernel upgrades; update-grub is not needed.
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=0
linux /vmlinuz root=LABEL=${rootLabel} ro console=tty0 console=ttyS0,115200 net.ifnames=0${quotedParameters(kernelParameters)}
initrd /initrd.img
boot
`;
}

function quotedParameters(parameters: string | undefined): string {
  if (parameters === undefined) return '';
  if (parameters.includes("'")) {
    throw new BuildError('template_invalid', '/template/os/kernelparam must not contain an apostrophe');
  }
  const words = parameters.split(/\s+/).filter(word => word !== '');
  return words.map(word => ` '${word}'`).join('');
}

/** A piece of the disk and the byte where it belongs. */
export interface Patch {
  readonly offset: number;
  readonly data: Uint8Array;
}

/**
 * GRUB for BIOS, as grub-bios-setup would install it but without asking the system about devices: the boot sector, and the
 * core image at the start of the BIOS boot partition, each told on which sector the next part starts.
 */
export async function biosGrub(
  run: Run,
  work: string,
  layout: DiskLayout,
  bootSectorPath = biosBootSector,
): Promise<Patch[]> {
  const early = join(work, 'grub-early.cfg');
  const core = join(work, 'grub-core.img');
  await writeFile(early, earlyConfiguration);
  const prefix = '(hd0,gpt1)/boot/grub';
  const options = ['-O', 'i386-pc', '-o', core, '-p', prefix, '-c', early];
  await run('grub-mkimage', [...options, 'biosdisk', ...commonModules]);
  const coreImage = await readFile(core);
  const bootSector = await readFile(bootSectorPath);
  return patchBiosGrub(bootSector, coreImage, layout);
}

/** Offsets of the 64-bit sector numbers: in boot.img of the core's first sector, in that sector of the core's second one. */
const kernelSectorOffset = 0x5c;
const blockListOffset = 0x1f4;

export function patchBiosGrub(bootSector: Uint8Array, coreImage: Uint8Array, layout: DiskLayout): Patch[] {
  if (coreImage.length > layout.biosBoot.size) {
    const room = `${layout.biosBoot.size} bytes`;
    throw new BuildError(
      'internal',
      `GRUB's core image is ${coreImage.length} bytes, more than the ${room} for it`,
    );
  }
  const first = BigInt(layout.biosBoot.start / sector);
  // The rest of the sector is the protective MBR's partition table, which stays.
  const boot = Buffer.from(bootSector.subarray(0, 440));
  boot.writeBigUInt64LE(first, kernelSectorOffset);
  const core = Buffer.from(coreImage);
  core.writeBigUInt64LE(first + 1n, blockListOffset);
  return [
    { offset: 0, data: boot },
    { offset: layout.biosBoot.start, data: core },
  ];
}

/** An EFI system partition with GRUB under the name that firmware looks for on any disk. */
export async function efiSystemPartition(run: Run, work: string, layout: DiskLayout): Promise<Patch> {
  const early = join(work, 'grub-early.cfg');
  const loader = join(work, 'bootx64.efi');
  const image = join(work, 'esp.img');
  await writeFile(early, earlyConfiguration);
  const options = ['-O', 'x86_64-efi', '-o', loader, '-p', '/boot/grub', '-c', early];
  await run('grub-mkimage', [...options, 'fat', 'efi_gop', 'efi_uga', 'all_video', ...commonModules]);
  await run('mkfs.fat', ['-C', '-F', '12', '-n', 'EFI', image, String(layout.efiSystem.size / 1024)]);
  await run('mmd', ['-i', image, '::/EFI', '::/EFI/BOOT']);
  await run('mcopy', ['-i', image, loader, '::/EFI/BOOT/BOOTX64.EFI']);
  return { offset: layout.efiSystem.start, data: await readFile(image) };
}
