// Installs tarballs in an empty folder: with what the registry has today, or, without a registry, with what npm's cache has.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './manifests.mjs';

const run = promisify(execFile);
/** Milliseconds for the registry's first answer, and for an installation. */
const timeouts = { answer: 20_000, install: 240_000 };

/**
 * @param tarballs paths by package name
 * @returns whether the registry was reached
 */
export async function installIn(folder, tarballs) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const manifest = {
    private: true,
    type: 'module',
    dependencies: {
      ...Object.fromEntries([...tarballs].map(([name, path]) => [name, `file:${path}`])),
      '@types/node': lock['node_modules/@types/node'].version,
    },
  };
  const write = extra =>
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, ...extra }));
  const fromRegistry = await registryAnswers();
  // Without a registry, the versions that `npm ci` installed in the repository, which are in npm's cache.
  write(fromRegistry ? {} : { overrides: lockedVersions(lock) });
  const options = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    fromRegistry ? '--prefer-online' : '--offline',
  ];
  try {
    await run('npm', ['install', ...options], { cwd: folder, timeout: timeouts.install });
    return fromRegistry;
  } catch (error) {
    const cause = error.killed ? `took more than ${timeouts.install / 1000} s` : error.stderr;
    const remedy = "no registry, and npm's cache lacks a package; run npm ci once where there is one";
    throw new Error(`npm install: ${fromRegistry ? cause : `${remedy}: ${cause}`}`, { cause: error });
  }
}

/** One request without retries: `npm install` itself tries for many minutes. An answer of any status will do. */
async function registryAnswers() {
  const options = ['--fetch-retries=0', `--fetch-timeout=${timeouts.answer}`];
  return run('npm', ['ping', ...options], { timeout: 2 * timeouts.answer }).then(
    () => true,
    ({ stderr }) => /code E\d{3}\b/.test(stderr),
  );
}

/** Versions by name of the libraries that the lock has in one version, as `overrides` of npm. */
function lockedVersions(lock) {
  const versions = new Map();
  for (const [path, { version, link, dev }] of Object.entries(lock)) {
    if (link === true || dev === true || !path.includes('node_modules/')) continue;
    const name = path.split('node_modules/').at(-1);
    versions.set(name, versions.has(name) && versions.get(name) !== version ? undefined : version);
  }
  return Object.fromEntries([...versions].filter(([, version]) => version !== undefined));
}
