import { type FileHandle, open } from 'node:fs/promises';
import { isatty } from 'node:tty';
import { InputError } from './input-error.js';
import { decodeText } from './decode-text.js';

export interface ReadOptions {
  /** Of the file, in errors: with what it is for, e.g. `--acl /etc/acl`. Default: its path. */
  readonly name?: string;
  /** Bytes that the file may have. Default 1 MiB. */
  readonly limit?: number;
  /** Refuse a file that group or others may read, for passwords; default false. */
  readonly ownerOnly?: boolean;
}

const DEFAULT_LIMIT = 1024 * 1024;

/**
 * The text of a file that a user has named: UTF-8, of which a byte order mark is left out. Regular files, pipes and terminals are read.
 *
 * @throws InputError that names the file, why it cannot be used, and the remedy
 */
export async function readTextFile(path: string, options: ReadOptions = {}): Promise<string> {
  return decodeText(await readFileBytes(path, options), options.name ?? path);
}

/**
 * The first line of such a file: a password or another secret.
 *
 * @throws InputError, also when the line is empty; never repeats the line
 */
export async function readSecretFile(path: string, options: ReadOptions = {}): Promise<string> {
  const [line = ''] = (await readTextFile(path, { limit: 64 * 1024, ...options })).split(/\r?\n/, 1);
  if (line === '')
    throw new InputError(`${options.name ?? path}: its first line is empty; write the secret there`);
  return line;
}

/**
 * The same as {@link readTextFile} for standard input.
 *
 * @throws InputError
 */
export async function readTextStream(
  stream: AsyncIterable<Uint8Array | string>,
  options: ReadOptions = {},
): Promise<string> {
  return decodeText(await readStreamBytes(stream, options), options.name ?? 'standard input');
}

/** @throws InputError for more bytes than the limit */
export async function readStreamBytes(
  stream: AsyncIterable<Uint8Array | string>,
  { name = 'standard input', limit = DEFAULT_LIMIT }: ReadOptions = {},
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > limit) throw tooLong(name, limit);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/**
 * The bytes of a file that a user has named, for formats that are no text.
 *
 * @throws InputError
 */
export async function readFileBytes(path: string, options: ReadOptions = {}): Promise<Buffer> {
  const { name = path, limit = DEFAULT_LIMIT, ownerOnly = false } = options;
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const why = await unreadable(handle, ownerOnly);
    if (why !== undefined) throw cannotRead(name, why);
    return await readUpTo(handle, name, limit);
  } catch (error) {
    throw error instanceof InputError ? error : cannotRead(name, fileProblem(error), error);
  } finally {
    await handle?.close();
  }
}

/** Devices never end, and reading one may change it; of directories the system says so itself. */
async function unreadable(handle: FileHandle, ownerOnly: boolean): Promise<string | undefined> {
  const status = await handle.stat();
  if (ownerOnly && (status.mode & 0o044) !== 0)
    return 'other users of this machine can read the passwords in it; chmod 600 makes it private';
  if (status.isDirectory()) return 'it is a directory';
  if (status.isFile() || status.isFIFO()) return undefined;
  if (status.isCharacterDevice() && isatty(handle.fd)) return undefined;
  return 'it is a device; name a file or a pipe';
}

async function readUpTo(handle: FileHandle, name: string, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let size = 0; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(64 * 1024), 0, undefined, null);
    if (bytesRead === 0) return Buffer.concat(chunks);
    size += bytesRead;
    if (size > limit) throw tooLong(name, limit);
    chunks.push(buffer.subarray(0, bytesRead));
  }
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is no directory',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  EISDIR: 'it is a directory',
  ENXIO: 'it is a socket; name a file or a pipe',
  ENAMETOOLONG: 'its name is too long',
  ERR_INVALID_ARG_VALUE: 'its name holds a zero byte',
};

/** Why a file could not be read, in words; the code of the system where there are none. */
export function fileProblem(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return problems[code] ?? (code === '' ? error.message : code);
}

function cannotRead(name: string, why: string, cause?: unknown): InputError {
  return new InputError(`${name} cannot be read: ${why}`, cause === undefined ? {} : { cause });
}

function tooLong(name: string, limit: number): InputError {
  return new InputError(`${name} has more than ${limit} bytes; is it the right file?`);
}
