// Whether a release could be made of what is here: packs every package, checks the tarballs, installs them in an empty folder,
// and compiles and runs the examples of their READMEs there.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkTarball } from './packages/check-tarball.mjs';
import { installIn } from './packages/install.mjs';
import { rootManifest } from './packages/manifests.mjs';
import { packAll } from './packages/pack.mjs';
import { checkReadmes } from './packages/readme-programs.mjs';

const write = process.argv.includes('--write');
const folder = mkdtempSync(join(tmpdir(), 'release-check-'));
try {
  const tarballs = join(folder, 'tarballs');
  const user = join(folder, 'user');
  for (const path of [tarballs, user]) mkdirSync(path);

  const packages = await packAll(tarballs);
  const offences = [];
  for (const packed of packages) {
    const found = await checkTarball(packed);
    offences.push(...found.map(text => `${packed.path}: ${text}`));
    console.log(
      `${packed.manifest.name}: ${packed.files.length} files, ${Math.ceil(packed.size / 1024)} KiB`,
    );
  }

  const fromRegistry = await installIn(
    user,
    new Map(packages.map(({ manifest, tarball }) => [manifest.name, tarball])),
  );
  console.log(
    `installed the tarballs ${fromRegistry ? 'from the registry' : "without a registry, from npm's cache"}`,
  );
  offences.push(...(await checkReadmes(user, packages, { write })));
  for (const { manifest } of packages) {
    for (const name of Object.keys(manifest.bin ?? {})) {
      const { stdout } = await promisify(execFile)(join(user, 'node_modules/.bin', name), ['--version']);
      if (!stdout.includes(rootManifest.version)) offences.push(`${name} --version: prints ${stdout}`);
    }
  }

  if (offences.length > 0) {
    console.error(offences.join('\n'));
    process.exitCode = 1;
  } else {
    console.log(`release: ${packages.length} packages of ${rootManifest.version} hold what they promise`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
