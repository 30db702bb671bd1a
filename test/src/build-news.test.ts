import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loggerTo, type RunningAgent, startAgent } from '@imagefactory/agent';
import {
  type Build,
  type ConnectedConsole,
  connectConsole,
  type LogLine,
} from '@imagefactory/console-client';
import { type BuildContext, type OsPlugin, type Template } from '@imagefactory/plugin-api';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import type { QmfError } from '@imagefactory/qmf';
import { amqp10, type PlainMap, type ReceivedEvent } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { OldConsole } from './interop/session-2012.js';
import { Program, programs } from './support/program.js';
import { rejection, until } from './support/until.js';

/** The mock, which works for as long as the test has something to do in it. */
function talkingOs(work: (context: BuildContext) => Promise<void>): OsPlugin {
  const mock = mockOs({ stepDelay: 0 });
  return {
    ...mock,
    buildBase: async (template: Template, context: BuildContext) => {
      await context.progress.step('talking', 0.5, () => work(context));
      return await mock.buildBase(template, context);
    },
  };
}

describe('the news of builds', () => {
  let broker: RunningBroker;
  let directory: string;
  let agent: RunningAgent;
  let client: ConnectedConsole;
  let work: (context: BuildContext) => Promise<void>;
  let go: () => void;

  before(async () => {
    broker = await startBroker();
    directory = await mkdtemp(join(tmpdir(), 'imagefactory-news-'));
    agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [talkingOs(context => work(context)), mockCloud({ stepDelay: 0 })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: directory,
    });
    await agent.ready();
  });
  after(async () => {
    await agent.stop();
    await broker.stop();
    await rm(directory, { recursive: true });
  });
  beforeEach(async () => {
    client = await connectConsole({ broker: broker.url, silence: 300 });
    const held = new Promise<void>(resolve => {
      go = resolve;
    });
    work = async ({ log, signal }) => {
      log.info('before');
      await Promise.race([held, new Promise(resolve => signal.addEventListener('abort', resolve))]);
      signal.throwIfAborted();
      log.info('after');
    };
  });
  afterEach(() => client.close());

  const start = async (): Promise<Build> =>
    (await client.findFactory()).buildImage({ descriptor: '<template></template>', target: 'mock' });

  async function read(lines: AsyncIterable<LogLine>, onLine: (line: LogLine) => void = () => undefined) {
    const all: LogLine[] = [];
    for await (const line of lines) {
      all.push(line);
      onLine(line);
    }
    expect(
      all.map(({ seq }) => seq),
      'every line once, in order',
    ).to.deep.equal(all.map((_, index) => (all[0]?.seq ?? 0) + index));
    return all;
  }

  it('tell the whole log live, also to who comes late, and then end', async () => {
    const build = await start();
    const texts = (
      await read(build.log(), ({ text }) => {
        if (text === 'before') go();
      })
    ).map(({ text }) => text);
    expect(texts).to.include.members(['before', 'talking', 'after']);
    expect(texts.at(-1)).to.match(/^stored as|^removed/);
    const late = (await client.findFactory()).build(build.name);
    expect((await read((await late).log())).map(({ text }) => text)).to.deep.equal(texts);
    expect((await read((await late).log({ from: 3, follow: false }))).map(({ text }) => text)).to.deep.equal(
      texts.slice(2),
    );
  });

  it('fill in what there was too much of for events', async () => {
    work = async ({ log }) => {
      for (let i = 0; i < 20_000; i++) log.debug(`line ${i}`);
      await Promise.resolve();
    };
    const build = await start();
    const texts = (await read(build.log())).map(({ text }) => text);
    expect(texts.filter(text => text.startsWith('line '))).to.deep.equal(
      Array.from({ length: 20_000 }, (_, i) => `line ${i}`),
    );
  });

  it('go on after the bus was away, without a gap', async () => {
    const build = await start();
    let cut = false;
    const lines = await read(build.log(), ({ text }) => {
      if (text !== 'before' || cut) return;
      cut = true;
      broker.dropConnections();
      go();
    });
    expect(lines.map(({ text }) => text)).to.include.members(['before', 'after']);
  });

  it('are sent to nobody who did not ask', async () => {
    const old = await OldConsole.of(client);
    const isNews = ({ packageName }: ReceivedEvent): boolean => packageName === 'imagefactory.news';
    go();
    const quiet = await start();
    await quiet.finished();
    expect(old.events.filter(isNews)).to.deep.equal([]);
    const followed = await start();
    await read(followed.log());
    const news = old.events.filter(isNews);
    expect(news).not.to.deep.equal([]);
    for (const { values } of news) {
      expect((values['addr'] as PlainMap)['_object_name']).to.equal(followed.name); // both classes have it
    }
    old.close();
  });

  it('say what a build is doing and what became of it', async () => {
    work = async () => {
      await new Promise<void>(resolve => {
        go = resolve;
      });
      throw new Error('no more to say');
    };
    const build = await start();
    const { agent: remote } = await client.findFactory();
    const address = { agentName: remote.name, objectName: 'build_news', agentEpoch: 0 };
    const detail = () => remote.invoke(address, 'detail', undefined, { build: build.name }, {});
    await until('it is talking', async () => {
      const { status_detail: now } = await detail();
      return (now as PlainMap)['activity'] === 'talking'; // a map by the schema
    });
    go();
    await rejection(build.finished());
    const { status_detail: end, failure } = await detail();
    expect(end).to.deep.include({ error: 'Failure encountered while: talking: no more to say' });
    expect(failure).to.include({ type: 'Internal' });
    for (const [method, inputs, told] of [
      ['log', { build: 'nothing' }, /^No build is known/],
      ['log', { build: build.name, from: 0 }, /^Invalid argument: from/],
      ['follow', { build: build.name, seconds: 'x' }, /^Invalid argument: seconds/],
      ['image', { image: build.name }, /^No image, build/],
    ] as const) {
      const error = await rejection(remote.invoke(address, method, undefined, inputs, {}));
      expect((error as QmfError).agentText).to.match(told); // agents refuse with nothing else
    }
  });

  it('are for people too: log, log --follow and abort', async () => {
    const build = await start();
    const run = (...args: string[]) => Program.run(programs.console, ['--broker', broker.url, ...args]);
    const uuid = build.name.slice('build_adaptor-'.length);
    await until('it has begun', () => build.status === 'BUILDING');
    const soFar = await run('log', uuid);
    expect([soFar.status, soFar.output.includes('before'), soFar.output.includes('after')]).to.deep.equal([
      0,
      true,
      false,
    ]);
    const following = run('log', build.name, '--follow', '--json');
    const aborted = await run('abort', uuid);
    expect([aborted.status, aborted.output.trim()]).to.deep.equal([0, `aborted ${build.name}`]);
    const all = await following;
    expect(all.status).to.equal(0);
    expect(all.output).to.contain('Failure encountered while: talking: the build was aborted');
    const again = await run('abort', build.name);
    expect([again.status, again.output]).to.satisfy(
      ([status, output]: [number, string]) => status === 1 && output.includes('is FAILED already'),
    );
    expect((await run('log', 'nothing')).status).to.equal(4);
  });
});

