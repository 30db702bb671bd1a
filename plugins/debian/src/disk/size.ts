import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '@imagefactory/plugin-api';
import { layoutOverhead } from './layout.js';

const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;

/** Bytes: what the usual file systems, ext4 among them, have for one file. */
const largest = 16 * 1024 ** 4 - gibibyte;
/** Bytes: partitions and the metadata of a file system that holds nothing. */
const smallest = layoutOverhead + 16 * mebibyte;

/**
 * Refuses a size that no build can make.
 *
 * @param bytes of the template's `<size>`; undefined without one
 * @throws BuildError `disk_size`
 */
export function checkDiskSize(bytes: number | undefined): void {
  if (bytes === undefined) return;
  if (bytes > largest) throw tooLarge(bytes, `an image may have at most ${largest / gibibyte} GiB`);
  if (bytes < smallest) {
    throw new BuildError(
      'disk_size',
      `/template/disk/size is ${bytes} bytes; an image has at least ${Math.ceil(smallest / mebibyte)} MiB`,
    );
  }
}

/**
 * Refuses a size that no file in `directory` can have, before any work is done.
 *
 * @throws BuildError `disk_size`; the file system's own errors
 */
export async function checkFileSize(directory: string, bytes: number | undefined): Promise<void> {
  if (bytes === undefined) return;
  const path = join(directory, 'size-check');
  const file = await open(path, 'wx', 0o600);
  try {
    await file.truncate(bytes);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'EFBIG' || error.code === 'EINVAL'))
      throw tooLarge(bytes, `the file system of ${directory} has no files that large`, error);
    throw error;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

function tooLarge(bytes: number, why: string, cause?: unknown): BuildError {
  const text = `/template/disk/size is ${Math.ceil(bytes / gibibyte)} GiB; ${why}, so ask for less`;
  return new BuildError('disk_size', text, { cause });
}
