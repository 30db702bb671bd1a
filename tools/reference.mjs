// Writes the reference of every package's doors from their comments, as HTML: node tools/reference.mjs [FOLDER], default
// docs/reference/. Exit 1 if a comment links to something that is not there.
import { join, relative, resolve } from 'node:path';
import { Application } from 'typedoc';
import { published, root } from './packages/manifests.mjs';

const out = resolve(process.argv[2] ?? join(root, 'docs/reference'));
/** Names of doors by the names that typedoc gives to their modules. */
const doorOf = new Map();
const entryPoints = published.flatMap(({ folder, manifest }) =>
  Object.entries(manifest.exports).map(([door, { types }]) => {
    const source = types.replace('/dist/', '/src/').replace(/\.d\.ts$/, '.ts');
    const path = relative(root, join(folder, source));
    doorOf.set(path.replace(/(?:\/index)?\.ts$/, ''), `${manifest.name}${door.slice(1)}`);
    return path;
  }),
);

const app = await Application.bootstrap({
  name: 'Image Factory on the message bus',
  entryPoints,
  tsconfig: join(root, 'tsconfig.json'),
  readme: join(root, 'README.md'),
  basePath: root,
  displayBasePath: root,
  disableGit: true,
  disableSources: true,
  excludePrivate: true,
  excludeInternal: true,
  githubPages: false,
  highlightLanguages: ['typescript', 'js', 'sh', 'python', 'json', 'xml'],
  skipErrorChecking: true,
  validation: { invalidLink: true, notExported: false, notDocumented: false, rewrittenLink: false },
});
const project = await app.convert();
if (project === undefined) throw new Error('the sources do not compile; run npm run build');
// Named as they are imported, not by their files.
for (const module of project.children ?? []) module.name = doorOf.get(module.name) ?? module.name;
app.validate(project);
await app.generateDocs(project, out);
console.log(`reference of ${entryPoints.length} doors: ${join(out, 'index.html')}`);
process.exitCode = app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0;
