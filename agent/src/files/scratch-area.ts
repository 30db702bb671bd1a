import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isAlive, isProcessMark, ownMark } from './process-mark.js';

const prefix = 'imagefactory-';
const ownerFile = 'owner.json';

/** The directory of one agent process under the temporary directory, in which every build has one of its own. */
export interface ScratchArea {
  /** Makes the empty directory of a build; readable by its owner alone. */
  create(name: string): Promise<string>;
  /** Removes the area and everything in it. */
  remove(): Promise<void>;
}

/** Makes the area, and removes those of agents on this machine that were killed. */
export async function openScratchArea(temporary: string): Promise<ScratchArea> {
  const parent = resolve(temporary);
  await mkdir(parent, { recursive: true });
  const mark = await ownMark();
  await removeLeftBehind(parent, mark.host);
  const area = await mkdtemp(join(parent, prefix));
  await writeFile(join(area, ownerFile), JSON.stringify(mark));
  return {
    async create(name) {
      const path = join(area, name);
      await mkdir(path, { mode: 0o700 });
      return path;
    },
    remove: () => removeTree(area),
  };
}

/** Removes a directory with all that is in it, even while somebody still writes there for a moment. */
export function removeTree(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
}

async function removeLeftBehind(parent: string, host: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    try {
      const owner: unknown = JSON.parse(await readFile(join(path, ownerFile), 'utf8'));
      if (isProcessMark(owner) && owner.host === host && !(await isAlive(owner))) await removeTree(path);
    } catch {
      // Not ours to judge: no owner, or somebody else's directory.
    }
  }
}
