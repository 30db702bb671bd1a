// The examples of the packages' READMEs as programs: compiled strictly against the installed packages, run, and held to the
// output that the README shows.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './manifests.mjs';

const run = promisify(execFile);
const example = /^```ts\n([\s\S]*?)^```\n\nIt prints:\n\n```text\n([\s\S]*?)^```/gm;
/** Milliseconds that an example may take. */
const timeout = 60_000;

const compilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  skipLibCheck: false,
  target: 'es2022',
  lib: ['es2023'],
  module: 'nodenext',
  types: ['node'],
  rootDir: '.',
  outDir: 'out',
};

/** Offences of the READMEs. With `write`, an output that differs is written to its README instead. */
export async function checkReadmes(folder, packages, { write }) {
  const offences = [];
  const programs = packages.flatMap(({ path, folder: home }) => {
    const text = readFileSync(join(home, 'README.md'), 'utf8');
    const found = [...text.matchAll(example)];
    if (found.length === 0 || found.length !== text.split('\n```ts\n').length - 1)
      offences.push(`${path}/README.md: each example needs a block of the output behind "It prints:"`);
    return found.map(([, code, output], index) => ({
      readme: join(path, 'README.md'),
      name: `${path.replace('/', '-')}-${index}`,
      code,
      output,
    }));
  });
  const doors = packages.flatMap(({ manifest }) =>
    Object.keys(manifest.exports).map(door => `${manifest.name}${door.slice(1)}`),
  );
  const everyDoor = doors.map(door => `import * as all${doors.indexOf(door)} from '${door}';\n`).join('');
  const used = doors.map((_, index) => `all${index}`).join(', ');
  writeFileSync(
    join(folder, 'doors.ts'),
    `${everyDoor}for (const door of [${used}]) if (Object.keys(door).length === 0) console.log('a door without values');\n`,
  );
  for (const { name, code } of programs) writeFileSync(join(folder, `${name}.ts`), code);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions,
      files: ['doors', ...programs.map(({ name }) => name)].map(name => `${name}.ts`),
    }),
  );
  try {
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      cwd: folder,
    });
  } catch ({ stdout }) {
    return [...offences, `the examples of the READMEs do not compile:\n${stdout}`];
  }
  offences.push(...(await failure(folder, 'doors')).map(text => `doors: ${text}`));
  for (const program of programs) {
    const { readme, name, output } = program;
    const result = await outputOf(folder, name);
    if (result.error !== undefined) offences.push(`${readme}: its example fails: ${result.error}`);
    else if (result.stdout !== output && write) rewrite(readme, program, result.stdout);
    else if (result.stdout !== output)
      offences.push(
        `${readme}: its example prints:\n${result.stdout}(npm run release:check -- --write takes it over)`,
      );
  }
  return offences;
}

async function failure(folder, name) {
  const { error, stdout } = await outputOf(folder, name);
  return error === undefined && stdout === '' ? [] : [error ?? stdout];
}

/** Runs a program in a directory of its own. */
async function outputOf(folder, name) {
  const cwd = join(folder, 'runs', name);
  mkdirSync(cwd, { recursive: true });
  try {
    const { stdout } = await run(process.execPath, [join(folder, 'out', `${name}.js`)], { cwd, timeout });
    return { stdout };
  } catch (error) {
    return { error: error.killed ? `still running after ${timeout / 1000} s` : error.stderr };
  }
}

function rewrite(readme, { code, output }, stdout) {
  const path = join(root, readme);
  const block = text => `\`\`\`ts\n${code}\`\`\`\n\nIt prints:\n\n\`\`\`text\n${text}\`\`\``;
  const text = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    text.replace(block(output), () => block(stdout)),
  );
  console.log(`${readme}: wrote the output of its example`);
}
