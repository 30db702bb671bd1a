/** Units of the layout below. */
const sector = 512;
const mebibyte = 1024 * 1024;

export interface PartitionSpan {
  /** First byte. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
}

/** Where things are on a disk that boots from BIOS and from UEFI firmware: a GPT as on Debian's own cloud images. */
export interface DiskLayout {
  readonly size: number;
  /** GRUB's core image for BIOS, between the partition table and the first mebibyte. */
  readonly biosBoot: PartitionSpan;
  readonly efiSystem: PartitionSpan;
  /** The last partition, so that a disk made larger later can give it the room. */
  readonly root: PartitionSpan;
}

const biosBoot: PartitionSpan = { start: 34 * sector, size: mebibyte - 34 * sector };
const efiSystem: PartitionSpan = { start: mebibyte, size: 8 * mebibyte };
const rootStart = efiSystem.start + efiSystem.size;

/** Smallest disk in bytes that leaves any room for a root file system. */
export const layoutOverhead = rootStart + mebibyte;

/** The layout of a disk of `size` bytes, which is rounded up to a whole mebibyte. The last mebibyte holds the second GPT. */
export function diskLayout(size: number): DiskLayout {
  const rounded = Math.ceil(size / mebibyte) * mebibyte;
  return {
    size: rounded,
    biosBoot,
    efiSystem,
    root: { start: rootStart, size: rounded - layoutOverhead },
  };
}

/** The layout as the input of sfdisk(8). Partition numbers are those of Debian's cloud images: root 1, BIOS 14, EFI 15. */
export function sfdiskScript(layout: DiskLayout): string {
  const line = (number: number, span: PartitionSpan, type: string, name: string) =>
    `${number} : start=${span.start / sector}, size=${span.size / sector}, type=${type}, name="${name}"\n`;
  return [
    'label: gpt\nfirst-lba: 34\nunit: sectors\n',
    line(14, layout.biosBoot, '21686148-6449-6E6F-744E-656564454649', 'bios'),
    line(15, layout.efiSystem, 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B', 'efi'),
    line(1, layout.root, '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709', 'root'),
  ].join('');
}
