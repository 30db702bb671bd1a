import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, lstat, open, rename, rm, stat } from 'node:fs/promises';
import { BuildError } from '@imagefactory/plugin-api';
import { errorCode } from '../platform/files/error-code.js';

/** What is known of a body once it has been read. */
export interface BodyFacts {
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface BodyOptions {
  readonly signal?: AbortSignal;
  /** Told from time to time which part of the body has been read, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

/** Reads are of this many bytes, and holes in copies are multiples of `holeSize`. */
const chunkSize = 1 << 20;
const holeSize = 1 << 16;
const zeros = Buffer.alloc(holeSize);

/** Size and digest of a file. */
export function readBody(path: string, options: BodyOptions = {}): Promise<BodyFacts> {
  return readThrough(path, options, () => Promise.resolve());
}

/**
 * Copies a file to a new one and syncs it: by reflink, which takes no time and no space, where the file system can; else what is zero
 * becomes a hole.
 *
 * @throws BuildError `internal` for what is no regular file; whatever the file system says
 */
export async function copyBody(
  source: string,
  destination: string,
  options: BodyOptions = {},
): Promise<BodyFacts> {
  await assertRegular(source);
  try {
    try {
      await copyFile(source, destination, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    } catch (error) {
      // Every file system has its own way to say that it can't.
      if (errorCode(error) === 'EEXIST' || errorCode(error) === 'ENOENT') throw error;
      return await sparseCopy(source, destination, options);
    }
    const facts = await readBody(destination, options);
    await settle(destination);
    return facts;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') await rm(destination, { force: true });
    throw error;
  }
}

/** Takes a file over: by rename where the disk is the same, else by a copy. The digest is of what ends up there. */
export async function moveBody(
  source: string,
  destination: string,
  options: BodyOptions = {},
): Promise<BodyFacts> {
  // A symbolic link would put something into the store that others can still change.
  await assertRegular(source);
  try {
    await rename(source, destination);
  } catch (error) {
    if (errorCode(error) !== 'EXDEV') throw error;
    return copyBody(source, destination, options);
  }
  const facts = await readBody(destination, options);
  await settle(destination);
  return facts;
}

async function assertRegular(path: string): Promise<void> {
  if (!(await lstat(path)).isFile()) throw new BuildError('internal', `the image ${path} is no regular file`);
}

/** Rights of a stored body, and safe on the disk. */
export async function settle(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.chmod(0o644);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sparseCopy(source: string, destination: string, options: BodyOptions): Promise<BodyFacts> {
  const file = await open(destination, 'wx', 0o644);
  try {
    const facts = await readThrough(source, options, async (chunk, at) => {
      for (const { start, end } of dataIn(chunk)) await file.write(chunk, start, end - start, at + start);
    });
    await file.truncate(facts.size);
    await file.sync();
    return facts;
  } finally {
    await file.close();
  }
}

/** The parts of a chunk that are not zero, in steps of `holeSize`. */
function* dataIn(chunk: Buffer): Generator<{ readonly start: number; readonly end: number }> {
  let start: number | undefined;
  for (let at = 0; at < chunk.length; at += holeSize) {
    const end = Math.min(at + holeSize, chunk.length);
    const isZero = chunk
      .subarray(at, end)
      .equals(end - at === holeSize ? zeros : zeros.subarray(0, end - at));
    if (!isZero) start ??= at;
    else if (start !== undefined) {
      yield { start, end: at };
      start = undefined;
    }
  }
  if (start !== undefined) yield { start, end: chunk.length };
}

async function readThrough(
  path: string,
  { signal, onProgress }: BodyOptions,
  onChunk: (chunk: Buffer, at: number) => Promise<void>,
): Promise<BodyFacts> {
  const total = (await stat(path)).size;
  const hash = createHash('sha256');
  let size = 0;
  const stream = createReadStream(path, {
    highWaterMark: chunkSize,
    ...(signal === undefined ? {} : { signal }),
  });
  const chunks: AsyncIterable<Buffer> = stream;
  for await (const chunk of chunks) {
    hash.update(chunk);
    await onChunk(chunk, size);
    size += chunk.length;
    onProgress?.(total === 0 ? 1 : Math.min(1, size / total));
  }
  signal?.throwIfAborted();
  return { size, sha256: hash.digest('hex') };
}
