import { type Build, type ConnectedConsole, connectConsole, QmfError } from '@imagefactory/console-client';
import type { ConsoleAgent } from '@imagefactory/qmf';
import { expect } from 'chai';
import { after, afterEach, before, describe, it } from 'mocha';
import { GADGETS, startGadgetAgent, Ticked } from './interop/gadget-agent.js';
import { Matrix, type Pair, pairName } from './interop/matrix.js';
import { AgentProgram } from './support/agent-program.js';
import { type BrokerKind, brokers, type Protocol, type RealBroker } from './support/brokers/index.js';
import { collect, rejection, until } from './support/until.js';

/** The address with the scheme of a protocol. */
function urlFor(protocol: Protocol, url: string): string {
  return protocol === 'amqp091' ? url.replace(/^amqp:/, 'amqp091:') : url;
}

const protocols: readonly Protocol[] = ['amqp10', 'amqp091'];
const pairs: readonly Pair[] = protocols.flatMap(agent => protocols.map(console => ({ agent, console })));

/** Other brokers take minutes and much memory to start, so only on request. */
const asked = process.env['IMAGEFACTORY_BROKERS'] ?? 'embedded';
const wanted: readonly string[] = asked === 'all' ? Object.keys(brokers) : asked.split(',');

const template = '<template></template>';
const matrix = new Matrix();

