import { rm } from 'node:fs/promises';

/** Removes a directory with all that is in it, even while somebody still writes there for a moment. */
export function removeTree(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
}
