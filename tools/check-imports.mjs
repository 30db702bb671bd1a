// Holds the code to the direction of imports in docs/architecture.md: packages import only what their row allows, only through
// the door, and no modules import each other in a circle. Prints each offence with its place; exit 1 if there is any.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const plugins = readdirSync(join(root, 'plugins')).map(name => `plugins/${name}`);
const pluginNames = plugins.map(path => `plugin-${path.slice('plugins/'.length)}`);

/** Package folder to its name and the packages that it may import. */
const packages = new Map([
  ['text', { name: 'text', may: [] }],
  ['qmf', { name: 'qmf', may: ['text'] }],
  ['schema', { name: 'schema', may: ['qmf'] }],
  ['console-client', { name: 'console-client', may: ['text', 'qmf', 'schema'] }],
  ['factory', { name: 'factory', may: ['text', 'plugin-api'] }],
  ['agent', { name: 'agent', may: ['text', 'qmf', 'schema', 'factory', ...pluginNames] }],
  ...plugins.map(path => [
    path,
    { name: `plugin-${path.slice('plugins/'.length)}`, may: path === 'plugins/api' ? [] : ['plugin-api'] },
  ]),
  ...['test', 'bench', 'examples'].map(path => [
    path,
    {
      name: path,
      may: [
        'text',
        'qmf',
        'schema',
        'console-client',
        'factory',
        'agent',
        ...pluginNames,
        ...(path === 'bench' ? ['test'] : []),
      ],
    },
  ]),
]);

/** Inside of packages: their layers from the bottom up; a folder, or module beside them, imports only those before it, and itself. */
const layers = new Map(
  Object.entries({
    qmf: `errors libraries output value codec schema data query rhea message transport connection session agent console
      broker command-line wire index`,
    factory: `platform store access images templates catalog plugins jobs warehouse followers maintenance orders options
      factory index testing`,
    agent: 'bus runtime index cli',
    'plugins/debian': 'apt tree disk doctor debian busybox package index',
  }).map(([path, names]) => [path, names.split(/\s+/)]),
);

/** Imports that close a circle and are meant: of types alone, where two things are nothing without each other. */
const knowEachOther = new Set([
  // An agent hands out objects and subscriptions, and they ask their agent.
  'qmf/src/console/remote-object.ts qmf/src/console/console-agent.ts',
  'qmf/src/console/subscription.ts qmf/src/console/console-agent.ts',
]);

/** What packages may be imported by: their names, and those with the paths of `exports` behind. */
const doors = new Set(
  [...packages.keys()].flatMap(path => {
    const { name, exports = {} } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
    return Object.keys(exports).map(door => `${name}${door.slice(1)}`);
  }),
);

const offences = [];
const imports = new Map();

for (const [path, { may }] of packages) {
  for (const file of sources(join(root, path, 'src'))) {
    const text = readFileSync(file, 'utf8');
    const isTest = /\.(test|fixture|suite|arbitrary)\.ts$/.test(file);
    const targets = [];
    for (const match of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
      const specifier = match[1];
      if (specifier.startsWith('@imagefactory/')) {
        const [, name] = specifier.split('/');
        if (!doors.has(specifier)) offences.push(`${show(file)}: imports past the door: ${specifier}`);
        const isTool = isTest && name.startsWith('plugin-');
        if (!may.includes(name) && !isTool)
          offences.push(`${show(file)}: ${path} must not import ${specifier}`);
      } else if (specifier.startsWith('.')) {
        const target = resolve(dirname(file), specifier.replace(/\.js$/, '.ts'));
        if (!target.startsWith(join(root, path, 'src') + '/'))
          offences.push(`${show(file)}: imports out of its package: ${specifier}`);
        if (!knowEachOther.has(`${show(file)} ${show(target)}`)) targets.push(target);
        if (layers.has(path) && !isTest) checkLayer(path, file, target);
        if (path === 'console-client' && isCli(target) && !isCli(file))
          offences.push(`${show(file)}: only cli/ imports cli/`);
      }
    }
    imports.set(file, targets);
  }
}

for (const file of imports.keys()) findCircle(file, [file]);

if (offences.length > 0) {
  console.error([...new Set(offences)].join('\n'));
  console.error(`${new Set(offences).size} imports against the rules`);
  process.exitCode = 1;
} else {
  console.log(`imports: ${imports.size} modules keep to the rules`);
}

function sources(folder) {
  return readdirSync(folder).flatMap(name => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return name.endsWith('.ts') ? [path] : [];
  });
}

/** The command line of consoles is a door of its own on top of their library. */
function isCli(file) {
  return relative(join(root, 'console-client/src'), file).startsWith('cli/');
}

function checkLayer(path, file, target) {
  const order = layers.get(path);
  const [from, to] = [file, target].map(module =>
    relative(join(root, path, 'src'), module)
      .split('/')[0]
      .replace(/\.ts$/, ''),
  );
  if (from === to) return;
  for (const name of [from, to])
    if (!order.includes(name))
      offences.push(`${path}/src/${name}: has no place in layers of tools/check-imports.mjs`);
  if (order.indexOf(to) > order.indexOf(from))
    offences.push(`${show(file)}: ${from}/ is below ${to}/ and must not import it`);
}

function findCircle(file, trail) {
  for (const target of imports.get(file) ?? []) {
    if (target === trail[0]) offences.push(`circle: ${[...trail, target].map(show).sort().join(' - ')}`);
    else if (!trail.includes(target) && trail.length < 12) findCircle(target, [...trail, target]);
  }
}

function show(file) {
  return relative(root, file);
}
