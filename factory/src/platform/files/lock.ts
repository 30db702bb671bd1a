import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { link, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from './error-code.js';
import { isAlive, isProcessMark, ownMark, type ProcessMark } from './process-mark.js';

/** Milliseconds between signs of life on the lock file. */
const refreshInterval = 20_000;
/** Milliseconds without a sign of life after which the lock of another host counts as left behind. */
const foreignAge = 90_000;

/** The right to be the one agent of a directory. */
export interface Lock {
  /** @throws what the file system says when it cannot be let go of */
  release(): void;
}

export type LockResult =
  | { readonly kind: 'held'; readonly lock: Lock }
  | { readonly kind: 'taken'; readonly by: string };

/**
 * Takes the lock file at `path`. It names its owner; the lock of a process that is gone is taken over. For owners on other hosts
 * (or in other containers) with the same directory, the file's age decides, since the owner keeps it fresh.
 *
 * A lock that is free is taken at once, and let go of at once: the calls take some microseconds each, and handing each to a thread and back
 * took longer than what is done under most locks.
 */
export async function takeLock(path: string): Promise<LockResult> {
  const mark = await ownMark();
  const content = JSON.stringify({ ...mark, lock: randomUUID() });
  const candidate = `${path}.${randomUUID()}`;
  try {
    // Within what removes it again: a full disk leaves the file, and nothing in it.
    writeFileSync(candidate, content, { flag: 'wx' });
    for (;;) {
      try {
        // Unlike a file that is opened first and filled then, a link is there with its content or not at all.
        linkSync(candidate, path);
        return { kind: 'held', lock: hold(path, content) };
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error;
      }
      const found = contentOf(path);
      if (found === undefined) continue;
      const owner = ownerOf(found);
      if (owner !== undefined && !(await isLeftBehind(path, owner, mark.host))) {
        return { kind: 'taken', by: `process ${owner.pid} on ${owner.host}` };
      }
      await discard(path, found);
    }
  } finally {
    rmSync(candidate, { force: true });
  }
}

/** As {@link takeLock}, and asks again for so many milliseconds before it is taken for `taken`. */
export async function waitForLock(path: string, patience: number): Promise<LockResult> {
  // By a clock that is never set.
  const deadline = performance.now() + patience;
  for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
    const result = await takeLock(path);
    if (result.kind === 'held' || performance.now() > deadline) return result;
    await sleep(pause * (0.5 + Math.random()));
  }
}

function ownerOf(content: string): ProcessMark | undefined {
  try {
    const value: unknown = JSON.parse(content);
    return isProcessMark(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function isLeftBehind(path: string, owner: ProcessMark, host: string): Promise<boolean> {
  if (owner.host === host) return !(await isAlive(owner));
  try {
    return Date.now() - (await stat(path)).mtimeMs > foreignAge;
  } catch {
    return true;
  }
}

/** Removes the lock that was read; if it is another one by now, that one is put back. */
async function discard(path: string, found: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== found) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

function hold(path: string, content: string): Lock {
  const refresh = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, refreshInterval);
  refresh.unref();
  return {
    release() {
      clearInterval(refresh);
      if (contentOf(path) === content) rmSync(path, { force: true });
    },
  };
}

/** Undefined when there is no such file any more. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
