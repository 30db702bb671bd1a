import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { projectRoot } from './support/program.js';

/** Names on the bus, which stay as they are. */
const onTheBus = ['BuildNews', 'NEWS_LINES', 'NEWS_OBJECT', 'NEWS_PACKAGE', 'NEWS_PAGE'];

/** Names that are still to be renamed. Add none. */
const toBeRenamed = [
  ...['BindNews', 'DropNews', 'MalformedNews', 'OutageNews', 'OutageNewsOptions', 'newsOf'],
  ...['publishNews', 'tellConnectionNews', 'Manners', 'mannersOf', 'TemplateShelf', 'Courier'],
  ...['CourierOptions', 'WaitingList', 'allDone', 'Workshop', 'openWorkshop'],
  ...['Standing', 'standingOf', 'logStanding', 'JobStanding', 'ImageStanding'],
];

describe('docs/glossary.md', () => {
  let replaced: string[];
  before(async () => {
    const page = await readFile(join(projectRoot, 'docs/glossary.md'), 'utf8');
    const [, section = ''] = page.split(/^## /m);
    const rows = [...section.matchAll(/^\| [^|]+ \| [^|]+ \|([^|]*)\|$/gm)];
    replaced = rows.flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, word = '']) => word));
  });

  it('has replaced words', () => {
    expect(replaced).to.include.members(['courier', 'workshop', 'news']);
  });

  it('is kept by the names of exported declarations', async () => {
    const offending = new Map<string, string>();
    for (const file of await sources())
      for (const name of exportedNames(await readFile(file, 'utf8')))
        for (const word of replaced)
          if (has(name, word))
            offending.set(name, `${file.slice(projectRoot.length + 1)}: ${name} (${word})`);
    for (const name of [...onTheBus, ...toBeRenamed]) offending.delete(name);
    expect([...offending.values()]).to.deep.equal([]);
  });

  it('tells words apart by their parts', () => {
    expect(has('OutageNews', 'news')).to.equal(true);
    expect(has('NEWS_PAGE', 'news')).to.equal(true);
    expect(has('mend', 'mend')).to.equal(true);
    expect(has('waitingListOf', 'waitingList')).to.equal(true);
    expect(has('amendment', 'mend')).to.equal(false);
    expect(
      exportedNames('export class A {}\nexport async function b() {}\nexport type { c };'),
    ).to.deep.equal(['A', 'b']);
  });
});

/** Whether a name has the word as one or several of its parts: `mend` is no part of `amendment`. */
function has(name: string, word: string): boolean {
  return `_${parts(name)}_`.includes(`_${parts(word)}_`);
}

/** The parts of a name in camel case or upper case, in lower case with `_` between. */
function parts(name: string): string {
  return name.replace(/([a-z\d])([A-Z])/g, '$1_$2').toLowerCase();
}

function exportedNames(source: string): string[] {
  const declaration =
    /^export (?:declare )?(?:abstract )?(?:async )?(?:class|function\*?|const|interface|type|enum) (\w+)/gm;
  return [...source.matchAll(declaration)].map(([, name = '']) => name);
}

async function sources(): Promise<string[]> {
  const plugins = (await readdir(join(projectRoot, 'plugins'))).map(name => `plugins/${name}`);
  const found: string[] = [];
  for (const folder of ['text', 'qmf', 'schema', 'console-client', 'factory', 'agent', ...plugins]) {
    const home = join(projectRoot, folder, 'src');
    for (const path of await readdir(home, { recursive: true }))
      if (path.endsWith('.ts') && !/\.(?:test|fixture|suite|arbitrary)\.ts$/.test(path))
        found.push(join(home, path));
  }
  return found;
}
