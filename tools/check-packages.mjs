// Holds the package.json files to one version and one shape, so that each package can be published as it stands. Prints each
// offence with its remedy; exit 1 if there is any.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { privates, published, root, rootManifest } from './packages/manifests.mjs';

const { version } = rootManifest;
const offences = [];
const licence = readFileSync(join(root, 'LICENSE'), 'utf8');
/** Libraries whose undocumented parts we use: patch releases only. */
const pinned = ['amqplib', 'rhea'];

for (const { path, folder, manifest } of published) {
  const offend = text => offences.push(`${path}/package.json: ${text}`);
  for (const field of ['description', 'keywords', 'exports', 'files']) {
    if (manifest[field] === undefined || manifest[field].length === 0) offend(`add ${field}`);
  }
  if (manifest.license !== rootManifest.license) offend(`license: must be ${rootManifest.license}`);
  if (manifest.engines?.node !== rootManifest.engines.node)
    offend(`engines.node: must be ${rootManifest.engines.node}, as in the root`);
  if (manifest.publishConfig?.access !== 'public') offend('publishConfig.access: must be public');
  for (const part of ['dist', 'src', '!**/*.test.*', '!**/*.suite.*', '!**/*.arbitrary.*', '!**/*.fixture.*'])
    if (!manifest.files?.includes(part)) offend(`files: add ${part}`);
  if (!existsSync(join(folder, 'README.md'))) offences.push(`${path}/README.md: missing`);
  if (!existsSync(join(folder, 'LICENSE')) || readFileSync(join(folder, 'LICENSE'), 'utf8') !== licence)
    offences.push(`${path}/LICENSE: must be a copy of the root's`);
  if (manifest.keywords?.includes('imagefactory-plugin') && path !== 'plugins/api') {
    if (manifest.dependencies?.['@imagefactory/plugin-api'] !== undefined)
      offend('dependencies: @imagefactory/plugin-api must be a peer dependency');
    if (manifest.devDependencies?.['@imagefactory/plugin-api'] === undefined)
      offend('devDependencies: add @imagefactory/plugin-api');
    if (manifest.peerDependencies?.['@imagefactory/plugin-api'] !== `^${version}`)
      offend(`peerDependencies: @imagefactory/plugin-api must be ^${version}`);
  }
}

/** Ranges of libraries by name: one library has one range, so that an installation has it once. */
const ranges = new Map();

for (const { path, manifest } of [...published, ...privates]) {
  const offend = text => offences.push(`${path}/package.json: ${text}`);
  if (manifest.version !== version) offend(`version: must be ${version}, as in the root`);
  for (const kind of ['dependencies', 'devDependencies']) {
    for (const [name, range] of Object.entries(manifest[kind] ?? {})) {
      if (name.startsWith('@imagefactory/') && range !== version)
        offend(`${kind}: ${name} must be ${version}, without a range`);
      if (pinned.includes(name) && !/^~\d+\.\d+\.\d+$/.test(range))
        offend(`${kind}: ${name} must be pinned with a tilde, such as ~1.2.3`);
      const first = ranges.get(name) ?? { path, range };
      ranges.set(name, first);
      if (first.range !== range) offend(`${kind}: ${name} must be ${first.range}, as in ${first.path}`);
    }
  }
}

if (offences.length > 0) {
  console.error(offences.join('\n'));
  process.exitCode = 1;
} else {
  console.log(`packages: ${published.length} can be published as ${version}`);
}
