import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningAgent, startAgent } from '@imagefactory/agent';
import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10, type DataAddress, type SchemaId } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import {
  BuildAdaptor,
  ImageFactory,
  type SchemaRevision,
  schemaRevisions,
  shownClasses,
} from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { askAsOfOld, callByPosition } from './interop/positional-console.js';
import { mockCredentials, OldConsole, text, there } from './interop/session-2012.js';
import { rejection } from './support/until.js';

const empty = '<template></template>';
const seedNames = ['descriptor', 'target', 'status', 'percent_complete', 'finished_image'];

describe('the revision of the schema that an agent shows', () => {
  let broker: RunningBroker;
  let directory: string;
  let agent: RunningAgent;
  let client: ConnectedConsole;
  let old: OldConsole;
  let factory: DataAddress;

  beforeEach(async () => {
    broker = await startBroker();
    directory = await mkdtemp(join(tmpdir(), 'imagefactory-revisions-'));
  });
  afterEach(async () => {
    old.close();
    await client.close();
    await agent.stop();
    await broker.stop();
    await rm(directory, { recursive: true });
  });

  async function begin(schemaRevision?: SchemaRevision): Promise<void> {
    agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay: 1 }), mockCloud({ stepDelay: 1 })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: directory,
      ...(schemaRevision === undefined ? {} : { schemaRevision }),
    });
    await agent.ready();
    client = await connectConsole({ broker: broker.url });
    old = await OldConsole.of(client);
    ({ address: factory } = await client.findFactory());
  }

  const call = (method: string, ...values: readonly unknown[]) =>
    callByPosition(old.agent, factory, method, ...values);

  /** A call that gives adaptors: waits for their ends. */
  async function made(method: string, ...values: readonly unknown[]): Promise<readonly DataAddress[]> {
    const adaptors = old.adaptors(await call(method, ...values));
    for (const adaptor of adaptors) expect(await old.ended(adaptor)).to.equal('COMPLETED');
    return adaptors;
  }

  const idOf = async (className: string): Promise<SchemaId> => {
    const [object] = await old.agent.query(`{class:${className}, package:'com.redhat.imagefactory'}`);
    return there(there(object).schemaId);
  };

  for (const revision of schemaRevisions) {
    it(`${revision}: is the same in objects, lists of classes, schemas of both forms and publications`, async () => {
      await begin(revision);
      const { factory: shownFactory, adaptor: shownAdaptor } = shownClasses[revision];
      const [adaptor] = old.adaptors(await old.call('image', { template: empty, target: 'mock' }));
      expect(await old.ended(there(adaptor))).to.equal('COMPLETED');
      const ids = await old.agent.schemaIds();
      for (const { schema } of [shownFactory, shownAdaptor]) {
        const { packageName, className, hash } = schema.id;
        const id = await idOf(className);
        expect(there(id.hash).toString()).to.equal(hash.toString());
        const listed = ids.filter(one => one.className === className && one.packageName === packageName);
        expect(listed.map(one => there(one.hash).toString())).to.deep.equal([hash.toString()]);
        expect(await old.agent.schema(id)).to.deep.equal(schema);
        expect(await askAsOfOld(client, old.agent.name, id)).to.deep.equal({
          properties: schema.properties.map(({ name }) => name),
          methods: Object.fromEntries(
            schema.methods.map(method => [method.name, method.arguments.map(({ name }) => name)]),
          ),
        });
        const subscription = await old.agent.subscribe({ className, packageName }, { interval: 1_000 });
        for await (const { schemaId } of subscription) {
          expect(there(there(schemaId).hash).toString()).to.equal(hash.toString());
          await subscription.cancel();
        }
      }
      const [object] = await old.agent.query({ address: there(adaptor) });
      expect(Object.keys(there(object).values), 'all values, whatever is shown').to.have.members([
        ...seedNames,
        ...['image', 'build', 'image_id'],
      ]);
    });
  }

  it('is by default that of 2011 with the additions of 2012 behind what was there', async () => {
    await begin();
    const shown = await old.agent.schema(await idOf('ImageFactory'));
    expect(shown.methods.map(({ name }) => name)).to.deep.equal([
      'build_image',
      'image',
      'provider_image',
      'push_image',
      'import_image',
      'instance_states',
    ]);
    expect(shown.methods[0]).to.deep.equal(ImageFactory.schema.methods[0]);
    await made('build_image', empty, 'mock', 'foo', 'bar');
    const { properties, methods } = await old.agent.schema(await idOf('BuildAdaptor'));
    expect(properties.slice(0, 5)).to.deep.equal(BuildAdaptor.schema.properties);
    expect(properties.slice(0, 5).map(({ name }) => name)).to.deep.equal(seedNames);
    expect(properties.slice(5).map(({ name }) => name)).to.deep.equal(['image', 'build', 'image_id']);
    expect(methods.map(({ name }) => name)).to.deep.equal(['abort']);
  });

  for (const revision of ['2011', '2012'] as const) {
    it(`${revision}: takes calls by position as consoles of both years make them`, async () => {
      await begin(revision);
      const [seed] = await made('build_image', empty, 'mock', 'foo', 'bar');
      expect(there(seed).objectName).to.match(/^build_adaptor-/);
      const [built, again] = await made('build_image', '', '', empty, ['mock', 'mock']);
      expect(there(built).objectName).to.match(/^build_adaptor:build_image:/);
      const { image, build, image_id: target } = await old.values(there(built));
      expect(await old.values(there(again))).to.include({ image, build });
      // The original's own test of its agent does this.
      expect((await rejection(call('image'))).message).to.equal(
        'Wrong number of arguments: expected 2, got 0',
      );
      const [single] = await made('image', empty, 'mock');
      expect(there(single).objectName).to.match(/^build_adaptor:image:/);
      const [pushed] = await made('push_image', image, build, ['mock-provider1'], mockCredentials);
      expect(there(pushed).objectName).to.match(/^build_adaptor:push_image:/);
      await made('provider_image', target, 'mock-provider2', mockCredentials);
      expect(
        await call('import_image', image, build, 'mock-img-id', '<image/>', 'mock', 'mock-provider3'),
      ).to.include({ image, build });
      expect(JSON.parse(text((await call('instance_states', 'BuildAdaptor'))['states']))).to.have.property(
        'PUSHING',
      );
      const finished = await rejection(callByPosition(old.agent, there(built), 'abort'));
      expect(finished.message, 'the method is there').to.contain('is COMPLETED already');
    });
  }

  it('2011-exact: knows one method by position, and the others by name', async () => {
    await begin('2011-exact');
    await made('build_image', empty, 'mock', 'foo', 'bar');
    await made('build_image', '', '', empty, ['mock']);
    expect((await rejection(call('image', empty, 'mock'))).message).to.equal('Unknown attribute: image');
    expect(await old.call('instance_states', { class_name: 'ImageFactory' })).to.deep.equal({ states: '{}' });
  });
});
