import { open } from 'node:fs/promises';

/** What the first bytes of a file say, in the words of `qemu-img` where it has one. */
const signatures: readonly { readonly format: string; readonly at: number; readonly bytes: string }[] = [
  { format: 'qcow2', at: 0, bytes: 'QFI\xfb' },
  { format: 'vmdk', at: 0, bytes: 'KDMV' },
  { format: 'vmdk', at: 0, bytes: '# Disk DescriptorFile' },
  { format: 'vhdx', at: 0, bytes: 'vhdxfile' },
  { format: 'vpc', at: 0, bytes: 'conectix' },
  { format: 'vdi', at: 64, bytes: '\x7f\x10\xda\xbe' },
  { format: 'gzip', at: 0, bytes: '\x1f\x8b' },
  { format: 'xz', at: 0, bytes: '\xfd7zXZ\0' },
  { format: 'tar', at: 257, bytes: 'ustar' },
  { format: 'iso', at: 32_769, bytes: 'CD001' },
];

const headLength = 32_769 + 5;

/**
 * Format of a disk image by its content; `raw` for what has no signature, as a disk without a header of its own has none. A fixed-size VHD,
 * whose signature is at the end, counts as `vpc`.
 */
export async function detectFormat(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(headLength);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const found = signatures.find(({ at, bytes }) =>
      head
        .subarray(0, bytesRead)
        .subarray(at, at + bytes.length)
        .equals(Buffer.from(bytes, 'latin1')),
    );
    if (found !== undefined) return found.format;
    const tail = Buffer.alloc(8);
    if (size >= 1024) await file.read(tail, 0, 8, size - 512);
    return tail.equals(Buffer.from('conectix')) ? 'vpc' : 'raw';
  } finally {
    await file.close();
  }
}
