import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildError } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { checkDiskSize, checkFileSize } from './size.js';

const tebibyte = 1024 ** 4;

describe('the size of a disk', () => {
  const refusal = (bytes: number): unknown => {
    try {
      checkDiskSize(bytes);
      return undefined;
    } catch (error) {
      return error;
    }
  };

  it('is refused where no image has it', () => {
    for (const bytes of [100 * tebibyte, 16 * tebibyte, 1, 1024 ** 2]) {
      expect(refusal(bytes), String(bytes)).to.be.instanceOf(BuildError).and.include({ code: 'disk_size' });
    }
    expect(String(refusal(100 * tebibyte))).to.include(
      '/template/disk/size is 102400 GiB; an image may have',
    );
    for (const bytes of [undefined, 64 * 1024 ** 2, 15 * tebibyte]) {
      expect(() => checkDiskSize(bytes)).not.to.throw();
    }
  });

  it('is refused where no file of the scratch directory can have it, and nothing is left', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'disk-size-'));
    try {
      await checkFileSize(directory, 1024 ** 3);
      await checkFileSize(directory, undefined);
      // No file system has files of 2^63 - 1 bytes and more.
      const error: unknown = await checkFileSize(directory, Number.MAX_SAFE_INTEGER * 1024).catch(
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(Error);
      expect(await readdir(directory)).to.deep.equal([]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
