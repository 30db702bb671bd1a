import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAccessList, type RunningAgent, startAgent } from '@imagefactory/agent';
import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import type { CloudPlugin } from '@imagefactory/plugin-api';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10, type DataAddress, type PlainMap, QmfError } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { ImageFactory, ImageFactory2012 } from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { mockCredentials, OldConsole, text, there } from './interop/session-2012.js';
import { rejection } from './support/until.js';

type AgentOptions = Parameters<typeof startAgent>[0];

const empty = '<template></template>';
const password = 'pa55w0rd-of-anna';

describe('the methods of 2011 and 2012', () => {
  let broker: RunningBroker;
  let directory: string;
  let agent: RunningAgent;
  let client: ConnectedConsole;
  let old: OldConsole;
  /** Of each status those that may follow, as the agent says. */
  let states: Readonly<Record<string, readonly string[]>> = {};
  const log: string[] = [];

  beforeEach(async () => {
    broker = await startBroker();
    directory = await mkdtemp(join(tmpdir(), 'imagefactory-methods-'));
    log.length = 0;
    states = {};
  });
  afterEach(async () => {
    old.close();
    const raised = old.events.filter(({ className }) => className === 'BuildAdaptorStatusEvent');
    for (const { values } of raised) {
      const [from, to] = [text(values['old_status']), text(values['new_status'])];
      if (Object.keys(states).length > 0) expect(states[from], `a change from ${from}`).to.include(to);
    }
    await client.close();
    await agent.stop();
    await broker.stop();
    await rm(directory, { recursive: true });
  });

  const record = (text: string): void => void log.push(text);

  async function begin(options: Partial<AgentOptions> = {}, stepDelay = 1, url = broker.url): Promise<void> {
    agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay }), mockCloud({ stepDelay })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: directory,
      providerDirectory: directory,
      log: { error: record, warn: record, notice: record, info: record, debug: record },
      ...options,
    });
    await agent.ready();
    client = await connectConsole({ broker: url });
    old = await OldConsole.of(client);
    // Tests of access lists count the calls.
    if (options.access !== undefined) return;
    const answer = await old.call('instance_states', { class_name: 'BuildAdaptor' });
    states = JSON.parse(text(answer['states'])) as typeof states; // what it is, the first test looks at
  }

  const refusal = async (
    method: string,
    inputs: Record<string, unknown>,
    address?: DataAddress,
  ): Promise<string> => {
    const error = await rejection(old.call(method, inputs, address));
    expect(error).to.be.instanceOf(QmfError).and.include({ code: 'agent_exception' });
    return `${(error as QmfError).agentCode ?? 0} ${(error as QmfError).agentText ?? ''}`;
  };

  /** Builds an image for some targets, and gives the values of the adaptors at the end. */
  async function build(inputs: Record<string, unknown>): Promise<PlainMap[]> {
    const answer = await old.call('build_image', { image: '', build: '', template: empty, ...inputs });
    const values: PlainMap[] = [];
    for (const address of old.adaptors(answer)) {
      await old.ended(address);
      values.push(await old.values(address));
    }
    return values;
  }

  const recordOf = async (image: unknown): Promise<PlainMap> => {
    const answer = await old.call('image', { image }, { ...(await news()) });
    return answer['record'] as PlainMap; // a map by the schema
  };

  const news = async (): Promise<DataAddress> => {
    const [object] = await old.agent.query('{class:BuildNews}');
    return object!.address!;
  };

  it('leaves the classes of 2011 as they were when told to, and takes both forms by names or by position', async () => {
    await begin({ schemaRevision: '2011-exact' });
    const [factory] = await old.agent.query('{class:ImageFactory}');
    expect(factory!.schemaId!.hash!.equals(ImageFactory.schema.id.hash)).to.equal(true);
    const ids = await old.agent.schemaIds();
    expect(ids.filter(({ className }) => className === 'ImageFactory')).to.have.lengthOf(1);

    const single = await old.call('build_image', {
      descriptor: empty,
      target: 'mock',
      image_uuid: 'foo',
      sec_credentials: 'bar',
    });
    const [first] = old.adaptors(single);
    expect(Object.keys(single)).to.deep.equal(['build_adaptor']);
    expect(first!.objectName).to.match(/^build_adaptor-/);
    expect(first!.agentEpoch).to.equal(1);
    expect(await old.ended(first!)).to.equal('COMPLETED');
    expect(old.statuses(first!)).to.deep.equal([
      'NEW>INITIALIZING',
      'INITIALIZING>BUILDING',
      'BUILDING>FINISHING',
      'FINISHING>COMPLETED',
    ]);
    // By position in the order of 2012, under the names that the schema of 2011 shows.
    const list = await old.call('build_image', {
      descriptor: '',
      target: '',
      image_uuid: empty,
      sec_credentials: ['mock', 'mock'],
    });
    expect(Object.keys(list)).to.deep.equal(['build_adaptors']);
    const [second, third] = old.adaptors(list);
    expect(second!.agentEpoch).to.equal(0);
    expect(await old.ended(second!)).to.equal('COMPLETED');
    expect(await old.ended(third!)).to.equal('COMPLETED');
    const [a, b] = [await old.values(second!), await old.values(third!)];
    expect([a['image'], a['build']]).to.deep.equal([b['image'], b['build']]);
    expect(a['image_id']).not.to.equal(b['image_id']);
  });

  it('shows the classes of 2012 when told to, and still takes the form of 2011 by position', async () => {
    await begin({ schemaRevision: '2012' });
    const [factory] = await old.agent.query('{class:ImageFactory}');
    expect(factory!.schemaId!.hash!.equals(ImageFactory2012.schema.id.hash)).to.equal(true);
    const { methods } = await old.agent.schema(factory!.schemaId!);
    expect(methods.map(({ name }) => name)).to.include.members(['image', 'push_image', 'import_image']);
    const answer = await old.call('build_image', {
      image: empty,
      build: 'mock',
      template: 'foo',
      targets: 'bar',
    });
    const [adaptor] = old.adaptors(answer);
    expect(await old.ended(adaptor!)).to.equal('COMPLETED');
    const [object] = await old.agent.query({ address: adaptor! });
    const schema = await old.agent.schema(object!.schemaId!);
    expect(schema.methods.map(({ name }) => name)).to.deep.equal(['abort']);
    expect(schema.properties.map(({ name }) => name)).to.have.members(Object.keys(object!.values));

    const one = old.adaptors(await old.call('image', { template: empty, target: 'mock' }));
    expect(one[0]!.objectName).to.match(/^build_adaptor:image:/);
    expect(await old.ended(one[0]!)).to.equal('COMPLETED');
  });

  it('publishes the changes of status of both revisions', async () => {
    await begin();
    const [single] = old.adaptors(await old.call('build_image', { descriptor: empty, target: 'mock' }));
    const [list] = await build({ targets: ['mock'] });
    const { image, build: id } = list!;
    const [push] = old.adaptors(
      await old.call('push_image', { image, build: id, providers: ['mock-a'], credentials: mockCredentials }),
    );
    expect(await old.ended(single!)).to.equal('COMPLETED');
    expect(await old.ended(push!)).to.equal('COMPLETED');
    expect(old.statuses(push!)).to.deep.equal(['NEW>PUSHING', 'PUSHING>COMPLETED']);
    const sorted = Object.fromEntries(Object.entries(states).map(([from, to]) => [from, [...to].sort()]));
    expect(sorted).to.deep.equal({
      NEW: ['BUILDING', 'FAILED', 'INITIALIZING', 'PENDING', 'PUSHING'],
      INITIALIZING: ['BUILDING', 'FAILED', 'PENDING', 'PUSHING'],
      PENDING: ['BUILDING', 'FAILED', 'PUSHING'],
      BUILDING: ['COMPLETED', 'FAILED', 'FINISHING', 'PENDING'],
      PUSHING: ['COMPLETED', 'FAILED', 'FINISHING'],
      FINISHING: ['BUILDING', 'COMPLETED', 'FAILED'],
      COMPLETED: [],
      FAILED: [],
    });
  });

  it('takes in what a provider has of a target without a plugin, and says that nothing can be pushed of it', async () => {
    await begin();
    const imported = await old.call('import_image', {
      ...{ image: '', build: '', target_identifier: 'ami-1', target: 'ec2', provider: 'ec2-us-east-1' },
      image_desc: '<?xml version="1.0"?>\n<image><name>mine</name></image>',
    });
    expect(JSON.stringify(await recordOf(imported['image'])))
      .to.include('ami-1')
      .and.include('ec2-us-east-1');
    const credentials = mockCredentials;
    expect(
      await refusal('provider_image', {
        ...{ image_id: imported['target_image'], provider: 'ec2-us-west-1', credentials },
      }),
    ).to.match(/^4 Invalid argument: provider \("ec2" is no target of this agent/);
    expect(
      await refusal('push_image', {
        ...{ image: imported['image'], build: imported['build'], providers: ['ec2-us-west-1'], credentials },
      }),
    ).to.match(/^4 Invalid argument: providers \("ec2" is no target of this agent/);
  });

  it('blames the provider where the plugin of its target pushes nowhere', async () => {
    const mock = mockCloud({ stepDelay: 1 });
    const { kind, name, summary, targets } = mock;
    const still: CloudPlugin = {
      ...{ kind, name, summary, targets },
      doctor: () => mock.doctor(),
      buildTarget: (...given) => mock.buildTarget(...given),
    };
    await begin({ plugins: [mockOs({ stepDelay: 1 }), still] });
    const [made] = await build({ targets: ['mock'] });
    const { image, build: id, image_id: target } = made!;
    const credentials = mockCredentials;
    expect(await refusal('provider_image', { image_id: target, provider: 'mock-a', credentials })).to.match(
      /^4 Invalid argument: provider \(the plugin mock of this agent takes images of mock nowhere/,
    );
    expect(await refusal('push_image', { image, build: id, providers: ['mock-a'], credentials })).to.match(
      /^4 Invalid argument: providers \(the plugin mock/,
    );
  });

  it('keeps on record what became of each target and provider, a failure too', async () => {
    await begin();
    const [made] = await build({ targets: ['mock'] });
    const { image, build: first } = made!;
    expect(await recordOf(image)).to.include({ latestUnpushed: first });
    // The template and the targets of the build before.
    const [again] = await build({ image, template: '', targets: [] });
    expect(again!['image']).to.equal(image);
    expect(await recordOf(image)).to.include({ latestUnpushed: again!['build'] });

    const wrong =
      '<provider_credentials><ec2_credentials><access_key>abcdef</access_key></ec2_credentials></provider_credentials>';
    const pushes = old.adaptors(
      await old.call('push_image', { image, build: '', providers: ['mock-a', 'mock-b'], credentials: wrong }),
    );
    for (const push of pushes) {
      expect(await old.ended(push)).to.equal('FAILED');
      const [failure] = old.eventsOf(push, 'BuildFailedEvent');
      expect(failure!.values).to.include({ type: 'CredentialsRefused' });
      expect(failure!.values['info']).to.match(
        /^Failure encountered while: pushing the image to mock-[ab]: .*mock credentials/,
      );
    }
    expect(await recordOf(image)).to.include({ latestUnpushed: again!['build'] });

    const [pushed] = old.adaptors(
      await old.call('push_image', {
        image,
        build: '',
        providers: ['{"target": "mock", "name": "mock-a"}'],
        credentials: mockCredentials,
      }),
    );
    expect(await old.ended(pushed!)).to.equal('COMPLETED');
    const half = await recordOf(image);
    expect(half, 'mock-b was not reached').to.include({
      latestBuild: again!['build'],
      latestUnpushed: again!['build'],
    });
    const [rest] = old.adaptors(
      await old.call('provider_image', {
        image_id: again!['image_id'],
        provider: '<provider target="mock" name="mock-b"/>',
        credentials: mockCredentials,
      }),
    );
    expect(rest!.objectName).to.match(/^build_adaptor:provider_image:/);
    expect(await old.ended(rest!)).to.equal('COMPLETED');
    const whole = await recordOf(image);
    expect(whole).to.include({ latestBuild: again!['build'] }).and.not.to.have.property('latestUnpushed');
    const written = JSON.stringify(whole);
    const { image_id: id } = await old.values(rest!);
    expect(written)
      .to.contain(`Mock_mock-b_${text(id)}`)
      .and.contain('"account":"mockuser"');
    expect(written)
      .to.contain(`"parent":"${text(first)}"`)
      .and.contain('CredentialsRefused')
      .and.not.match(/None/);
    expect(
      await refusal('push_image', {
        image,
        build: null,
        providers: ['mock-a'],
        credentials: mockCredentials,
      }),
    ).to.match(/^4 Invalid argument: build \(it is empty, and .* has no build that was not pushed/);
  });

  it('makes all of a batch or nothing, and names the argument that is wrong', async () => {
    await begin();
    const [made] = await build({ targets: ['mock'] });
    const { image, build: id, image_id: target } = made!;
    const good = { image: '', build: '', template: empty, targets: ['mock'] };
    const push = { image, build: id, providers: ['mock-a'], credentials: mockCredentials };
    const importing = {
      image: '',
      build: '',
      target_identifier: 'x',
      image_desc: '',
      target: 'mock',
      provider: 'mock-a',
    };
    const objects = (await old.agent.query('{class:BuildAdaptor}')).length;
    const files = (await readdir(join(directory, 'images'))).length;
    for (const [method, inputs, argument, reason] of [
      ['build_image', { ...good, targets: ['mock', 'moon'] }, 'targets', 'moon'],
      ['build_image', { ...good, targets: [] }, 'targets', 'name at least one'],
      ['build_image', { ...good, targets: [1] }, 'targets', 'no text'],
      [
        'build_image',
        { ...good, targets: Array.from({ length: 101 }, () => 'mock') },
        'targets',
        'at most 100',
      ],
      ['build_image', { ...good, template: '' }, 'template', 'it is empty'],
      ['build_image', { ...good, template: '<template>' }, 'template', ''],
      ['build_image', { ...good, image: 'None' }, 'image', 'no uuid'],
      ['build_image', { ...good, build: 'None' }, 'build', 'no uuid'],
      ['build_image', { ...good, colour: 'red' }, 'colour', ''],
      ['image', { template: empty }, 'target', 'missing'],
      ['image', { template: 'x', target: 'mock' }, 'template', ''],
      ['push_image', { ...push, image: 'None' }, 'image', 'is no image'],
      ['push_image', { ...push, build: 'None' }, 'build', 'is no build'],
      ['push_image', { ...push, providers: [] }, 'providers', 'name at least one'],
      ['push_image', { ...push, providers: ['mock-a', 'ec2-us-east-1'] }, 'providers', 'ec2'],
      ['push_image', { ...push, providers: ['{'] }, 'providers', 'JSON'],
      ['push_image', { ...push, credentials: password }, 'credentials', '<provider_credentials>'],
      [
        'provider_image',
        { image_id: image, provider: 'mock-a', credentials: mockCredentials },
        'image_id',
        'no target image',
      ],
      [
        'provider_image',
        { image_id: target, provider: 'ec2-x', credentials: mockCredentials },
        'provider',
        'ec2',
      ],
      ['build_image', { ...good, targets: 'mock' }, 'targets', ''],
      ['import_image', { ...importing, target: 'moon' }, 'provider', 'moon'],
      ['import_image', { ...importing, target: '' }, 'target', 'name of a cloud'],
      ['import_image', { ...importing, target: 'a\nb' }, 'target', 'name of a cloud'],
      ['import_image', { ...importing, image_desc: 'a picture' }, 'image_desc', '<image>'],
      ['import_image', { ...importing, image_desc: '<picture/>' }, 'image_desc', '<image>'],
      ['import_image', { ...importing, image_desc: '<image>' }, 'image_desc', '<image>'],
      ['import_image', { ...importing, image_desc: '<image/>x' }, 'image_desc', '<image>'],
      ['import_image', { ...importing, image_desc: '<!DOCTYPE image><image/>' }, 'image_desc', '<image>'],
      ['import_image', { ...importing, target_identifier: '' }, 'target_identifier', 'empty'],
      ['import_image', { ...importing, provider: 'ec2-x' }, 'provider', 'ec2'],
      ['import_image', { ...importing, image: 'x' }, 'image', 'no uuid'],
      ['instance_states', { class_name: 'os' }, 'class_name', 'BuildAdaptor'],
    ] as const) {
      const told = await refusal(method, inputs);
      expect(told, method)
        .to.match(new RegExp(`^4 Invalid argument: ${argument}\\b`))
        .and.contain(reason);
      expect(told).not.to.contain(password);
    }
    expect(await refusal('build_states', {})).to.match(/^2 Unknown method: build_states/);
    expect((await old.agent.query('{class:BuildAdaptor}')).length).to.equal(objects);
    expect((await readdir(join(directory, 'images'))).length).to.equal(files);
    expect(log.join('\n')).not.to.contain(password);
  });

  it('ends a build or a push that is aborted, and answers success', async () => {
    await begin({}, 60_000);
    const [single] = old.adaptors(await old.call('build_image', { descriptor: empty, target: 'mock' }));
    const [list] = old.adaptors(
      await old.call('build_image', { image: '', build: '', template: empty, targets: ['mock'] }),
    );
    for (const adaptor of [single!, list!]) {
      expect(await old.call('abort', {}, adaptor)).to.deep.equal({});
      expect(await old.ended(adaptor)).to.equal('FAILED');
      const [failure] = old.eventsOf(adaptor, 'BuildFailedEvent');
      expect(failure!.values).to.include({ type: 'Aborted' });
      expect(await refusal('abort', {}, adaptor)).to.contain('is FAILED already');
    }
    const { image, build: id } = await old.values(list!);
    expect(
      await refusal('push_image', { image, build: id, providers: ['mock-a'], credentials: mockCredentials }),
    ).to.match(/Invalid argument: providers \(target image .* has failed: .*aborted/);
    expect(await refusal('abort', { now: true }, single)).to.match(/^4 Invalid argument: now/);
  });

  it('calls a push a push in its log, in the errors and in the failure', async () => {
    const pushing = (signal: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    const quick = mockCloud({ stepDelay: 1 });
    const cloud: CloudPlugin = {
      ...quick,
      push: (order, context) =>
        order.provider.name === 'mock-slow' ? pushing(context.signal) : quick.push!(order, context),
    };
    await begin({ plugins: [mockOs({ stepDelay: 1 }), cloud] });
    const [made] = await build({ targets: ['mock'] });
    const [slow, done] = old.adaptors(
      await old.call('push_image', {
        image: made!['image'],
        build: made!['build'],
        providers: ['mock-slow', 'mock-done'],
        credentials: mockCredentials,
      }),
    );
    const uuid = (adaptor: DataAddress): string => adaptor.objectName.split(':').at(-1)!;
    expect(await old.ended(done!)).to.equal('COMPLETED');
    await old.call('abort', {}, slow);
    expect(await old.ended(slow!)).to.equal('FAILED');
    expect(await refusal('abort', {}, slow)).to.contain('the push is FAILED already');
    const [failure] = old.eventsOf(slow!, 'BuildFailedEvent');
    expect(failure!.values['info']).to.match(/the push was aborted by/);
    const all = log.join('\n');
    for (const line of ['is aborted by', 'failed (aborted)'])
      expect(all, line).to.include(`push ${uuid(slow!)} ${line}`);
    expect(all).to.include(`push ${uuid(done!)} completed: known to the provider as Mock_mock-done_`);
    for (const adaptor of [slow!, done!]) expect(all).not.to.include(`build ${uuid(adaptor)}`);
  });

  it('leaves no password behind of an order that cannot be written down', async () => {
    await begin();
    const secrets = join(directory, 'images/store/secrets');
    await rm(secrets, { recursive: true });
    const template = `<template><name>web</name><os><name>Mock</name><version>1</version><arch>x86_64</arch><install type="url"><url>http://mock.test/</url></install><rootpw>${password}</rootpw></os></template>`;
    const order = { image: '', build: '', template, targets: ['mock'] };
    expect(await refusal('build_image', order)).to.include('could not record the order');
    await agent.stop();
    for (const path of await readdir(directory, { recursive: true, withFileTypes: true }))
      if (path.isFile())
        expect(await readFile(join(path.parentPath, path.name), 'latin1'), path.name).not.to.contain(
          password,
        );
  });

  it('asks the access list before anything else, and writes a line about each call', async () => {
    const access = readAccessList(
      JSON.stringify({ allow: [{ users: ['anonymous'], methods: ['instance_states', 'build_image'] }] }),
    );
    // The embedded broker without users vouches for nobody.
    await begin({ access, acceptUnverifiedUsers: true });
    const [made] = old.adaptors(
      await old.call('build_image', { descriptor: empty, target: 'mock', sec_credentials: password }),
    );
    expect(await refusal('abort', {}, made)).to.match(
      /^6 Action Forbidden - anonymous may not call abort of build_adaptor-/,
    );
    expect(await refusal('abort', {}, { ...made!, objectName: 'nothing' })).to.match(/^6 /);
    expect(await refusal('push_image', {})).to.match(/^6 /);
    expect(await old.ended(made!)).to.equal('COMPLETED');
    const calls = log.filter(line => line.startsWith('call of'));
    expect(calls).to.deep.equal([
      'call of image_factory.build_image by anonymous: answered',
      `call of ${made!.objectName}.abort by anonymous: forbidden`,
      'call of nothing.abort by anonymous: forbidden',
      'call of image_factory.push_image by anonymous: forbidden',
    ]);
    expect(log.join('\n')).not.to.contain(password);
  });

  it('knows callers by the user who has logged in at a broker that checks it', async () => {
    const other = await startBroker({ users: { agent: 'a', anna: 'b', boris: 'c' } });
    const at = (user: string, word: string): string => other.url.replace('//', `//${user}:${word}@`);
    const access = readAccessList(JSON.stringify({ allow: [{ users: ['anna'] }] }));
    await begin({ access, bus: amqp10(at('agent', 'a')) }, 1, at('anna', 'b'));
    const [made] = old.adaptors(
      await old.call('build_image', { descriptor: empty, target: 'mock', sec_credentials: '' }),
    );
    expect(await old.ended(there(made))).to.equal('COMPLETED');
    const boris = await connectConsole({ broker: at('boris', 'c') });
    const impostor = await connectConsole({ broker: at('boris', 'c'), userId: 'anna' });
    const order = { descriptor: empty, target: 'mock' };
    const refused = await rejection((await boris.findFactory()).buildImage(order));
    expect((refused as QmfError).agentText).to.match(/^Action Forbidden - boris may not/); // an agent's answer
    const cheated = await rejection((await impostor.findFactory()).buildImage(order));
    expect((cheated as QmfError).code, 'the broker refuses it').to.not.equal('agent_exception');
    expect(
      log.filter(line => line.startsWith('call of')).map(line => line.replace(/^.* by /, '')),
    ).to.deep.equal(['anna: answered', 'boris: forbidden']);
    await Promise.all([boris.close(), impostor.close()]);
    old.close();
    await client.close();
    await agent.stop();
    await other.stop();
    await begin();
  });

  it('answers the addresses of 2012 after a restart, and keeps no credentials', async () => {
    await begin();
    const [made] = await build({ targets: ['mock'] });
    const { image, build: id } = made!;
    const secret = `<provider_credentials><mock_credentials><username>anna</username><password>${password}</password></mock_credentials></provider_credentials>`;
    const [pushed] = old.adaptors(
      await old.call('push_image', { image, build: id, providers: ['mock-a'], credentials: secret }),
    );
    expect(await old.ended(pushed!)).to.equal('COMPLETED');
    const before = await old.values(pushed!);
    old.close();
    await client.close();
    await agent.stop();
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      expect(await readFile(join(entry.parentPath, entry.name), 'latin1'), entry.name).not.to.contain(
        password,
      );
    }
    await begin();
    expect(await old.values(pushed!)).to.deep.equal(before);
    expect(before).to.include({ image, build: id, status: 'COMPLETED', percent_complete: 100 });
    expect(await recordOf(before['image_id'])).to.include({ latestBuild: id });
    expect(log.join('\n')).not.to.contain(password);
  });

  it('finds providers in rhevm.json, and says what no plugin of the agent takes anywhere', async () => {
    await writeFile(
      join(directory, 'rhevm.json'),
      JSON.stringify({ cellar: { 'api-url': 'https://r/', password } }),
    );
    await begin();
    const [made] = await build({ targets: ['mock'] });
    const { image, build: id } = made!;
    const told = await refusal('push_image', {
      image,
      build: id,
      providers: ['cellar'],
      credentials: mockCredentials,
    });
    expect(told).to.match(/takes images of the target rhevm, and build .* has none; it has mock/);
    expect(told).not.to.contain(password);
  });
});
