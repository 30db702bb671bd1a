import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { validate as isUuid } from 'uuid';
import { errorCode } from '../platform/files/error-code.js';
import { errorLine, type Logger } from '../platform/log/index.js';

/** Milliseconds for which the log of a build that has no image is kept after its last line. */
const age = 7 * 24 * 3_600_000;
/** Milliseconds between two looks. */
const pause = 24 * 3_600_000;

export interface OldLogsOptions {
  /** Directory of the images and of the builds' logs. */
  readonly directory: string;
  /** Ids of the builds that may still be asked for. */
  readonly known: () => ReadonlySet<string>;
  readonly log: Logger;
}

/**
 * Removes the logs of builds that have no image on record, a week after their last line, now and once a day. Logs of images go with those.
 * Never fails: what cannot be removed is told in the agent's log.
 */
export class OldLogs {
  readonly #options: OldLogsOptions;
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void>;

  constructor(options: OldLogsOptions) {
    this.#options = options;
    this.#sweeping = this.#sweep();
    this.#timer = setInterval(() => {
      this.#sweeping = this.#sweep();
    }, pause).unref();
  }

  /** Resolves when nothing is being removed any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { directory, known, log } = this.#options;
    try {
      const removed = await removeOldLogs(directory, known(), Date.now() - age);
      if (removed > 0)
        log.info(`${removed} logs of builds without an image were removed: they are over a week old`);
    } catch (error) {
      log.warn(`old logs of builds in ${directory} could not be removed: ${errorLine(error)}`);
    }
  }
}

/**
 * @param known ids of builds whose logs stay
 * @param before milliseconds since 1970: the logs whose last line is older go
 * @returns how many were removed
 */
export async function removeOldLogs(
  directory: string,
  known: ReadonlySet<string>,
  before: number,
): Promise<number> {
  const names = new Set(await readdir(directory));
  let removed = 0;
  for (const name of names) {
    const id = name.slice(0, -'.log'.length);
    if (!name.endsWith('.log') || !isUuid(id) || names.has(`${id}.meta`) || known.has(id)) continue;
    const path = join(directory, name);
    const modified = await modifiedAt(path);
    if (modified === undefined || modified >= before) continue;
    await rm(path, { force: true });
    removed++;
  }
  return removed;
}

async function modifiedAt(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    // Somebody else has removed it meanwhile.
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
