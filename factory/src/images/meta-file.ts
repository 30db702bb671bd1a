import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { errorCode } from '../platform/files/error-code.js';
import { type ImageRecord, parseRecord } from './image-record.js';

/** Tells one version of a file from the next: every save makes a new one. */
export interface FileVersion {
  readonly inode: number;
  readonly modified: number;
  readonly size: number;
}

export type MetaFile = FileVersion &
  ({ readonly record: ImageRecord } | { readonly record?: undefined; readonly problem: string });

/**
 * Reads one `.meta` file; undefined when there is none. Synchronous, because thousands of small files are read several times faster so, and
 * one of them takes some microseconds.
 */
export function readMeta(path: string, identifier: string): MetaFile | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    return {
      inode: 0,
      modified: 0,
      size: 0,
      problem: `it cannot be read (${errorCode(error) ?? 'unknown'})`,
    };
  }
  try {
    const { ino, mtimeMs, size, mtime } = fstatSync(file);
    const version = { inode: ino, modified: mtimeMs, size };
    const record = parseRecord(readFileSync(file, 'utf8'), identifier, mtime.toISOString());
    return typeof record === 'string' ? { ...version, problem: record } : { ...version, record };
  } catch (error) {
    return {
      inode: 0,
      modified: 0,
      size: 0,
      problem: `it cannot be read (${errorCode(error) ?? 'unknown'})`,
    };
  } finally {
    closeSync(file);
  }
}
