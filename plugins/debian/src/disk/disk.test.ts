import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type FakeContext,
  fakeContext,
  fakeRunner,
  type RecordedRun,
} from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { makeDisk } from './disk.js';

const mebibyte = 1024 * 1024;

describe('makeDisk', () => {
  let context: FakeContext;
  let used: number;
  let run: ReturnType<typeof fakeRunner>;
  beforeEach(async () => {
    used = 20;
    run = fakeRunner(pretend);
    context = await fakeContext({ run });
  });
  afterEach(() => context.dispose());

  /** Stands in for the tools: makes the files that they would make. */
  const pretend = async ({ file, args }: RecordedRun) => {
    const output = args[args.indexOf('-o') + 1];
    if (file === 'grub-mkimage' && output !== undefined) await writeFile(output, Buffer.alloc(4096, 0x11));
    if (file === 'mkfs.fat') await writeFile(args.at(-2)!, Buffer.alloc(8 * mebibyte, 0x22));
    return file === 'du' ? `${used}\t/tree\n` : '';
  };
  const make = async (asked: number | undefined) => {
    const sandbox = await context.sandbox.open();
    const work = context.scratch;
    const bootSector = join(context.scratch, 'boot.img');
    await writeFile(bootSector, Buffer.alloc(512, 0x33));
    const path = join(context.scratch, 'disk.raw');
    const size = { asked, usual: 64 * mebibyte };
    await makeDisk(run, sandbox, { tree: '/tree', path, work, size, bootSector }, context.progress);
    return path;
  };

  it('runs the tools in order and puts the boot loader in place', async () => {
    const path = await make(undefined);
    expect(run.runs.map(({ file }) => file)).to.deep.equal([
      'du',
      'sfdisk',
      'mke2fs',
      'grub-mkimage',
      'grub-mkimage',
      'mkfs.fat',
      'mmd',
      'mcopy',
    ]);
    const disk = await readFile(path);
    expect(disk).to.have.length(64 * mebibyte);
    expect([disk[0], disk[439], disk[440]]).to.deep.equal([0x33, 0x33, 0]);
    expect(disk[34 * 512]).to.equal(0x11);
    expect([disk[mebibyte], disk[9 * mebibyte - 1], disk[9 * mebibyte]]).to.deep.equal([0x22, 0x22, 0]);
  });

  it('reads the tree in the sandbox only, and shows it no more than the disk', async () => {
    const path = await make(undefined);
    expect(context.sandbox.runs.map(({ file }) => file)).to.deep.equal(['du', 'mke2fs']);
    expect(context.sandbox.runs[1]?.options.writes).to.deep.equal([path]);
    for (const { file, args } of run.runs) {
      if (args.includes('/tree')) expect(file).to.match(/^(du|mke2fs)$/);
    }
  });

  it('takes the size of the template, and a larger one than usual for a large tree', async () => {
    expect((await stat(await make(100 * mebibyte))).size).to.equal(100 * mebibyte);
    used = 500;
    expect((await stat(await make(undefined))).size).to.equal(1010 * mebibyte);
  });

  it('refuses a size that the tree does not fit into, and says what would do', async () => {
    const outcome = await make(20 * mebibyte).catch((error: unknown) => error);
    expect(outcome).to.include({
      code: 'disk_size',
      message: '/template/disk/size is 20 MiB; this image needs at least 50 MiB',
    });
  });
});
