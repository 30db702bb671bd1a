// Reads one tarball as its users will: what is in it, whether its maps and imports lead somewhere, and what publint and
// arethetypeswrong have to say.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import typescript from 'typescript';
import { root } from './manifests.mjs';

const run = promisify(execFile);

/** Offences of a packed package, each with its remedy. */
export async function checkTarball(packed) {
  return [
    ...checkFiles(packed),
    ...checkImports(packed),
    ...(await lint(packed)),
    ...(await checkTypes(packed)),
  ];
}

function* checkFiles({ folder, files }) {
  const shipped = new Set(files);
  const stale = [];
  for (const name of ['README.md', 'LICENSE', 'package.json'])
    if (!shipped.has(name)) yield `${name} is not in the tarball`;
  for (const file of files) {
    if (/\.(?:test|suite|fixture|arbitrary)\.|tsbuildinfo/.test(file)) yield `${file}: exclude it in files`;
    if (!file.startsWith('dist/')) continue;
    const source = file.replace(/^dist\//, 'src/').replace(/(?:\.d\.ts|\.js)(?:\.map)?$/, '.ts');
    if (!shipped.has(source)) stale.push(file);
    else if (file.endsWith('.map')) yield* checkMap(folder, file, shipped);
    else if (!shipped.has(`${file}.map`)) yield `${file}: its source map is not in the tarball`;
  }
  if (stale.length > 0)
    yield `${stale.length} files such as ${stale[0]} have no source any more: remove dist/ and build again`;
}

function* checkMap(folder, file, shipped) {
  const { sources, sourceRoot = '' } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  for (const source of sources) {
    const path = posix.join(posix.dirname(file), sourceRoot, source);
    if (!shipped.has(path)) yield `${file}: names ${path}, which is not in the tarball`;
  }
}

/** What the shipped modules import must be declared: in the repository they find it in the root's node_modules in any case. */
function* checkImports({ folder, files, manifest }) {
  const declared = new Set([
    manifest.name,
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.peerDependencies ?? {}),
  ]);
  const missing = new Map();
  for (const file of files.filter(name => /^dist\/.*(?:\.js|\.d\.ts)$/.test(name))) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const { fileName: specifier } of typescript.preProcessFile(text).importedFiles) {
      if (specifier.startsWith('.')) continue;
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      if (name.startsWith('node:') || builtinModules.includes(name) || declared.has(name)) continue;
      missing.set(name, file);
    }
  }
  for (const [name, file] of missing) yield `${file}: imports ${name}; add it to dependencies`;
}

async function lint({ tarball }) {
  const { buffer, byteOffset, byteLength } = readFileSync(tarball);
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: bytes }, level: 'warning', strict: true });
  return messages.map(message => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`);
}

/** For programs that import: the packages have no CommonJS form, which `require` of Node.js 20.19 does not need either. */
async function checkTypes({ tarball }) {
  const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  try {
    await run(process.execPath, [attw, tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color']);
    return [];
  } catch ({ stdout, stderr }) {
    return [`attw: ${stdout}${stderr}`];
  }
}
