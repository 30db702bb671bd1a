import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const LIMIT = 1_000;

/** Lines of earlier runs. */
export interface History {
  /** Newest first, as readline wants them. */
  load(): Promise<string[]>;
  /** Keeps a line. Never rejects: history is a convenience. */
  add(line: string): Promise<void>;
}

/** `$XDG_STATE_HOME/imagefactory/console_history`, by default below `~/.local/state`. */
export function historyPath(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const state = env['XDG_STATE_HOME'] ?? '';
  if (state.startsWith('/')) return join(state, 'imagefactory', 'console_history');
  const home = env['HOME'] ?? '';
  return home === '' ? undefined : join(home, '.local', 'state', 'imagefactory', 'console_history');
}

/** History in a file that only its owner can read. */
export function fileHistory(path: string): History {
  let adding: Promise<void> = Promise.resolve();
  return {
    load: async () => {
      const text = await readFile(path, 'utf8').catch(() => '');
      const lines = text.split('\n').filter(line => line !== '');
      const kept = lines.slice(-LIMIT);
      if (lines.length > LIMIT * 2) {
        await writeFile(path, `${kept.join('\n')}\n`, { mode: 0o600 }).catch(() => undefined);
      }
      return kept.reverse();
    },
    add: line => {
      adding = adding.then(() => append(path, line)).catch(() => undefined);
      return adding;
    },
  };
}

async function append(path: string, line: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await appendFile(path, `${line}\n`, { mode: 0o600 });
  await chmod(path, 0o600); // the file may be there already, with another mode
}