describe('the news of a build whose agent stops', () => {
  it('end with the reason, which comes before the status', async () => {
    const broker = await startBroker();
    const directory = await mkdtemp(join(tmpdir(), 'imagefactory-stop-'));
    const said: string[] = [];
    const agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay: 60_000 }), mockCloud({ stepDelay: 0 })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: directory,
      log: loggerTo((_level, message) => said.push(message)),
    });
    const client = await connectConsole({ broker: broker.url });
    try {
      const events: ReceivedEvent[] = [];
      client.session.onEvent(event => events.push(event));
      const factory = await client.findFactory({ timeout: 60_000 });
      const build = await factory.buildImage({ descriptor: '<template/>', target: 'mock' });
      const lines: LogLine[] = [];
      const reading = (async () => {
        for await (const line of build.log()) lines.push(line);
      })();
      // The first answer has the lines that there are, the next one none; from then on events are waited for.
      await until(
        'it is followed',
        () => said.filter(text => text.startsWith('call of build_news.log ')).length > 1,
      );
      await agent.stop();
      const news = (): string[] =>
        events.flatMap(({ values: { type, new_status: status } }) =>
          typeof type === 'string' ? [type] : typeof status === 'string' ? [status] : [],
        );
      await until('the end is told', () => news().includes('FAILED'));
      expect(news().slice(-2)).to.deep.equal(['Aborted', 'FAILED']);
      await until('the log is over', () => lines.some(({ text }) => /the agent was stopped/.test(text)));
      await reading;
    } finally {
      await client.close();
      await agent.stop();
      await broker.stop();
      await rm(directory, { recursive: true });
    }
  });

  it('tell nothing of one that waits, which goes on at the next start under its address', async () => {
    const broker = await startBroker();
    const directory = await mkdtemp(join(tmpdir(), 'imagefactory-stop-'));
    const start = (stepDelay: number) =>
      startAgent({
        bus: amqp10(broker.url),
        plugins: [mockOs({ stepDelay }), mockCloud({ stepDelay: 0 })],
        imageDirectory: join(directory, 'images'),
        temporaryDirectory: directory,
        maxConcurrent: 1,
      });
    let agent = await start(60_000);
    const client = await connectConsole({ broker: broker.url });
    try {
      const factory = await client.findFactory({ timeout: 60_000 });
      const running = await factory.buildImage({ descriptor: '<template/>', target: 'mock' });
      const waiting = await factory.buildImage({ descriptor: '<template/>', target: 'mock' });
      const statuses: string[] = [];
      const followed = (async () => {
        for await (const change of waiting.changes())
          if (change.kind === 'status') statuses.push(change.status);
      })();
      await until('it waits', () => statuses.includes('PENDING'));
      const idOf = ({ name }: { readonly name: string }): string => name.slice(-36);
      const report = await agent.stop();
      expect(report).to.include({ unfinishedCalls: 0, unsentMessages: 0 });
      expect([report.aborted, report.postponed]).to.deep.equal([[idOf(running)], [idOf(waiting)]]);
      expect(statuses.at(-1)).to.equal('PENDING');
      agent = await start(0);
      await followed;
      expect(statuses.slice(statuses.indexOf('PENDING')).join()).to.match(/^PENDING,.*COMPLETED$/);
      expect(statuses).not.to.include('FAILED');
    } finally {
      await client.close();
      await agent.stop();
      await broker.stop();
      await rm(directory, { recursive: true });
    }
  });
});
