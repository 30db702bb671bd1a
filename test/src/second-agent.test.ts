import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loggerTo, type RunningAgent, startAgent } from '@imagefactory/agent';
import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10, type RunningBroker, startBroker } from '@imagefactory/qmf';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { Program } from './support/program.js';
import { until } from './support/until.js';

const child = join(import.meta.dirname, 'kill/agent-child.js');

describe('a second agent on one image directory', () => {
  let directory: string;
  let broker: RunningBroker;
  let client: ConnectedConsole;
  const agents: (RunningAgent | Program)[] = [];
  let lines: string[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'second-agent-'));
    broker = await startBroker();
    client = await connectConsole({ broker: broker.url });
    lines = [];
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) await agent.stop();
    await client.close();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const jobs = async (): Promise<readonly string[]> =>
    (await readdir(join(directory, 'images', 'jobs'))).sort();

  async function startHere(): Promise<RunningAgent> {
    const agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay: 0 }), mockCloud({ stepDelay: 0 })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: join(directory, 'tmp'),
      log: loggerTo((level, message) => lines.push(`${level}: ${message}`)),
    });
    agents.push(agent);
    return agent;
  }

  /** An agent whose builds take minutes, with two that run and one that waits. */
  async function startBusy(mode = 'not resumable') {
    const program = new Program(child, [broker.url, directory, mode, '60000'], { group: true });
    agents.push(program);
    program.say('go\n');
    await program.says(/^started .*$/m);
    const instance = /^started redhat\.com:imagefactory:(\S+)$/m.exec(program.stdout)?.[1] ?? '';
    const factory = await client.findFactory({ instance, timeout: 60_000 });
    const builds = [];
    for (let number = 0; number < 3; number++)
      builds.push(await factory.buildImage({ descriptor: '<template/>', target: 'mock' }));
    const ids = builds.map(({ name }) => name.slice(-36));
    const path = join(directory, 'images', 'jobs', instance, 'jobs.journal');
    await until('two run and one waits', async () => {
      const text = await readFile(path, 'utf8').catch(() => '');
      return text.split('"BUILDING"').length === 3 && text.includes('"PENDING"') && text.includes('"group"');
    });
    return { program, instance, ids };
  }

  async function outcomes(agent: RunningAgent, ids: readonly string[]): Promise<readonly string[]> {
    const instance = agent.name.split(':')[2] ?? '';
    const factory = await client.findFactory({ instance, timeout: 60_000 });
    const found: string[] = [];
    for (const id of ids) {
      const { builds } = await factory.imageRecord(id);
      const outcome = builds.flatMap(({ targetImages }) => targetImages)[0]?.outcome;
      found.push(outcome?.status === 'FAILED' ? `${outcome.type} ${outcome.info}` : String(outcome?.status));
    }
    return found;
  }

  const ended = (activity: string): string =>
    `AgentRestarted Failure encountered while: ${activity}: its agent was killed, and no other one can go on with it; build again`;

  it('that is killed leaves its builds to the next agent that starts, which puts their end on record', async () => {
    const first = await startHere();
    const second = await startBusy('resumable');
    expect(await jobs()).to.deep.equal([second.instance, `${second.instance}.lock`, 'jobs.journal']);
    second.program.kill('SIGKILL');
    await second.program.exited;

    const third = await startHere();
    const name = third.name.split(':')[2] ?? '';
    expect(await jobs()).to.have.members([name, `${name}.lock`, 'jobs.journal']);
    let found: readonly string[] = [];
    await until('all are ended', async () => {
      found = await outcomes(third, second.ids);
      return found.every(text => text.startsWith('AgentRestarted'));
    });
    expect(found).to.deep.equal([
      ended('making the image'),
      ended('making the image'),
      ended('waiting for its turn'),
    ]);
    expect(lines.join('\n')).to.include(`(instance ${second.instance}) was killed with 3 unfinished builds`);
    for (const id of second.ids) {
      const meta = JSON.parse(await readFile(join(directory, 'images', `${id}.meta`), 'utf8')) as {
        readonly status: string;
        readonly status_detail: { readonly error: string };
      };
      expect(meta.status).to.equal('FAILED');
      expect(meta.status_detail.error).to.include('its agent was killed');
      const log = await readFile(join(directory, 'images', `${id}.log`), 'utf8');
      expect(log).to.include('no other one can go on with it');
    }
    const factory = await client.findFactory({ instance: name, timeout: 60_000 });
    const own = await factory.buildImage({ descriptor: '<template/>', target: 'mock' });
    for await (const change of own.changes()) if (change.kind === 'status') lines.push(change.status);
    expect(lines.at(-1)).to.equal('COMPLETED');
    const report = await third.stop();
    expect([report.aborted, report.postponed]).to.deep.equal([[], []]);
    expect(await jobs(), 'nobody goes on with them').to.deep.equal(['jobs.journal']);
    await first.stop();
  });

  it('that is dead leaves them to the one agent of the directory too', async () => {
    await startHere();
    const second = await startBusy('resumable');
    second.program.kill('SIGKILL');
    await second.program.exited;
    await Promise.all(agents.splice(0).map(agent => agent.stop()));
    const alone = await startHere();
    await until('all are ended', async () => {
      // The console may not have noticed yet that the agent was restarted.
      const found = await outcomes(alone, second.ids).catch(() => ['']);
      return found.every(text => text.startsWith('AgentRestarted'));
    });
    expect(await jobs()).to.deep.equal(['jobs.journal']);
  });

  it('that is stopped ends all of its builds, since its name does not come back', async () => {
    await startHere();
    expect(await Promise.all([startBusyHere(), startBusyHere()])).to.deep.equal([3, 3]);
    expect(await jobs()).to.deep.equal(['jobs.journal']);
  });

  /** A second agent here, with builds of which one waits; gives how many were ended by its stop. */
  async function startBusyHere(): Promise<number> {
    const agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay: 60_000, resumable: true }), mockCloud({ stepDelay: 0 })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: join(directory, 'tmp'),
    });
    agents.push(agent);
    const factory = await client.findFactory({ instance: agent.name.split(':')[2] ?? '', timeout: 60_000 });
    for (let number = 0; number < 3; number++)
      await factory.buildImage({ descriptor: '<template/>', target: 'mock' });
    const { aborted, postponed } = await agent.stop();
    expect(postponed).to.deep.equal([]);
    return aborted.length;
  }
});
