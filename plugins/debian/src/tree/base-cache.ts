import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildContext, BuildError } from '@imagefactory/plugin-api';

export interface BaseCacheOptions {
  /** Directory of this kind of base; made when needed. */
  readonly directory: string;
  /** Everything that the base depends on. Two bases with the same key are interchangeable. */
  readonly key: Readonly<Record<string, string | readonly string[]>>;
  /** Seconds after which a base is made anew, for the sake of security updates. */
  readonly maxAge: number;
  /** Makes the archive at `path`. */
  readonly make: (path: string) => Promise<void>;
}

/** Seconds after which the remains of a builder that was killed are removed. */
const leftoverAge = 24 * 3600;

/** Bases that this process is making just now, so that a second build waits for the first instead of doing the same work. */
const making = new Map<string, Promise<unknown>>();

/**
 * Path of the archive of a base tree: from the cache, else made and put there.
 *
 * Archives appear under their final name by rename only, whole or not at all; two processes that make the same one at the same
 * time both end up with a good one. A build that fails later leaves the cache as it is.
 */
export async function cachedBase(
  options: BaseCacheOptions,
  context: Pick<BuildContext, 'log' | 'signal'>,
): Promise<{ readonly path: string; readonly fromCache: boolean }> {
  const { directory, maxAge } = options;
  const path = join(directory, `${digestOf(options.key)}.tar`);
  for (;;) {
    if (context.signal.aborted) throw new BuildError('aborted', 'the build was aborted');
    if (await youngerThan(path, maxAge)) {
      context.log.info(`base tree from the cache: ${path}`);
      return { path, fromCache: true };
    }
    const other = making.get(path);
    if (other === undefined) break;
    context.log.info('another build is making the same base tree; waiting for it');
    // If it fails, or is aborted, this build goes round again and makes the tree itself.
    await settledOrAborted(other, context.signal);
  }
  const work = makeInto(path, options);
  making.set(path, work);
  try {
    await work;
  } finally {
    making.delete(path);
  }
  return { path, fromCache: false };
}

async function makeInto(path: string, options: BaseCacheOptions): Promise<void> {
  await mkdir(options.directory, { recursive: true });
  await prune(options.directory, options.maxAge);
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    await options.make(partial);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Removes what nobody can want any more. A reader that has opened an archive keeps it until it closes it. */
async function prune(directory: string, maxAge: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const limit = name.endsWith('.partial') ? leftoverAge : name.endsWith('.tar') ? maxAge * 2 : undefined;
    const path = join(directory, name);
    if (limit !== undefined && !(await youngerThan(path, limit))) await rm(path, { force: true });
  }
}

async function youngerThan(path: string, seconds: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < seconds * 1000;
}

async function settledOrAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const settled = work.then(
    () => undefined,
    () => undefined,
  );
  if (signal.aborted) return;
  const waiting = new AbortController();
  const aborted = new Promise<void>(resolve => {
    signal.addEventListener('abort', () => resolve(), { once: true, signal: waiting.signal });
  });
  await Promise.race([settled, aborted]);
  waiting.abort();
}

function digestOf(key: BaseCacheOptions['key']): string {
  const sorted = Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 32);
}
