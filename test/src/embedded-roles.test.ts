import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { Program, programs, projectRoot } from './support/program.js';
import { until } from './support/until.js';

/** The users of docs/brokers.md at the embedded broker of a real agent, each with a real console. */
describe('roles at the embedded broker of an agent', function () {
  this.timeout(300_000);
  let home: string;
  let agent: Program;
  let address: string;

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'imagefactory-roles-'));
    const page = await readFile(join(projectRoot, 'docs/brokers.md'), 'utf8');
    const [, users = ''] = /```json\n([^`]*"role"[^`]*)```/.exec(page) ?? [];
    const file = join(home, 'users.json');
    await writeFile(file, users);
    await chmod(file, 0o600);
    const more = ['--verbose', '--interval', '1', '--imgdir', join(home, 'images'), '--tmpdir', home];
    const args = ['--qmf', '--foreground', '--embedded-broker', '--embedded-broker-users', file, ...more];
    agent = new Program(programs.agent, args);
    const broker = /embedded broker (?:amqp:\/\/)?(127\.0\.0\.1:\d+)/;
    await until('the agent has said where its broker is', () => broker.test(agent.output));
    [, address = ''] = broker.exec(agent.output) ?? [];
  });
  after(async () => {
    await agent.stop();
    await rm(home, { recursive: true });
  });

  const console_ = (login: string, ...args: string[]): ReturnType<typeof Program.run> =>
    Program.run(programs.console, ['-b', `amqp://${login}${address}`, '-t', '10', ...args], {
      timeout: 60_000,
    });
  const operator = 'operator:operator-password@';
  const screen = 'screen:screen-password@';

  it('lets console and watcher find the agent and query it', async () => {
    for (const login of [operator, screen]) {
      const agents = await console_(login, 'agents');
      expect(agents.output).to.include('imagefactory');
      expect(agents.status, agents.output).to.equal(0);
      const query = await console_(login, 'query', 'ImageFactory');
      expect(query.status, query.output).to.equal(0);
      expect(query.output).to.include('image_factory');
    }
  });

  it('lets a console call methods, and no watcher', async () => {
    const called = await console_(operator, 'call', 'image_factory', 'instance_states', 'BuildAdaptor');
    expect(called.status, called.output).to.equal(0);
    const refused = await console_(screen, 'call', 'image_factory', 'instance_states', 'BuildAdaptor');
    expect(refused.status, refused.output).not.to.equal(0);
    expect(refused.output).to.include('watcher').and.to.include('may not call methods');
  });

  it('lets nobody in without a user, and keeps passwords from its log', async () => {
    const stranger = await console_('', '-t', '3', 'agents');
    expect(stranger.status, stranger.output).to.equal(3);
    expect(agent.output).not.to.match(/(operator|screen)-password/);
  });
});
