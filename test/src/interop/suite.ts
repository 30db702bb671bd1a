import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Build, type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import {
  addressFromPlain,
  type ConsoleAgent,
  type PlainMap,
  QmfError,
  type RemoteObject,
} from '@imagefactory/qmf';
import { parsePredicate, predicateToValue } from '@imagefactory/qmf/query';
import { sequenceOf } from '@imagefactory/schema';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { AgentProgram } from '../support/agent-program.js';
import { collect, rejection, until } from '../support/until.js';
import { session2012 } from './session-2012.js';
import { GADGETS, startGadgetAgent, Ticked } from './gadget-agent.js';

const template = '<template></template>';

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the agent has no such thing');
  return value;
}

/** A pair of transports to a broker. */
export interface Ground {
  readonly agent: string;
  readonly console: string;
  /** The largest integer that gets through. */
  readonly largest: bigint;
  /** Who calls, and whether it has to be taken on trust. */
  readonly access: { readonly user: string; readonly unverified: boolean };
}

/** What every pair of transports must do on every broker. */
export function interoperability({ largest, access, ...urls }: Ground): void {
  let agent: AgentProgram;
  let client: ConnectedConsole;

  before(async () => {
    agent = await AgentProgram.start(urls.agent);
    // It asks nothing by itself, however long a busy machine takes: all is to come by events.
    client = await connectConsole({ broker: urls.console, silence: 600_000 });
    await client.findFactory({ timeout: 60_000 }).catch((error: unknown) => {
      throw new Error(`${String(error)}; the agent printed:\n${agent.program.output}`);
    });
  });

  after(async () => {
    // Not set where the hook above failed.
    const started: { client?: ConnectedConsole; agent?: AgentProgram } = { client, agent };
    await started.client?.close();
    await started.agent?.stop();
  });

  it('holds the session of 2011: finds the agent, queries, calls, polls to the end', async () => {
    const { agent: found } = await client.findFactory();
    expect(found.name).to.match(/^redhat\.com:imagefactory:/);
    const objects = await found.query("{class:ImageFactory, package:'com.redhat.imagefactory'}");
    expect(objects.map(({ address }) => address?.objectName)).to.deep.equal(['image_factory']);
    const { build_adaptor: answer } = await found.call(there(objects[0]), 'build_image', {
      descriptor: template,
      target: 'mock',
      image_uuid: 'foo',
      sec_credentials: 'bar',
    });
    const address = addressFromPlain(answer as PlainMap);
    const ended = async (): Promise<boolean> => {
      const [adaptor] = await found.query({ address });
      return adaptor?.values.status === 'COMPLETED' && adaptor.values.percent_complete === 100;
    };
    await until('the adaptor is COMPLETED', ended);
  });

  it('holds the session of 2012: builds, pushes and imports in lists', () => session2012(client));

  it('holds the session of 2012 with an agent that lets just this user call', async () => {
    const home = await mkdtemp(join(tmpdir(), 'imagefactory-access-'));
    const list = join(home, 'acl.json');
    await writeFile(list, JSON.stringify({ allow: [{ users: [access.user] }] }));
    const domain = `acl${process.pid}`;
    const trust = access.unverified ? ['--acl-unverified-users'] : [];
    const guarded = await AgentProgram.start(
      urls.agent,
      ['--qmf-domain', domain, '--acl', list, ...trust],
      home,
    );
    const guest = await connectConsole({ broker: urls.console, domain });
    try {
      await guest.findFactory({ timeout: 45_000 }).catch((error: unknown) => {
        throw new Error(`${String(error)}; the agent printed:\n${guarded.program.output}`);
      });
      await session2012(guest);
      expect(guarded.program.output).to.include(`image_factory.build_image by ${access.user}`);
    } finally {
      await guest.close();
      await guarded.stop();
    }
  });

  it('describes its classes', async () => {
    const { agent: found } = await client.findFactory();
    const ids = await found.schemaIds();
    expect(ids.map(({ className }) => className)).to.include.members([
      'ImageFactory',
      'BuildAdaptor',
      'BuildAdaptorStatusEvent',
      'BuildFailedEvent',
    ]);
    const [object] = await found.query('{class:ImageFactory}');
    const schema = await found.schema(there(object?.schemaId));
    const build = schema.methods.find(({ name }) => name === 'build_image');
    expect(build?.arguments.map(({ name }) => name)).to.include.members(['descriptor', 'build_adaptor']);
  });

  it('builds, and tells of it by events to the end', async () => {
    const factory = await client.findFactory();
    const sequences: (number | undefined)[] = [];
    const stop = client.session.onEvent(event => {
      if (event.className === 'BuildAdaptorStatusEvent') sequences.push(sequenceOf(event));
    });
    const build = await factory.buildImage({ descriptor: template, target: 'mock' });
    const changes = await collect(build.changes());
    stop();
    expect(changes.at(-1)).to.include({ kind: 'status', status: 'COMPLETED' });
    expect(
      changes.every(change => !change.caughtUp),
      'all by events, nothing polled',
    ).to.equal(true);
    const statuses = changes.filter(({ kind }) => kind === 'status').length;
    expect(sequences.filter(sequence => sequence !== undefined)).to.have.lengthOf(statuses);
    expect(sequences).to.deep.equal([...sequences].sort((a, b) => Number(a) - Number(b)));
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
    expect(there(adaptor).values.descriptor).to.equal(descriptor);
  });

  it('keeps two agents apart', async () => {
    const second = await AgentProgram.start(urls.agent);
    try {
      const factories = (): ConsoleAgent[] =>
        client.session.agents().filter(({ info }) => info.product === 'imagefactory');
      await until('both agents are known', () => factories().length === 2);
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
    const other = await AgentProgram.start(urls.agent, ['--qmf-domain', domain]);
    const elsewhere = await connectConsole({ broker: urls.console, domain });
    try {
      const factory = await elsewhere.findFactory({ timeout: 60_000 });
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
      gadgets = await startGadgetAgent(urls.agent);
      remote = await client.session.findAgent(({ info }) => info.product === 'gadgets', { timeout: 60_000 });
    });
    after(() => gadgets.stop());

    it('answers every kind of query', async () => {
      const names = (objects: readonly RemoteObject[]): unknown[] => objects.map(({ values }) => values.name);
      const where = "[eq, name, [quote, 'gadget-9']]";
      const byWhere = await remote.query({ className: 'Gadget', packageName: 'com.example.interop', where });
      expect(names(byWhere)).to.deep.equal(['gadget-9']);
      const { address, schemaId } = there(byWhere[0]);
      expect(names(await remote.query({ address: there(address) })), 'by address').to.deep.equal([
        'gadget-9',
      ]);
      expect(names(await remote.query(`{class:Gadget, where:${where}}`)), 'as text').to.deep.equal([
        'gadget-9',
      ]);
      const alone = {
        what: 'OBJECT',
        where: predicateToValue(parsePredicate('[lt, count, [quote, 2]]')),
      } as const;
      expect(names(await remote.query(alone)).sort(), 'by predicate alone').to.deep.equal([
        'gadget-0',
        'gadget-1',
      ]);
      const addresses = await remote.addresses({ className: 'Gadget', where });
      expect(
        addresses.map(found => found.address),
        'addresses',
      ).to.deep.equal([address]);
      const ids = await remote.schemaIds();
      expect(ids.map(({ className }) => className).sort(), 'classes').to.deep.equal(['Gadget', 'Ticked']);
      const schema = await remote.schema(there(schemaId));
      expect(schema.properties.map(({ name }) => name)).to.deep.equal(['name', 'count', 'payload']);
      expect(await remote.query('{class:NoSuchClass}'), 'nothing').to.deep.equal([]);
    });

    it('answers with the exception that fits', async () => {
      const [gadget] = await remote.query("{class:Gadget, where:[eq, name, [quote, 'gadget-0']]}");
      const address = there(gadget?.address);
      const call = (method: string, where = address): Promise<Error> =>
        rejection(remote.invoke(where, method, undefined, {}, {}));
      expect(await call('echo', { ...address, objectName: 'nobody' })).to.include({ agentCode: 1 });
      expect(await call('nonsense')).to.include({ agentCode: 2 });
      expect(await rejection(remote.invoke(address, 'echo', undefined, { flag: 'no' }, {}))).to.include({
        agentCode: 4,
      });
      const failed = await call('fail');
      expect(failed).to.be.instanceOf(QmfError).and.to.include({ code: 'agent_exception', agentCode: 7 });
      expect((failed as QmfError).agentText).to.include('no such gear: Zahnräder');
      const query = await rejection(remote.query({ what: 'OBJECT', where: ['like', 'a', 'b'] }));
      expect(query).to.include({ code: 'agent_exception' });
    });

    it('gets an answer in many parts whole', async () => {
      const objects = await remote.query('{class:Gadget}');
      expect(objects).to.have.lengthOf(GADGETS);
      expect(new Set(objects.map(({ values }) => values.name)).size).to.equal(GADGETS);
    });

    it('carries binary and 64-bit values', async () => {
      const [gadget] = await remote.query("{class:Gadget, where:[eq, name, [quote, 'gadget-7']]}");
      const values = {
        text: 'Bär 🐻 \u0000',
        number: Number.MIN_SAFE_INTEGER,
        ratio: 0.1,
        flag: false,
        table: {
          least: -9_223_372_036_854_775_808n,
          most: largest,
          bytes: Buffer.from([0, 255, 128]),
          many: Buffer.alloc(100_000, 0xfe),
          none: null,
          '': 'empty',
        },
        items: [1, 'two', [3.5, { four: true }]],
      };
      expect(await remote.call(there(gadget), 'echo', values)).to.deep.equal(values);
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
      await subscription.refresh();
      gadgets.setCount(4, 1); // not subscribed to
      gadgets.setCount(3, 4712);
      expect((await published.next()).value).to.have.nested.property('values.count', 4712);
      await subscription.cancel();
      expect((await published.next()).done).to.equal(true);
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
