import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildLog } from '../build-log.js';
import { BuildError } from '../errors.js';
import { createToolRunner } from '../tool-runner.js';
import { createUrlRule } from '../urls/url-rule.js';
import { whichTool } from '../which.js';
import { removeDeadCgroups } from './cgroup.js';
import { runContainer } from './container.js';
import { type IdBlock, idBlocks, type IdSources } from './id-ranges.js';
import { holdBlock } from './id-lock.js';
import { defaultLimits } from './limits.js';
import { possibleRuntimes, type Runtime } from './runtime.js';

/** What this machine has for sandboxes. */
export interface Machine {
  readonly runtime: Runtime;
  readonly blocks: readonly IdBlock[];
  readonly root: boolean;
}

/** Seconds that a runtime has for a container with a program that does nothing. */
const patience = 20;

const installRuntime = 'apt-get install --no-install-recommends runc';

const found = new Map<string, Promise<Machine>>();

/**
 * Finds an OCI runtime that works, by running a container with each until one does; the answer is kept for the life of the process.
 *
 * @throws BuildError `tool_missing` without a runtime, `not_permitted` when none works or there are no ids; the message has the remedy
 */
export function machine(sources: IdSources = {}): Promise<Machine> {
  const key = JSON.stringify(sources);
  const known = found.get(key);
  if (known !== undefined) return known;
  const looking = look(sources);
  found.set(key, looking);
  // What is missing may be there the next time.
  looking.catch(() => found.delete(key));
  return looking;
}

async function look(sources: IdSources): Promise<Machine> {
  const root = process.getuid?.() === 0;
  const blocks = await idBlocks(sources);
  const [runc, crun] = await Promise.all([whichTool('runc'), whichTool('crun')]);
  const possible = possibleRuntimes({ runc, crun }, root);
  if (possible.length === 0) {
    throw new BuildError(
      'tool_missing',
      `neither runc nor crun is installed, without which templates are not run; ${installRuntime}`,
    );
  }
  for (const tool of ['setpriv', 'unshare', 'flock', 'prlimit', ...(root ? [] : ['newuidmap'])]) {
    if ((await whichTool(tool)) !== undefined) continue;
    const name = tool === 'newuidmap' ? 'uidmap' : 'util-linux';
    throw new BuildError(
      'tool_missing',
      `${tool} is not installed; apt-get install --no-install-recommends ${name}`,
    );
  }
  if (root) removeDeadCgroups();
  const { block, release } = await holdBlock(blocks, { signal: AbortSignal.timeout(patience * 1000) });
  const reasons: string[] = [];
  try {
    for (const runtime of possible) {
      const reason = await trial(runtime, block, root);
      if (reason === undefined) return { runtime, blocks, root };
      reasons.push(`${[runtime.name, ...runtime.arguments].join(' ')}: ${reason}`);
    }
  } finally {
    await release();
  }
  throw new BuildError(
    'not_permitted',
    `no OCI runtime works on this machine (${reasons.join('; ')}); it must allow user namespaces: on a virtual or real machine that is usual, in a container it takes CAP_SYS_ADMIN and an unmasked /proc`,
  );
}

/** Why a runtime does not work. */
async function trial(runtime: Runtime, ids: IdBlock, root: boolean): Promise<string | undefined> {
  const scratch = await mkdtemp(join(tmpdir(), 'imagefactory-sandbox-'));
  try {
    const run = createToolRunner({ log: silent, scratch, signal: AbortSignal.timeout(patience * 1000) });
    const { stdout } = await runContainer(
      run,
      {
        ...{
          runtime,
          ids,
          root,
          directory: join(scratch, 'run'),
          shares: [],
          env: {},
          limits: defaultLimits,
        },
        ...{
          hostname: 'trial',
          command: ['/bin/cat', '/proc/self/uid_map'],
          network: 'none',
          reach: { rule: createUrlRule(), servers: [], proxies: new Map() },
          proxied: false,
        },
      },
      { label: runtime.name },
    );
    return /^\s*0\s+\d+\s+65536\s*$/.test(stdout) ? undefined : 'it makes no user namespace';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const silent: BuildLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
