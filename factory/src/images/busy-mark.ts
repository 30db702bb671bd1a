import { readFile, stat } from 'node:fs/promises';
import { errorCode } from '../platform/files/error-code.js';
import { isAlive, isProcessMark, ownMark, type ProcessMark } from '../platform/files/process-mark.js';

/** Milliseconds after which a process on another host, whom nobody here can look after, counts as gone. */
const foreignAge = 24 * 3600 * 1000;
/** Milliseconds within which a file of a process that says nothing about itself may still be in the making. */
const freshAge = 60_000;

/**
 * What is in the `.busy` file of an image that is PENDING, BUILDING or DELETING: the process that works on it. Until that one is gone, or done,
 * the image is its alone.
 */
export interface BusyMark extends ProcessMark {
  /** Whether the image has had no body so far, so that one that is there has come without its metadata. */
  readonly bodiless?: boolean;
}

/** What a `.busy` file says; undefined when there is none, or it says nothing. */
export async function readBusyMark(path: string): Promise<BusyMark | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isProcessMark(value)
      ? { ...value, bodiless: 'bodiless' in value && value.bodiless === true }
      : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether there is such a file, and the process that it names has ended. The same goes for lock files. */
export async function isAbandoned(path: string): Promise<boolean> {
  return (await ownerOf(path)) === 'gone';
}

/** Whether there is such a file, and the process that it names is there, or may be. */
export async function isHeld(path: string): Promise<boolean> {
  return (await ownerOf(path)) === 'there';
}

async function ownerOf(path: string): Promise<'none' | 'there' | 'gone'> {
  try {
    const age = Date.now() - (await stat(path)).mtimeMs;
    const owner = await readBusyMark(path);
    const own = await ownMark();
    const isGone =
      owner === undefined
        ? age > freshAge
        : owner.host === own.host
          ? !(await isAlive(owner))
          : age > foreignAge;
    return isGone ? 'gone' : 'there';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'none';
    throw error;
  }
}
