import { QmfError } from '@imagefactory/qmf';
import { startBroker } from '@imagefactory/qmf/broker';
import { BuildAdaptorStatusEvent } from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type ConnectedConsole, connectConsole } from '../connect.js';
import { ScriptedFactory } from '../testing/scripted-factory.test.fixture.js';
import type { ScriptedRecords } from '../testing/scripted-records.test.fixture.js';
import { until } from '../testing/until.test.fixture.js';
import type { BuildChange } from '../tracking/build-change.js';
import type { FactoryEvent } from './followed-events.js';

const order = { descriptor: '<template/>', target: 'mock' };

/** A change in one word, with its sequence. */
function word(change: BuildChange | FactoryEvent): string {
  const at = change.sequence === undefined ? '' : ` #${change.sequence}`;
  switch (change.kind) {
    case 'status':
      return `${change.status}${at}`;
    case 'percent':
      return `${change.percent}%${at}`;
    case 'failure':
      return `failure ${change.type}${at}`;
    case 'import':
      return `import ${change.providerImage}${at}`;
    case 'other':
      return `${change.event}${at}`;
  }
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('a rejection was expected');
}

/** Reads a stream in the background. */
function reading<T extends BuildChange | FactoryEvent>(
  stream: AsyncIterable<T>,
): { readonly words: string[]; readonly items: T[]; readonly end: Promise<unknown> } {
  const words: string[] = [];
  const items: T[] = [];
  const end = (async () => {
    for await (const item of stream) {
      items.push(item);
      words.push(word(item));
    }
  })();
  return { words, items, end };
}

