import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Names of files and directories (with a slash) that begin with a path. Never rejects. */
export async function fileNames(prefix: string): Promise<readonly string[]> {
  const head = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const directory = head === '' ? '.' : dirname(`${head}x`);
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const wantsHidden = prefix.slice(head.length).startsWith('.');
  return entries
    .filter(({ name }) => wantsHidden || !name.startsWith('.'))
    .map(entry => `${head}${entry.name}${entry.isDirectory() ? '/' : ''}`)
    .sort();
}