/** What every pair must do on every broker. */
function interoperability(kind: BrokerKind, pair: Pair, broker: () => RealBroker | undefined): void {
  let agent: AgentProgram;
  let client: ConnectedConsole;
  let consoleUrl: string;
  let agentUrl: string;

  before(async function () {
    const running = broker();
    if (running === undefined) return this.skip();
    for (const protocol of [pair.agent, pair.console]) {
      if (running.protocols.includes(protocol)) continue;
      matrix.skip(kind, pairName(pair), 'the broker does not speak it');
      return this.skip();
    }
    agentUrl = urlFor(pair.agent, running.url);
    consoleUrl = urlFor(pair.console, running.url);
    agent = await AgentProgram.start(agentUrl);
    client = await connectConsole({ broker: consoleUrl });
    await client.findFactory({ timeout: 15_000 }).catch((error: unknown) => {
      throw new Error(`${String(error)}; the agent printed:\n${agent.program.output}`);
    });
  });

  afterEach(function () {
    const state = this.currentTest?.state;
    matrix.count(kind, pair, state === 'passed' ? 'passed' : state === 'failed' ? 'failed' : 'skipped');
  });

  after(async () => {
    // Not set where the hook above skipped or failed.
    const started: { client?: ConnectedConsole; agent?: AgentProgram } = { client, agent };
    await started.client?.close();
    await started.agent?.stop();
  });

  it('finds the agent and answers the query of 2011', async () => {
    const { agent: found } = await client.findFactory();
    expect(found.name).to.match(/^redhat\.com:imagefactory:/);
    const objects = await found.query("{class:ImageFactory, package:'com.redhat.imagefactory'}");
    expect(objects.map(({ address }) => address?.objectName)).to.deep.equal(['image_factory']);
  });

  it('answers every kind of query', async () => {
    const { agent: found } = await client.findFactory();
    const [object] = await found.query('{class:ImageFactory}');
    const [same] = await found.query({ address: object!.address! });
    expect(same!.address).to.deep.equal(object!.address);
    const addresses = await found.addresses({ className: 'ImageFactory' });
    expect(addresses.map(({ address }) => address)).to.deep.equal([object!.address]);
    const ids = await found.schemaIds();
    expect(ids.map(({ className }) => className)).to.include.members(['ImageFactory', 'BuildAdaptor']);
    const schema = await found.schema(object!.schemaId!);
    expect(schema.methods.map(({ name }) => name)).to.include('build_image');
    expect(await found.query('{class:NoSuchClass}')).to.deep.equal([]);
  });

  it('builds, and tells of it by events to the end', async () => {
    const factory = await client.findFactory();
    const build = await factory.buildImage({ descriptor: template, target: 'mock' });
    const changes = await collect(build.changes());
    expect(changes.at(-1)).to.include({ kind: 'status', status: 'COMPLETED' });
    expect(
      changes.every(change => !change.caughtUp),
      'all by events, nothing polled',
    ).to.equal(true);
  });

  it('answers what is wrong with an exception that names the field', async () => {
    const { agent: remote, address } = await client.findFactory();
    const error = await rejection(remote.invoke(address, 'build_image', undefined, { target: 'mock' }, {}));
    expect(error).to.be.instanceOf(QmfError).and.to.include({ code: 'agent_exception' });
    expect((error as QmfError).agentText).to.include('descriptor');
  });

  it('takes a descriptor of 1 MB and gives it back', async () => {
    const factory = await client.findFactory();
    const descriptor = `<template>${' '.repeat(1_000_000)}</template>`;
    const build = await factory.buildImage({ descriptor, target: 'mock' });
    await build.finished();
    const [adaptor] = await factory.agent.query({ address: build.address });
    expect(adaptor!.values.descriptor).to.equal(descriptor);
  });

  it('keeps two agents apart', async () => {
    const second = await AgentProgram.start(agentUrl);
    try {
      const factories = (): ConsoleAgent[] =>
        client.session.agents().filter(({ info }) => info.product === 'imagefactory');
      await until('both agents are known', () => factories().length === 2, 15_000);
      const builds = await Promise.all(
        factories().map(async ({ info }): Promise<Build> => {
          const factory = await client.findFactory({ instance: info.instance });
          return factory.buildImage({ descriptor: template, target: 'mock' });
        }),
      );
      await Promise.all(builds.map(build => build.finished()));
      expect(new Set(builds.map(({ address }) => address.agentName)).size).to.equal(2);
    } finally {
      await second.stop();
    }
  });

  it('keeps two domains apart', async () => {
    const domain = `d${process.pid}`;
    const other = await AgentProgram.start(agentUrl, ['--qmf-domain', domain]);
    const elsewhere = await connectConsole({ broker: consoleUrl, domain });
    try {
      const factory = await elsewhere.findFactory({ timeout: 15_000 });
      await (await factory.buildImage({ descriptor: template, target: 'mock' })).finished();
      expect(elsewhere.session.agents()).to.have.lengthOf(1);
      expect(client.session.agents().map(({ name }) => name)).not.to.include(factory.agent.name);
    } finally {
      await elsewhere.close();
      await other.stop();
    }
  });

  describe('with an agent of many objects', () => {
    let gadgets: Awaited<ReturnType<typeof startGadgetAgent>>;
    let remote: ConsoleAgent;

    before(async () => {
      gadgets = await startGadgetAgent(agentUrl);
      remote = await client.session.findAgent(({ info }) => info.product === 'gadgets', { timeout: 15_000 });
    });
    after(() => gadgets.stop());

    it('gets an answer in many parts whole', async () => {
      const objects = await remote.query('{class:Gadget}');
      expect(objects).to.have.lengthOf(GADGETS);
      expect(new Set(objects.map(({ values }) => values.name)).size).to.equal(GADGETS);
    });

    it('carries binary and 64-bit values', async () => {
      const [gadget] = await remote.query("{class:Gadget, where:[eq, name, [quote, 'gadget-7']]}");
      const values = {
        text: 'Bär 🐻 \u0000',
        number: Number.MAX_SAFE_INTEGER,
        ratio: 0.1,
        flag: false,
        table: {
          least: -9_223_372_036_854_775_808n,
          bytes: Buffer.from([0, 255, 128]),
          none: null,
          '': 'empty',
        },
        items: [1, 'two', [3.5, { four: true }]],
      };
      expect(await remote.call(gadget!, 'echo', values)).to.deep.equal(values);
    });

    it('publishes to a subscriber what changed', async () => {
      const subscription = await remote.subscribe(
        { className: 'Gadget', where: "[eq, name, [quote, 'gadget-3']]" },
        { interval: 1_000, duration: 60 },
      );
      const published = subscription[Symbol.asyncIterator]();
      expect((await published.next()).value).to.have.nested.property('values.count', 3);
      gadgets.setCount(3, 4711);
      expect((await published.next()).value).to.have.nested.property('values.count', 4711);
      await subscription.cancel();
    });

    it('hears a thousand events in order', async () => {
      const heard: number[] = [];
      const stop = client.session.onEvent(({ values }) => {
        if (typeof values.number === 'number') heard.push(values.number);
      });
      const numbers = Array.from({ length: 1_000 }, (_, number) => number);
      await Promise.all(numbers.map(number => gadgets.session.raise(Ticked, { number })));
      await until('all have come', () => heard.length === numbers.length);
      stop();
      expect(heard).to.deep.equal(numbers);
    });
  });
}

describe('an agent and a console on every broker', function () {
  this.timeout(120_000);
  after(() => console.log(matrix.toString()));

  for (const kind of Object.keys(brokers) as BrokerKind[]) {
    describe(kind, () => {
      let broker: RealBroker | undefined;
      before(async () => {
        const started = wanted.includes(kind)
          ? await brokers[kind]()
          : { missing: `not asked for; set IMAGEFACTORY_BROKERS to all, or to a list with ${kind}` };
        if ('missing' in started) matrix.skip(kind, 'all', started.missing);
        else {
          broker = started;
          console.log(`      ${kind}: ${started.how}`);
        }
      });
      after(() => broker?.stop());

      for (const pair of pairs) {
        describe(pairName(pair), () => interoperability(kind, pair, () => broker));
      }
    });
  }
});
