import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A directory in the user's cache, for what is fetched once; whoever fills it renames a complete one into place. */
export function cachePlace(name: string): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'imagefactory-tests', name);
}

export function isFilled(directory: string): Promise<boolean> {
  return readdir(directory).then(
    names => names.length > 0,
    () => false,
  );
}
