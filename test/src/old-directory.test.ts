import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loggerTo, type RunningAgent, startAgent } from '@imagefactory/agent';
import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10 } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { until } from './support/until.js';

const fixtures = resolve(import.meta.dirname, '../fixtures/e5b99e1');

describe('an agent on the directory of a version before the store', () => {
  let directory: string;
  let broker: RunningBroker;
  let client: ConnectedConsole;
  let agent: RunningAgent | undefined;
  let log: string[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'old-directory-'));
    broker = await startBroker();
    client = await connectConsole({ broker: broker.url });
    log = [];
  });
  afterEach(async () => {
    await agent?.stop();
    agent = undefined;
    await client.close();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const images = (): string => join(directory, 'images');

  /** As it was left on this machine, by processes that are gone. */
  async function left(name: string): Promise<void> {
    await cp(join(fixtures, name), images(), { recursive: true, verbatimSymlinks: true });
    for (const path of await readdir(images(), { recursive: true })) {
      if (!/\.(busy|lock)$/.test(path)) continue;
      const text = await readFile(join(images(), path), 'utf8');
      await writeFile(join(images(), path), text.replace('builder.example', hostname()));
    }
  }

  async function start(resumable: boolean): Promise<RunningAgent> {
    agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay: 0, resumable }), mockCloud({ stepDelay: 0 })],
      imageDirectory: images(),
      temporaryDirectory: join(directory, 'tmp'),
      log: loggerTo((level, message) => log.push(`${level}: ${message}`)),
    });
    await agent.ready();
    return agent;
  }

  /** Ids of all jobs of the journals, in their order. */
  async function jobs(): Promise<readonly string[]> {
    const old = join(images(), 'jobs.old');
    const texts: string[] = [];
    for (const path of await readdir(old, { recursive: true }))
      if (path.endsWith('jobs.journal')) texts.push(await readFile(join(old, path), 'utf8'));
    return [...texts.join('').matchAll(/"kind":"job","id":"([^"]+)"/g)].map(([, id = '']) => id);
  }

  async function outcomes(instance: string): Promise<readonly string[]> {
    const factory = await client.findFactory({ instance, timeout: 10_000 });
    const found: string[] = [];
    for (const id of await jobs()) {
      const { builds } = await factory.imageRecord(id);
      const outcome = builds.flatMap(({ targetImages }) => targetImages)[0]?.outcome;
      found.push(outcome?.status === 'FAILED' ? outcome.type : String(outcome?.status));
    }
    return found.sort();
  }

  for (const [name, expected] of [
    ['resumable', ['Aborted', 'AgentRestarted', ...Array<string>(6).fill('COMPLETED')]],
    [
      'not-resumable',
      ['Aborted', ...Array<string>(3).fill('AgentRestarted'), ...Array<string>(4).fill('COMPLETED')],
    ],
  ] as const) {
    it(`goes on with what was ${name}, under its name and at the addresses of then`, async () => {
      await left(name);
      const { instance, epoch } = JSON.parse(await readFile(join(images(), 'agent.json'), 'utf8')) as {
        instance: string;
        epoch: number;
      };
      const running = await start(name === 'resumable');
      expect([running.name, running.epoch]).to.deep.equal([`redhat.com:imagefactory:${instance}`, epoch + 1]);
      let found: readonly string[] = [];
      await until(
        'all have ended',
        async () => {
          found = await outcomes(instance);
          return found.every(status => status !== 'RUNNING');
        },
        60_000,
      );
      expect(found).to.deep.equal([...expected].sort());
      const known = await client.findFactory({ instance });
      const epochs = (await known.builds()).map(({ address }) => address.agentEpoch);
      expect(epochs).to.have.length.above(6);
      expect(
        epochs.every(one => one > 0 && one <= epoch),
        'addresses of the starts before',
      ).to.equal(true);
      const secrets = join(images(), 'store', 'secrets');
      await until('no secret is kept', async () => (await readdir(secrets)).length === 0);
      for (const path of await readdir(images(), { recursive: true, withFileTypes: true })) {
        if (!path.isFile()) continue;
        const text = await readFile(join(path.parentPath, path.name), 'latin1');
        expect(text.includes('Pa55-of-2026'), path.name).to.equal(false);
      }
      await agent?.stop();
      const lines = log.length;
      await start(name === 'resumable');
      expect(log.slice(lines).join()).not.to.include('earlier version');
    });
  }

  it('tells an end that no console was told of', async () => {
    await left('untold');
    const ends: string[] = [];
    client.session.onEvent(({ values }) => {
      const status = values['new_status'];
      if (typeof status === 'string') ends.push(status);
    });
    await start(false);
    await until('it is told', () => ends.length > 0, 60_000);
    expect(ends).to.deep.equal(['COMPLETED']);
  });
});
