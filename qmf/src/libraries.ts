import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { QmfError } from './errors.js';

interface Manifest {
  readonly name?: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const load = createRequire(import.meta.url);
// Our own package.json, one directory up from dist/, always has these.
const own = load('../package.json') as Manifest;

/** Version of this package. */
export const packageVersion = own.version;

const checked = new Set<string>();

/**
 * Makes sure that the installed version of a library is one whose undocumented parts this package knows. Looks once per library.
 *
 * @throws QmfError `library_unsupported`
 */
export function requireLibrary(name: 'amqplib' | 'rhea'): void {
  if (checked.has(name)) return;
  checkVersion(name, own.dependencies?.[name] ?? '', installedVersion(name));
  checked.add(name);
}

/**
 * @param range a version with a tilde in front (`~3.0.5`: that patch release and later ones of 3.0)
 * @throws QmfError `library_unsupported` for a version outside of it
 */
export function checkVersion(name: string, range: string, version: string): void {
  const [least, given] = [numbersOf(range.replace(/^~/, '')), numbersOf(version)];
  if (given[0] === least[0] && given[1] === least[1] && given[2] >= least[2]) return;
  throw new QmfError(
    'library_unsupported',
    `${name} ${version} is installed, and this package needs ${range}; run npm install ${name}@${range}, and remove any override of ${name}`,
  );
}

/** Major, minor and patch. A prerelease counts as none of them. */
function numbersOf(version: string): readonly [number, number, number] {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)(?:\+|$)/.exec(version) ?? [];
  return [Number(major), Number(minor), Number(patch)];
}

/** A library may keep its package.json to itself, so it is looked up from its main module. */
function installedVersion(name: string): string {
  for (let folder = dirname(load.resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = manifestIn(folder);
    if (manifest?.name === name) return manifest.version;
  }
  return 'of an unknown version';
}

function manifestIn(folder: string): Manifest | undefined {
  try {
    // Written by npm.
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}
