// Packs the packages as `npm publish` would.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { published, root } from './manifests.mjs';

const run = promisify(execFile);

/** The tarballs of all published packages in a folder, with the paths of the files in them. */
export async function packAll(folder) {
  const workspaces = published.flatMap(({ path }) => ['--workspace', path]);
  const options = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await run('npm', [...options, ...workspaces], { cwd: root, maxBuffer: 64 * 1024 ** 2 });
  const packed = JSON.parse(stdout);
  return published.map(entry => {
    const found = packed.find(({ name }) => name === entry.manifest.name);
    if (found === undefined) throw new Error(`npm pack made no tarball of ${entry.path}`);
    return {
      ...entry,
      tarball: join(folder, found.filename),
      size: found.size,
      files: found.files.map(file => file.path),
    };
  });
}
