import { lstat, mkdir } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BuildError } from '../errors.js';
import { type ProcessGroup, spawnGroup } from '../process-group.js';
import { toolPath } from '../which.js';
import type { IdBlock } from './id-ranges.js';

/** A block of ids that no other sandbox on this machine has. */
export interface HeldBlock {
  readonly block: IdBlock;
  readonly release: () => Promise<void>;
}

export interface HoldOptions {
  readonly signal: AbortSignal;
  /** Called once when all blocks are in use and the call waits for one. */
  readonly onWait?: (blocks: number) => void;
  /** Directory of the locks; default: one that all agents of this user share. */
  readonly directory?: string;
}

/** Milliseconds between two looks for a free block. */
const pause = 200;

/**
 * Takes one of the blocks, and waits while all are in use. The lock is one of the kernel on a file (flock(2)), held by a process that ends with
 * this one; so there is no moment, and no way for an agent to die, that leaves a block taken or given twice.
 *
 * @throws BuildError `aborted` when the signal fires; `not_permitted` when the directory of the locks is not this user's alone
 */
export async function holdBlock(blocks: readonly IdBlock[], options: HoldOptions): Promise<HeldBlock> {
  const { signal, onWait } = options;
  const directory = await lockDirectory(options.directory);
  for (let round = 0; ; round++) {
    for (const block of blocks) {
      if (signal.aborted) throw new BuildError('aborted', 'the build was aborted before it had ids');
      const holder = await tryLock(join(directory, `${block.uid}`));
      if (holder === undefined) continue;
      return {
        block,
        release: async () => {
          holder.stop();
          await holder.ended;
        },
      };
    }
    if (round === 0) onWait?.(blocks.length);
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}

const lockTaken = 75;

async function tryLock(path: string): Promise<ProcessGroup | undefined> {
  let held: (value: boolean) => void = () => undefined;
  const answer = new Promise<boolean>(resolve => (held = resolve));
  // The holder reads its input, which ends with this process.
  const script = 'echo held; exec cat >/dev/null';
  const args = ['--nonblock', '--conflict-exit-code', String(lockTaken), path, 'sh', '-c', script];
  const group = spawnGroup('flock', args, {
    env: { PATH: toolPath() },
    input: 'open',
    grace: 0,
    onData: () => held(true),
  });
  const end = group.ended.then(outcome => {
    held(false);
    return outcome;
  });
  if (await answer) return group;
  const outcome = await end;
  if (outcome.kind === 'not-started') throw new BuildError('tool_missing', 'flock is not installed');
  if (outcome.kind === 'exited' && outcome.status === lockTaken) return undefined;
  throw new BuildError('not_permitted', `the lock ${path} of a block of ids cannot be taken`);
}

/** Only its owner may write there, and it is no link: nobody else can hold the blocks. */
async function lockDirectory(given?: string): Promise<string> {
  const uid = process.getuid?.();
  const candidates =
    given !== undefined
      ? [given]
      : uid === 0
        ? ['/run/imagefactory/ids']
        : [join(homedir(), '.cache', 'imagefactory', 'ids'), join(tmpdir(), `imagefactory-ids-${uid}`)];
  let reason = '';
  for (const directory of candidates) {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const found = await lstat(directory);
      if (found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0) return directory;
      reason = `${directory} does not belong to this user alone`;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  throw new BuildError('not_permitted', `there is no directory for the locks of ids: ${reason}`);
}
