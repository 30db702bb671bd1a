import { readdir, readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { readAccessList } from '@imagefactory/agent';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { AgentProgram } from './support/agent-program.js';
import { blockOf } from './support/doc-blocks.js';
import { Program, projectRoot } from './support/program.js';

interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

async function pages(): Promise<string[]> {
  const docs = (await readdir(join(projectRoot, 'docs')))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`);
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs];
}

async function blocks(): Promise<Block[]> {
  const found: Block[] = [];
  for (const page of await pages()) {
    const text = await readFile(join(projectRoot, page), 'utf8');
    for (const match of text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)) {
      const line = text.slice(0, match.index).split('\n').length;
      found.push({ page, line, language: match[1] ?? '', text: match[2] ?? '' });
    }
  }
  return found;
}

/** Command lines of a block: all lines of `sh`, those after `$ ` of others. */
function commands({ language, text }: Block): string[] {
  const lines = text.split('\n').map(line => line.trim());
  if (language === 'sh') return lines.filter(line => line !== '' && !line.startsWith('#'));
  return lines.filter(line => line.startsWith('$ ')).map(line => line.slice(2));
}

/** Commands that change the machine or need one of another kind; what stands for each of them. */
const elsewhere: readonly (readonly [RegExp, string])[] = [
  [/^(git clone|cd) /, 'the clone is where this test runs'],
  [/^npm (ci|test|run (build|demo|bench|lint|test:lanes))\b/, '.ci/run, or the test of that program'],
  [/^npm install @imagefactory\//, 'npm run release:check, which .ci/run calls, installs the tarballs'],
  [/^npm start/, 'agent command tests'],
  [/^docker compose /, 'the form of docker-compose.yml is tested; no container engine is assumed'],
  [/^(sudo )?apt-get install /, '.ci/run installs the same packages'],
  [/^qpidd /, 'the qpidd lane starts one'],
  [/saslpasswd2 /, 'the qpidd lane makes these users'],
  [/^rabbitmq(ctl|-plugins) /, 'the RabbitMQ lanes run these'],
  [/^qpid-config /, 'the qpidd lane asks the broker for the same'],
  [/imagefactory-console repl$/, 'the tests of the REPL; it waits for a person'],
  [/ build examples\/templates\/debian-12\.tdl /, 'the lane of real builds makes this image, and boots it'],
  [/^npx imagefactory store /, 'the tests of the command store run these, on a directory of their own'],
  [/^npx imagefactory --qmf /, 'end-to-end tests run the agent with these options'],
];

/** Blocks that are neither commands nor programs, by page and language, and what reads them. */
const readElsewhere: readonly (readonly [string, string])[] = [
  ['README.md text', 'output: of the demo, whose test looks for these lines, and of commands'],
  ['docs/architecture.md ', 'a drawing'],
  ['docs/brokers.md ', 'forms of an address, which the tests of broker-url.ts read'],
  ['docs/brokers.md ini', 'the lane of secure brokers starts RabbitMQ with it'],
  ['docs/brokers.md json', 'embedded-roles.test, and the lanes of Broker-J and RabbitMQ'],
  ['docs/brokers.md sasl', 'the lane of qpidd'],
  ['docs/brokers.md acl', 'the lanes of qpidd and Broker-J'],
  ['docs/brokers.md xml', 'the lane of Artemis'],
  ['docs/brokers.md properties', 'the lane of Artemis'],
  ['docs/methods.md xml', 'below'],
  ['docs/methods.md json', 'below'],
  ['docs/plugins.md js', 'foreign-plugin.test'],
  ['docs/plugins.md json', 'foreign-plugin.test'],
  ['docs/store.md ', 'the query is run by the tests of the store'],
  ['docs/templates.md xml', 'docs-templates.test'],
  ['docs/templates.md text', 'docs-templates.test'],
  ['docs/wire.md ', 'forms of messages, which test/recordings has'],
];

/** Exit code of a command that works: `doctor` works also where it finds that tools are missing. */
function goodStatus(command: string, output: string): number {
  return command.endsWith(' doctor') && output.includes('NOT READY') ? 3 : 0;
}

describe('the documentation', function () {
  this.timeout(600_000); // some twenty programs, one after the other
  let broker: RunningBroker;
  let agent: AgentProgram;
  let home: string;

  before(async () => {
    broker = await startBroker();
    agent = await AgentProgram.start(broker.url);
    await (await agent.console()).close();
    home = await mkdtemp(join(tmpdir(), 'imagefactory-docs-'));
  });

  after(async () => {
    await agent.stop();
    await broker.stop();
    await rm(home, { recursive: true });
  });

  it('shows only commands that work', async () => {
    let ran = 0;
    for (const block of await blocks()) {
      for (const command of commands(block)) {
        const where = `${block.page}:${block.line}: ${command}`;
        if (elsewhere.some(([pattern]) => pattern.test(command))) continue;
        // The pages name the broker on its usual port, where a test must not assume one; the one here knows no users.
        const address = `${broker.host}:${broker.port}`;
        // npx takes longer than the program that it finds; those of the README are run as they stand.
        const direct =
          block.page === 'README.md' ? command : command.replaceAll('npx imagefactory', 'imagefactory');
        const here = direct.replaceAll(/(amqp:\/\/[^\s@]*@)?localhost:5672/g, address);
        const program = await Program.run('/bin/bash', ['-c', here], {
          env: {
            PATH: [join(projectRoot, 'node_modules/.bin'), process.env.PATH].join(delimiter),
            IMAGEFACTORY_BROKER: broker.url,
            HOME: home,
            XDG_STATE_HOME: home,
          },
          timeout: 120_000,
        });
        expect(program.status, `${where}\n${program.output}`).to.equal(goodStatus(command, program.output));
        ran++;
      }
    }
    expect(ran, 'commands that were run').to.be.at.least(8);
  });

  it('names only npm scripts that exist', async () => {
    const { scripts } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as {
      scripts: object;
    };
    const all = (
      await Promise.all((await pages()).map(page => readFile(join(projectRoot, page), 'utf8')))
    ).join('\n');
    const named = [...all.matchAll(/npm run (?:--?\w+ )*([\w:]+)/g)].map(match => match[1]);
    expect(named).not.to.deep.equal([]);
    for (const name of named) expect(scripts).to.have.property(name!);
  });

  it('quotes programs as they are in the examples, which other tests run', async () => {
    const sources = await Promise.all(
      ['examples/src', 'test/interop'].flatMap(async folder =>
        (await readdir(join(projectRoot, folder))).map(name =>
          readFile(join(projectRoot, folder, name), 'utf8'),
        ),
      ),
    );
    const files = (await Promise.all(sources.flat().map(async source => source))).map(dense);
    let quoted = 0;
    for (const block of await blocks()) {
      if (!['ts', 'typescript', 'python'].includes(block.language)) continue;
      const snippet = dense(block.text);
      expect(
        files.some(file => file.includes(snippet)),
        `${block.page}:${block.line} is in no example`,
      ).to.equal(true);
      quoted++;
    }
    expect(quoted, 'quoted programs').to.be.at.least(3);
  });

  it('has no other snippets than those that some test reads', async () => {
    const programs = ['sh', 'console', 'ts', 'typescript', 'python'];
    const all = (await blocks()).filter(({ language }) => !programs.includes(language));
    const kinds = new Set(all.map(({ page, language }) => `${page} ${language}`));
    expect([...kinds].sort()).to.deep.equal(readElsewhere.map(([kind]) => kind).sort());
    // Indented ones would be seen by none of these tests.
    for (const page of await pages())
      expect(await readFile(join(projectRoot, page), 'utf8'), page).not.to.match(/^[ \t]+```|^~~~/m);
  });

  it('has credentials in docs/methods.md that a push takes', async () => {
    const credentials = await blockOf('Credentials', 'xml', 'docs/methods.md');
    const client = await agent.console();
    try {
      const factory = await client.findFactory();
      const [build] = await factory.buildImages({ template: '<template/>', targets: ['mock'] });
      await build!.finished();
      const { id: image } = await factory.imageRecord(build!.imageId);
      const pushes = await factory.pushImage({ image, providers: ['mock-one'], credentials });
      expect(pushes).to.have.lengthOf(1);
      await pushes[0]!.finished();
    } finally {
      await client.close();
    }
  });

  it('has an access list in docs/methods.md that allows what the text says', async () => {
    const may = readAccessList(await blockOf('Who may call what', 'json', 'docs/methods.md'));
    const allowed = (user: string, method: string, object = 'image_factory'): boolean =>
      may({ user, method, object });
    expect(allowed('anna', 'build_image')).to.equal(true);
    expect(allowed('ci@example.org', 'abort', 'build_adaptor-1')).to.equal(true);
    expect(allowed('release', 'push_image')).to.equal(true);
    expect(allowed('anonymous', 'instance_states')).to.equal(true);
    expect(allowed('anna', 'push_image')).to.equal(false);
    expect(allowed('anonymous', 'build_image')).to.equal(false);
    expect(allowed('release', 'push_image', 'other')).to.equal(false);
  });

  it('links only to files that are there', async () => {
    for (const page of await pages()) {
      const text = await readFile(join(projectRoot, page), 'utf8');
      const folder = join(projectRoot, page, '..');
      for (const match of text.matchAll(/\]\((?!https?:)([^)#]+)(#[^)]*)?\)/g)) {
        const target = match[1]!;
        await readFile(join(folder, target)).catch(() => readdir(join(folder, target)));
      }
    }
  });
});

/** Without regard to indentation and blank lines. */
function dense(text: string): string {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .join('\n');
}
