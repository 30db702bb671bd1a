import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { CliError } from '../errors.js';
import { buildProgram } from '../program.js';
import { completeLine } from './completer.js';
import { fileHistory, historyPath } from './history.js';
import type { Names } from './live-names.js';
import { splitLine } from './words.js';

describe('splitLine', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['  query   Widget ', ['query', 'Widget']],
    [`call o m 'a b' "c \\"d\\"" e\\ f ''`, ['call', 'o', 'm', 'a b', 'c "d"', 'e f', '']],
    [
      "query {class:ImageFactory, package:'com.redhat.imagefactory'}",
      ['query', "{class:ImageFactory, package:'com.redhat.imagefactory'}"],
    ],
    ['x --where [eq, a, [quote, "b] c"]] y', ['x', '--where', '[eq, a, [quote, "b] c"]]', 'y']],
    ['m table={"k": "}"} items=[1, 2]', ['m', 'table={"k": "}"}', 'items=[1, 2]']],
    ['a{b c}', ['a{b', 'c}']],
    ['', []],
  ];
  for (const [line, words] of cases) {
    it(`makes ${words.length} words of: ${line}`, () => expect(splitLine(line)).to.deep.equal(words));
  }
  for (const line of ["a 'b", 'a {b: [c}', 'a "b\\"']) {
    it(`refuses: ${line}`, () => expect(() => splitLine(line)).to.throw(CliError, 'the line ends before'));
  }
});

describe('the history', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'console-history-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('keeps lines across runs, newest first, for the owner only', async () => {
    const path = join(folder, 'state', 'imagefactory', 'console_history');
    const first = fileHistory(path);
    expect(await first.load()).to.deep.equal([]);
    await Promise.all([first.add('agents'), first.add('schema')]);
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect(await fileHistory(path).load()).to.deep.equal(['schema', 'agents']);
  });

  it('does not grow for ever', async () => {
    const path = join(folder, 'long');
    await writeFile(path, Array.from({ length: 2_500 }, (_, index) => `line ${index}\n`).join(''));
    const lines = await fileHistory(path).load();
    expect(lines).to.have.lengthOf(1_000);
    expect(lines[0]).to.equal('line 2499');
    expect((await readFile(path, 'utf8')).split('\n')).to.have.lengthOf(1_001);
  });

  it('does without a file that cannot be written', async () => {
    const file = join(folder, 'no-folder');
    await writeFile(file, '');
    const history = fileHistory(join(file, 'history'));
    await history.add('agents');
    expect(await history.load()).to.deep.equal([]);
  });

  it('is where the user wants state to be', () => {
    expect(historyPath({ XDG_STATE_HOME: '/s', HOME: '/h' })).to.equal('/s/imagefactory/console_history');
    expect(historyPath({ HOME: '/h' })).to.equal('/h/.local/state/imagefactory/console_history');
    expect(historyPath({ XDG_STATE_HOME: 'not/absolute' })).to.equal(undefined);
  });
});

describe('completion', () => {
  const names: Names = {
    agents: () => ['redhat.com:imagefactory:5edb', 'apache.org:qpidd:41fc', 'evil:\u001b]0;x:y'],
    classes: kind =>
      Promise.resolve(
        kind === '_event'
          ? ['RingEvent']
          : kind === '_data'
            ? ['ImageFactory', 'Widget']
            : ['Widget', 'RingEvent'],
      ),
    objects: className =>
      Promise.resolve(className === 'BuildAdaptor' ? ['build_adaptor-1'] : ['image_factory', 'widget-left']),
    methods: object => Promise.resolve(object === 'image_factory' ? ['build_image'] : ['ring', 'run']),
    inputs: (object, method) =>
      Promise.resolve(
        object === 'image_factory' && method === 'build_image' ? ['descriptor', 'target', 'image_uuid'] : [],
      ),
    properties: className => Promise.resolve(className === 'Widget' ? ['name', 'number', 'serial'] : []),
  };
  const program = buildProgram({ run: () => Promise.resolve(), prefix: '', switchEvents: () => undefined });
  for (const name of ['use', 'help', 'quit']) program.command(name);
  const files = (prefix: string): Promise<string[]> =>
    Promise.resolve(['template.xml', 'templates/'].filter(name => name.startsWith(prefix)));
  const complete = async (line: string, source: Names = names, deadline = 5_000): Promise<string[]> => {
    const options = { names: source, program, files, deadline };
    const [candidates, replaced] = await completeLine(line, options);
    expect(line.endsWith(replaced)).to.equal(true);
    return candidates;
  };

  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['q', ['query', 'quit']],
    ['ag', ['agents ']],
    ['help wa', ['watch ']],
    ['use red', ['redhat.com:imagefactory:5edb', 'redhat.com:imagefactory']],
    ['query --agent apa', ['apache.org:qpidd:41fc', 'apache.org:qpidd']],
    ['query Im', ['ImageFactory ']],
    ['query wi', ['widget-left ']],
    ['query Widget --columns n', ['name', 'number']],
    ['query Widget --columns name,se', ['name,serial ']],
    ['query Widget ', []],
    ['schema Ri', ['RingEvent ']],
    ['events --class ', ['RingEvent ']],
    ['events --min-severity e', ['emerg', 'error']],
    ['events o', ['on', 'off']],
    ['watch ', ['build_adaptor-1 ']],
    ['push ', ['build_adaptor-1 ']],
    ['push x --prov', ['--provider ']],
    ['push x --provider mock-one --credentials template', ['template.xml', 'templates/']],
    ['import x --description template', ['template.xml', 'templates/']],
    ['build tem', ['template.xml', 'templates/']],
    ['build x --targ', ['--target ']],
    ['build x --credentials template', ['template.xml', 'templates/']],
    ['call ', ['image_factory', 'widget-left', 'ImageFactory', 'Widget']],
    ['call image_factory ', ['build_image ']],
    ['call widget-left r', ['ring', 'run']],
    ['call image_factory build_image ', ['descriptor=', 'target=', 'image_uuid=']],
    ['call image_factory build_image x ', ['target=', 'image_uuid=']],
    ['call image_factory build_image image_uuid=1 ta', ['target=']],
    ['call image_factory build_image @templates', ['@templates/']],
    ['call image_factory build_image target=@template.', ['target=@template.xml ']],
    ['nonsense ', []],
    ["query 'Im", []],
  ];
  for (const [line, candidates] of cases) {
    it(`of '${line}'`, async () => expect(await complete(line)).to.deep.equal(candidates));
  }

  it('never shows names that a terminal might obey', async () => {
    expect((await complete('use ')).join()).not.to.include('evil:');
  });

  it('gives up at its deadline, so that typing goes on', async () => {
    const silent: Names = { ...names, objects: () => new Promise(() => undefined) };
    expect(await complete('watch ', silent, 10)).to.deep.equal([]);
  });

  it('makes nothing of a failure', async () => {
    const failing: Names = { ...names, objects: () => Promise.reject(new Error('no')) };
    expect(await complete('watch ', failing)).to.deep.equal([]);
  });
});
