import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { scanWords } from './words.js';

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

const secretName = /pass|secret|cred|token|key/i;

/** Which argument of a method, counted from 1, is credentials when arguments go by position. */
const credentialsPlace: ReadonlyMap<string, number> = new Map([
  ['build_image', 4],
  ['push_image', 4],
  ['provider_image', 3],
]);

/** What takes no secret: an argument read from elsewhere, or none. */
function isHarmless(word: string): boolean {
  return word === '' || word === '-' || word === 'null' || (word.startsWith('@') && !word.startsWith('@@'));
}

/**
 * Whether a line must not be kept: it holds a password or credentials in the open, or begins with space, by which shells too
 * are told to forget. `--credentials FILE` is only a name.
 */
export function isSecret(line: string): boolean {
  if (/^\s/.test(line)) return true;
  if (/:\/\/[^/\s]*@/.test(line)) return true;
  const words = scanWords(line).words.map(({ text }) => text);
  if (words[0] !== 'call') return false;
  const named = words.map(word => /^(\w+)=(.*)$/s.exec(word));
  if (named.some(match => match !== null && secretName.test(match[1] ?? '') && !isHarmless(match[2] ?? ''))) {
    return true;
  }
  // Inside maps names stand before a colon.
  if (words.some(word => /^(\w+=)?[{[]/.test(word) && secretName.test(word))) return true;
  const [, , method = ''] = words;
  const place = credentialsPlace.get(method);
  const credentials = place === undefined ? undefined : words[2 + place];
  return credentials !== undefined && !/^\w+=/.test(credentials) && !isHarmless(credentials);
}
