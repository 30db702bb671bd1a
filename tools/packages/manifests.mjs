// The manifests of the packages that are published, as the root's workspaces name them.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** A package.json as an object. */
export function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

const { version, engines, license, workspaces } = readManifest(root);
export const rootManifest = { version, engines, license };

/** Folder (absolute), path (from the root) and manifest of each package that is not private. */
export const published = workspaces
  .map(path => ({ path, folder: join(root, path), manifest: readManifest(join(root, path)) }))
  .filter(({ manifest }) => manifest.private !== true);

export const privates = workspaces
  .map(path => ({ path, folder: join(root, path), manifest: readManifest(join(root, path)) }))
  .filter(({ manifest }) => manifest.private === true);