describe('a console of an agent with records', () => {
  let factory: ScriptedFactory;
  let records: ScriptedRecords;
  let client: ConnectedConsole;
  beforeEach(async () => {
    factory = await ScriptedFactory.start({ records: true });
    if (factory.records === undefined) throw new Error('it was started with records');
    ({ records } = factory);
    client = await connectConsole({ broker: factory.broker.url, retry: { initialDelay: 10, maxDelay: 20 } });
  });
  afterEach(async () => {
    await client.close();
    await factory.stop();
  });

  it('reads the whole history of a build that runs, then live changes, each once', async () => {
    const adaptor = factory.makeBuild('<template/>');
    await factory.status(adaptor, 'BUILDING');
    await factory.percent(adaptor, 20);
    await factory.percent(adaptor, 40);
    for (let count = 0; count < 3; count++) records.addOther(adaptor.addressMap);
    records.pageSize = 2;
    const build = await (await client.findFactory()).build(adaptor.address.objectName);
    const { words, items, end } = reading(build.changes({ from: 'beginning' }));
    await until(() => words.length === 3 && records.askedFrom.at(-1) === 29, 'the history is asked for');
    await until(() => client.session.statistics.pendingRequests === 0, 'and read to its end');
    await factory.percent(adaptor, 60);
    await factory.status(adaptor, 'FINISHING');
    adaptor.update({ finished_image: '/one' });
    await factory.status(adaptor, 'COMPLETED');
    await end;
    expect(words).to.deep.equal([
      ...['BUILDING #13', '20% #16', '40% #19'],
      ...['60% #31', 'FINISHING #34', 'COMPLETED #37'],
    ]);
    expect(items.map(({ caughtUp }) => caughtUp)).to.deep.equal([true, true, true, false, false, false]);
    expect(items.at(-1)).to.include({ finishedImage: '/one' });
  });

  it('has no double and no gap at the seam, whichever way an event comes first', async () => {
    const build = await (await client.findFactory()).buildImage(order);
    const adaptor = factory.adaptors[0]!;
    await factory.status(adaptor, 'BUILDING');
    await until(() => build.status === 'BUILDING', 'it came by the bus');
    let asked = 0;
    // In the page that is under way, and on the bus before the page is here.
    records.beforePage = async () => {
      if (++asked > 1) return;
      await factory.percent(adaptor, 30);
      await until(() => build.percentComplete === 30, 'the event overtakes the page');
    };
    const { words, end } = reading(build.changes({ from: 'beginning' }));
    await until(() => words.length === 2, 'the history is read');
    await factory.failure(adaptor, 'no_space', 'the disk is full');
    await factory.status(adaptor, 'FAILED');
    await end;
    expect(words).to.deep.equal(['BUILDING #13', '30% #16', 'FAILED #22', 'failure no_space #19']);
  });

  it('reads a build that is over from its first change to the reason of its failure', async () => {
    const adaptor = factory.makeBuild('<template/>');
    await factory.status(adaptor, 'BUILDING');
    await factory.failure(adaptor, 'no_space', 'the disk is full');
    await factory.status(adaptor, 'FAILED');
    const build = await (await client.findFactory()).build(adaptor.address.objectName);
    const { words, end } = reading(build.changes({ from: 'beginning' }));
    await end;
    expect(words).to.deep.equal(['BUILDING #13', 'FAILED #19', 'failure no_space #16']);
  });

  it('learns of an end that is on record at once, although its event was lost', async () => {
    const build = await (await client.findFactory()).buildImage(order);
    const adaptor = factory.adaptors[0]!;
    const addr = adaptor.addressMap;
    adaptor.update({ status: 'COMPLETED', finished_image: '/lost' });
    records.add({ addr, event: 'STATUS', new_status: 'COMPLETED', old_status: 'BUILDING' });
    const { words, end } = reading(build.changes({ from: 'beginning' }));
    await end;
    expect(words).to.deep.equal(['COMPLETED #13']);
    expect(await build.finished()).to.equal('/lost');
  });

  it('passes the sequence on with each event', async () => {
    const seen: (number | undefined)[] = [];
    client.onEvent(({ sequence }) => seen.push(sequence));
    const typed = client.events(BuildAdaptorStatusEvent);
    await factory.status(factory.makeBuild('<template/>'), 'BUILDING');
    expect((await typed.next()).value).to.include({ sequence: 13, caughtUp: false });
    expect(seen).to.deep.equal([13]);
  });

  it('replays the events of all builds from a sequence, then goes on live, lost events included', async () => {
    const [first, second] = [factory.makeBuild('<a/>'), factory.makeBuild('<b/>')];
    await factory.status(first, 'BUILDING');
    await factory.status(second, 'BUILDING');
    records.add({ event: 'IMPORT', provider_image: 'i-1', target_identifier: 'ami-1' });
    records.add({ event: 'LATER', colour: 'red' });
    const stop = new AbortController();
    const factoryObject = await client.findFactory();
    const { words, items, end } = reading(factoryObject.events({ from: 14, signal: stop.signal }));
    await until(() => words.length === 3, 'the record is read');
    // No event says so; the next one has it read before itself.
    records.add({ addr: first.addressMap, event: 'PERCENTAGE', percent_complete: 7 });
    await factory.percent(second, 9);
    await until(() => words.length === 5, 'it goes on');
    stop.abort();
    expect(await rejection(end)).to.include({ code: 'aborted' });
    expect(words).to.deep.equal(['BUILDING #16', 'import i-1 #19', 'LATER #22', '7% #25', '9% #28']);
    expect(items[0]).to.deep.include({ time: new Date('2025-12-01T00:00:00Z'), address: second.address });
    expect(items[1]).to.include({ kind: 'import', targetIdentifier: 'ami-1' });
    expect(items[2]).to.have.nested.property('values.colour', 'red');
  });

  it('goes on with the replay after the bus was away, without a gap', async () => {
    const adaptor = factory.makeBuild('<template/>');
    const { words } = reading((await client.findFactory()).events({ from: 1 }));
    await factory.percent(adaptor, 1);
    await until(() => words.length === 1, 'the first one is read');
    const { port } = factory.broker;
    await factory.broker.stop();
    await until(() => client.connection.state !== 'open', 'the console has noticed');
    for (const percent of [2, 3]) {
      records.add({ addr: adaptor.addressMap, event: 'PERCENTAGE', percent_complete: percent });
    }
    const again = await startBroker({ port });
    try {
      await until(() => words.length === 3, 'the others are read');
      expect(words).to.deep.equal(['1% #13', '2% #16', '3% #19']);
    } finally {
      await client.close();
      await factory.leave();
      await again.stop();
    }
  });

  it('says that events were missed when the record of the agent has begun anew', async () => {
    const adaptor = factory.makeBuild('<template/>');
    await factory.status(adaptor, 'BUILDING');
    const { words, items } = reading((await client.findFactory()).events({ from: 1 }));
    await until(() => words.length === 1, 'the first one is read');
    records.beginAnew();
    await factory.percent(adaptor, 5);
    await until(() => words.length === 2, 'the new one is read');
    expect(words).to.deep.equal(['BUILDING #13', '5% #3']);
    expect(items.map(({ missed }) => missed)).to.deep.equal([undefined, true]);
  });

  it('carries an order out once for its key, and gives its builds again', async () => {
    const ordered: unknown[] = [];
    records.onOrder = (method, given) => {
      ordered.push([method, given]);
      const addresses = ['a', 'b'].map(name => factory.makeBuild(name).addressMap);
      return method === 'push_image' ? { build_adaptors: addresses } : { build_adaptor: addresses[0]! };
    };
    const factoryObject = await client.findFactory();
    const [build, again, other] = [
      await factoryObject.buildImage({ ...order, orderKey: 'k-1' }),
      await factoryObject.buildImage({ ...order, orderKey: 'k-1' }),
      await factoryObject.buildImage({ ...order, orderKey: 'k-2' }),
    ];
    expect(again.address).to.deep.equal(build.address);
    expect(other.address).not.to.deep.equal(build.address);
    expect(ordered[0]).to.deep.equal(['build_image', { descriptor: '<template/>', target: 'mock' }]);
    const pushes = await factoryObject.pushImage({
      ...{ image: 'i', providers: ['one', 'two'], credentials: '<c/>', orderKey: 'k-3' },
    });
    expect(pushes.map(({ name }) => name)).to.deep.equal(
      factory.adaptors.slice(-2).map(({ address }) => address.objectName),
    );
    expect(ordered).to.have.lengthOf(3);
    expect(factory.orders, 'calls of build_image itself').to.equal(0);
    void factory.complete(factory.adaptors[0]!);
    expect(await again.finished()).to.equal('/images/one.body');
  });

  it('lists jobs and images, page by page', async () => {
    const common = { percent: 4, activity: 'waits', created: '2026-12-01T00:00:00.000Z', modified: '' };
    records.jobs = [1, 2, 3].map(number => ({
      ...{ ...common, id: `j-${number}`, kind: 'target', status: 'failed', target: 'mock' },
      ...{ error: { type: 'no_space', reason: 'full' }, addr: factory.makeBuild('').addressMap },
    }));
    records.images = [
      { ...common, id: 'i', kind: 'provider', status: 'complete', identifier_on_provider: 'ami-1' },
    ];
    const factoryObject = await client.findFactory();
    const query = { where: { status: ['failed'], percent: { '>=': 1 } }, sort: ['-created'], limit: 2 };
    const first = await factoryObject.jobs(query);
    const second = await factoryObject.jobs({ ...query, after: first.next ?? '' });
    expect([...first.items, ...second.items].map(({ id }) => id)).to.deep.equal(['j-1', 'j-2', 'j-3']);
    expect(second).not.to.have.property('next');
    expect(first.items[0]).to.deep.include({
      ...{ kind: 'target', status: 'failed', target: 'mock', percent: 4 },
      ...{ error: { type: 'no_space', reason: 'full' }, address: factory.adaptors[0]?.address },
    });
    expect(records.queries[0]?.inputs).to.deep.equal({ ...query });
    const images = await factoryObject.images({
      where: { identifierOnProvider: 'ami-1', 'parameters.diskSize': null },
      sort: ['-callerImageUuid'],
    });
    expect(records.queries.at(-1)?.inputs).to.deep.equal({
      where: { identifier_on_provider: 'ami-1', 'parameters.diskSize': null },
      sort: ['-caller_image_uuid'],
    });
    expect(images.items[0]).to.deep.include({ id: 'i', identifierOnProvider: 'ami-1' });
    const refusal = await rejection(factoryObject.jobs({ where: { colour: 'red' } }));
    expect(refusal).to.be.instanceOf(QmfError).and.include({ code: 'agent_exception' });
    expect(refusal.message).to.include('there is no field "colour"');
  });

  it('finds the agent with the fewest jobs, with records or without', async () => {
    const common = { kind: 'target', status: 'running', percent: 0, activity: '', created: '', modified: '' };
    const jobs = (count: number) => Array.from({ length: count }, (_, id) => ({ ...common, id: `j-${id}` }));
    records.jobs = jobs(3);
    const plain = await ScriptedFactory.start({ broker: factory.broker });
    const none = await ScriptedFactory.start({ broker: factory.broker, records: true });
    if (none.records !== undefined) none.records.jobs = jobs(4);
    try {
      for (const status of ['NEW', 'BUILDING', 'COMPLETED']) plain.makeBuild('').update({ status });
      await until(() => client.session.agents().length === 3, 'all three are there');
      const ambiguous = await rejection(client.findFactory());
      expect(ambiguous.message).to.include('leastLoaded');
      const chosen = await client.findFactory({ leastLoaded: true });
      expect(chosen.agent.name, 'two adaptors run').to.equal(plain.session.name);
      records.jobs = jobs(1);
      const next = await client.findFactory({ leastLoaded: true });
      expect(next.agent.name).to.equal(factory.session.name);
      expect(records.queries[0]?.inputs).to.have.nested.property('where.status').that.includes('queued');
    } finally {
      await plain.leave();
      await none.leave();
    }
  });
});

describe('a console of an agent without records', () => {
  it('says so of what needs them, starts nothing, and tells changes as before', async () => {
    const factory = await ScriptedFactory.start();
    const client = await connectConsole({ broker: factory.broker.url });
    try {
      const factoryObject = await client.findFactory();
      const build = await factoryObject.buildImage(order);
      const refusals = [
        build.changes({ from: 'beginning' }).next(),
        factoryObject.events({ from: 1 }).next(),
        factoryObject.jobs(),
        factoryObject.images(),
        factoryObject.buildImage({ ...order, orderKey: 'k' }),
      ];
      for (const refusal of refusals) {
        const error = await rejection(refusal);
        expect(error).to.be.instanceOf(QmfError).and.include({ code: 'schema_unknown' });
        expect(error.message).to.include('has no records for consoles (object factory_records)');
      }
      expect(factory.orders).to.equal(1);
      const { words, end } = reading(build.changes());
      void factory.complete(factory.adaptors[0]!);
      await end;
      expect(words).to.deep.equal(['BUILDING', '50%', 'COMPLETED']);
    } finally {
      await client.close();
      await factory.stop();
    }
  });
});
