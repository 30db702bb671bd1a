import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildLog } from './build-log.js';
import { BuildError } from './errors.js';

/** Everything that the result of a stage depends on. Two results of one stage with the same inputs are interchangeable. */
export type StageInputs = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface StageOptions {
  /** Seconds after which a result is made anew, for the sake of security updates; default never. */
  readonly maxAge?: number;
}

/** The file that a stage has made, now or for an earlier build. */
export interface StageResult {
  /** Stays until the build is over; not to be written to. */
  readonly path: string;
  readonly fromCache: boolean;
}

/** The results of stages for one build. */
export interface Stages {
  run(
    name: string,
    inputs: StageInputs,
    make: (path: string) => Promise<void>,
    options?: StageOptions,
  ): Promise<StageResult>;
  /** To be called when the build is over: it needs its results no more. */
  release(): Promise<void>;
}

export interface StageCacheOptions {
  /** Directory of the cache; made when needed. Several processes may share it. */
  readonly directory: string;
  /** Bytes that all results may take; those that were not used for longest go first. Default: as many as there are. */
  readonly limit?: number;
  /** Whether results of earlier builds are used, and kept for later ones; default true. */
  readonly enabled?: boolean;
}

/** What a build brings along. */
export interface StageUser {
  readonly log: Pick<BuildLog, 'info'>;
  readonly signal: AbortSignal;
  /** Where results are put that are not kept. */
  readonly scratch: string;
}

/** Seconds after which the remains of a build that was killed are removed. */
const leftoverAge = 24 * 3600;

/** Seconds for which a result stays after its last use, so that a build of another process can open it. */
const quiet = 60;

/** Results that this process is making just now, so that a second build waits for the first instead of doing the same work. */
const making = new Map<string, Promise<unknown>>();

/** How many builds of this process need a result. */
const needed = new Map<string, number>();

/**
 * What stages of builds have made, by the digest of their inputs.
 *
 * Results appear under their final name by rename only, whole or not at all; two processes that make the same one at the same
 * time both end up with a good one. A build that fails later leaves them as they are.
 */
export class StageCache {
  readonly #options: StageCacheOptions;

  constructor(options: StageCacheOptions) {
    this.#options = options;
  }

  /** The cache as one build uses it. */
  for(user: StageUser): Stages {
    const mine = new Set<string>();
    return {
      run: async (name, inputs, make, options = {}) => {
        assertName(name);
        if (this.#options.enabled === false) return await runWithout(name, make, user);
        const path = join(this.#options.directory, `${name}-${digestOf(name, inputs)}`);
        if (!mine.has(path)) {
          mine.add(path);
          needed.set(path, (needed.get(path) ?? 0) + 1);
        }
        return await this.#run(path, name, make, options, user);
      },
      release: async () => {
        for (const path of mine) {
          const others = (needed.get(path) ?? 1) - 1;
          if (others === 0) needed.delete(path);
          else needed.set(path, others);
        }
        if (mine.size > 0) await this.#shrink();
        mine.clear();
      },
    };
  }

  async #run(
    path: string,
    name: string,
    make: (path: string) => Promise<void>,
    { maxAge = Number.POSITIVE_INFINITY }: StageOptions,
    { log, signal }: StageUser,
  ): Promise<StageResult> {
    for (;;) {
      if (signal.aborted) throw new BuildError('aborted', 'the build was aborted');
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && age(found.mtimeMs) < maxAge) {
        log.info(`${name} from the cache: ${path}`);
        // The time of the last change says how old it is, that of the last access when it was used.
        await utimes(path, new Date(), found.mtime).catch(() => undefined);
        return { path, fromCache: true };
      }
      const other = making.get(path);
      if (other === undefined) break;
      log.info(`another build is making the same ${name}; waiting for it`);
      // If it fails, or is aborted, this build goes round again and makes it itself.
      await settledOrAborted(other, signal);
    }
    const work = this.#make(path, make);
    making.set(path, work);
    try {
      await work;
    } finally {
      making.delete(path);
    }
    return { path, fromCache: false };
  }

  async #make(path: string, make: (path: string) => Promise<void>): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true });
    const partial = `${path}.${randomUUID()}.partial`;
    try {
      await make(partial);
      await rename(partial, path);
    } finally {
      await rm(partial, { force: true, recursive: true });
    }
    await this.#shrink();
  }

  /** Removes what killed builds left, and what is too much. A reader that has opened a file keeps it until it closes it. */
  async #shrink(): Promise<void> {
    const { directory, limit = Number.POSITIVE_INFINITY } = this.#options;
    const kept: { readonly path: string; readonly size: number; readonly used: number }[] = [];
    for (const name of await readdir(directory).catch(() => [])) {
      const path = join(directory, name);
      const found = await stat(path).catch(() => undefined);
      if (found?.isFile() !== true) continue;
      if (name.endsWith('.partial')) {
        if (age(found.mtimeMs) > leftoverAge) await rm(path, { force: true });
        continue;
      }
      // What a sparse file leaves out takes no room.
      kept.push({ path, size: Math.min(found.size, found.blocks * 512), used: found.atimeMs });
    }
    let size = kept.reduce((sum, one) => sum + one.size, 0);
    for (const one of kept.sort((a, b) => a.used - b.used)) {
      if (size <= limit) return;
      if (needed.has(one.path) || age(one.used) < quiet) continue;
      await rm(one.path, { force: true });
      size -= one.size;
    }
  }
}

async function runWithout(
  name: string,
  make: (path: string) => Promise<void>,
  { log, scratch, signal }: StageUser,
): Promise<StageResult> {
  if (signal.aborted) throw new BuildError('aborted', 'the build was aborted');
  log.info(`${name} is made without the cache`);
  const path = join(scratch, `stage-${name}-${randomUUID()}`);
  await make(path);
  return { path, fromCache: false };
}

/** Names become parts of names of files. */
function assertName(name: string): void {
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(name)) {
    throw new BuildError(
      'internal',
      `stage ${JSON.stringify(name)}: a name of small letters, digits and - is expected`,
    );
  }
}

/** Seconds since a time in milliseconds. */
function age(time: number): number {
  return (Date.now() - time) / 1000;
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

function digestOf(name: string, inputs: StageInputs): string {
  const sorted = Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([name, sorted]))
    .digest('hex')
    .slice(0, 32);
}
