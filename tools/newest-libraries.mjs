// Runs the tests of what leans on undocumented parts of rhea and amqplib against their newest releases, in a copy of qmf:
// node tools/newest-libraries.mjs [NAME@VERSION ...], default amqplib@latest rhea@latest. Exit 1 if a test fails.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readManifest, root } from './packages/manifests.mjs';

const given = process.argv.slice(2);
const wanted = given.length > 0 ? given : ['amqplib@latest', 'rhea@latest'];
const folder = mkdtempSync(join(tmpdir(), 'newest-libraries-'));
const modules = join(folder, 'node_modules');
try {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', ...wanted], {
    cwd: folder,
  });

  // All else comes from the repository.
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!existsSync(join(modules, name))) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  const copy = join(folder, 'qmf');
  for (const part of ['dist', 'src', 'test', 'node_modules'])
    if (existsSync(join(root, 'qmf', part)))
      cpSync(join(root, 'qmf', part), join(copy, part), { recursive: true });

  const manifest = readManifest(join(root, 'qmf'));
  for (const name of ['amqplib', 'rhea']) {
    const { version } = readManifest(join(modules, name));
    console.log(`${name} ${version}; pinned to ${manifest.dependencies[name]}`);
    manifest.dependencies[name] = `~${version}`;
  }
  writeFileSync(join(copy, 'package.json'), JSON.stringify(manifest));

  const mocha = join(root, 'node_modules/mocha/bin/mocha.js');
  const options = ['--no-config', '--enable-source-maps', '--timeout', '60000', '--reporter', 'dot'];
  const { status } = spawnSync(
    process.execPath,
    [mocha, ...options, 'dist/rhea/**/*.test.js', 'dist/transport/**/*.test.js'],
    { cwd: copy, stdio: 'inherit' },
  );
  process.exitCode = status === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
