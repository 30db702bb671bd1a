import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningAgent, startAgent } from '@imagefactory/agent';
import {
  BuildFailedError,
  type ConnectedConsole,
  connectConsole,
  type Factory,
  partOf,
  QmfError,
} from '@imagefactory/console-client';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10 } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { type SchemaRevision, schemaRevisions } from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { mockCredentials, there } from './interop/session-2012.js';
import { Program, programs } from './support/program.js';
import { collect, rejection } from './support/until.js';

const template = '<template></template>';
const password = 'pa55w0rd-of-anna';
const credentials = mockCredentials.replace('</username>', `</username><password>${password}</password>`);
const wrongCredentials =
  '<provider_credentials><ec2_credentials><access_key>abcdef</access_key></ec2_credentials></provider_credentials>';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('an orchestrator of images', () => {
  let broker: RunningBroker;
  let directory: string;
  let agent: RunningAgent;
  let client: ConnectedConsole;
  let factory: Factory;

  beforeEach(async () => {
    broker = await startBroker();
    directory = await mkdtemp(join(tmpdir(), 'imagefactory-orchestrating-'));
  });
  afterEach(async () => {
    await client.close();
    await agent.stop();
    await broker.stop();
    await rm(directory, { recursive: true });
  });

  async function begin(schemaRevision: SchemaRevision = '2011', stepDelay = 1): Promise<void> {
    agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay }), mockCloud({ stepDelay })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: directory,
      schemaRevision,
    });
    await agent.ready();
    client = await connectConsole({ broker: broker.url });
    factory = await client.findFactory();
  }

  for (const revision of schemaRevisions) {
    it(`${revision}: builds, pushes, reads the record and imports, all typed`, async () => {
      await begin(revision);
      const builds = await factory.buildImages({ template, targets: ['mock', 'mock'] });
      expect(builds).to.have.lengthOf(2);
      const build = there(builds[0]);
      expect(build.isPush).to.equal(false);
      const statuses = (await collect(build.changes())).flatMap(change =>
        change.kind === 'status' ? [change.status] : [],
      );
      expect(statuses).to.deep.equal(['BUILDING', 'COMPLETED']);
      expect(await there(builds[1]).finished()).to.match(/\.body$/);
      expect((await collect(build.log())).map(({ text }) => text).join('\n')).to.match(/stored as/);
      expect(await build.identifierOnProvider()).to.equal(undefined);

      const targetImage = build.imageId;
      const record = await factory.imageRecord(targetImage);
      expect(partOf(record, targetImage)).to.have.nested.property('targetImage.outcome.status', 'COMPLETED');
      expect(record).to.include({ latestUnpushed: there(record.builds[0]).id });

      const [push, ...others] = await factory.pushImage({
        image: record.id,
        providers: ['mock-one'],
        credentials,
      });
      expect(others).to.deep.equal([]);
      const changes = await collect(there(push).changes());
      expect(changes.flatMap(change => (change.kind === 'status' ? [change.status] : []))).to.deep.equal([
        'PUSHING',
        'COMPLETED',
      ]);
      expect(changes.every(({ caughtUp }) => !caughtUp)).to.equal(true);
      expect(there(push)).to.include({ isPush: true, percentComplete: 100 });
      const identifier = await there(push).identifierOnProvider();
      expect(identifier).to.match(/^Mock_mock-one_/);
      expect((await collect(there(push).log())).map(({ text }) => text)).to.include(
        `known to the provider as ${there(identifier)}`,
      );

      const second = await factory.providerImage({ imageId: targetImage, provider: 'mock-two', credentials });
      await second.finished();
      const imported = await factory.importImage({
        ...{ image: record.id, build: there(record.builds[0]).id },
        ...{ targetIdentifier: 'mock-img-id', target: 'mock', provider: 'mock-three' },
      });
      expect(imported).to.include({ image: record.id });
      const after = await factory.imageRecord(record.id);
      const pushed = there(after.builds[0]).targetImages.flatMap(({ providerImages }) => providerImages);
      expect(
        pushed.map(({ provider, targetIdentifier }) => `${provider} ${targetIdentifier ?? ''}`),
      ).to.have.members([
        `mock-one ${there(identifier)}`,
        `mock-two ${there(await second.identifierOnProvider())}`,
        'mock-three mock-img-id',
      ]);
      expect(partOf(after, imported.providerImage).providerImage).to.not.have.property('adaptor');
      const single = await factory.image({ template, target: 'mock' });
      await single.finished();
      const states = await factory.instanceStates('BuildAdaptor');
      expect(states['NEW']).to.include('INITIALIZING');
      expect(await factory.instanceStates('ImageFactory')).to.deep.equal({});
    });
  }

  it('is told what a build does, where it waits, and what went wrong', async () => {
    await begin('2011', 60_000);
    const [build] = await factory.buildImages({ template, targets: ['mock'] });
    const running = await there(build).detail();
    expect(running).to.have.all.keys('activity');
    await there(build).abort();
    const error = await rejection(there(build).finished());
    expect(error).to.be.instanceOf(BuildFailedError).and.include({ type: 'Aborted' });
    const { failure, error: reason } = await there(build).detail();
    expect(failure).to.include({ type: 'Aborted' }).and.have.property('lastLines').with.length.above(0);
    expect(reason).to.equal(there(failure).info);
    const unknown = await rejection(factory.imageRecord('0b3f0c3e-1111-4222-8333-444455556666'));
    expect(unknown).to.be.instanceOf(QmfError).and.include({ code: 'agent_exception', agentCode: 1 });
  });

  it('is told of a push that failed as of any build', async () => {
    await begin();
    const build = await factory.image({ template, target: 'mock' });
    await build.finished();
    const { id: image } = await factory.imageRecord(build.imageId);
    const [push] = await factory.pushImage({ image, providers: ['mock-one'], credentials: wrongCredentials });
    const changes = await collect(there(push).changes());
    expect(changes.at(-1)).to.include({ kind: 'failure', type: 'CredentialsRefused' });
    expect(await there(push).identifierOnProvider()).to.equal(undefined);
  });

  describe('at the command line', () => {
    const cli = (...args: string[]) => Program.run(programs.console, ['--broker', broker.url, ...args]);
    const lines = (text: string): Record<string, unknown>[] =>
      text
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line) as Record<string, unknown>); // every line is an object

    it('builds for several targets, pushes to several providers, and follows all', async () => {
      await begin();
      const file = join(directory, 'template.tdl');
      const secrets = join(directory, 'credentials.xml');
      await writeFile(file, template);
      await writeFile(secrets, credentials);
      const built = await cli('build', file, '--target', 'mock', '--target', 'mock', '--watch');
      expect(built.status, built.output).to.equal(0);
      const names = built.stdout.split('\n').slice(0, 2);
      for (const name of names) expect(name).to.match(/^build_adaptor:build_image:/);
      expect(built.stdout)
        .to.match(/^mock BUILDING$/m)
        .and.match(/^mock \(2\) COMPLETED \S+\.body$/m);

      const to = ['--provider', 'mock-one', '--provider', 'mock-two', '--credentials', secrets];
      const pushed = await cli('push', there(names[0]), ...to, '--watch');
      expect(pushed.status, pushed.output).to.equal(0);
      expect(pushed.stdout)
        .to.match(/^build_adaptor:push_image:/)
        .and.match(/^mock-one PUSHING$/m)
        .and.match(/^mock-one COMPLETED Mock_mock-one_\S+$/m)
        .and.match(/^mock-two COMPLETED Mock_mock-two_\S+$/m);
      const again = await cli(
        '--json',
        'push',
        there(names[1]),
        '--provider',
        'mock-six',
        '--credentials',
        secrets,
        '--watch',
      );
      expect(again.status, again.output).to.equal(0);
      const [start, ...told] = lines(again.stdout);
      expect(start).to.include({ kind: 'push', provider: 'mock-six' });
      expect(start?.['image']).to.match(uuid);
      expect(told.at(-1)).to.include({ kind: 'end', status: 'COMPLETED' });
      expect(told.at(-1)?.['identifier']).to.match(/^Mock_mock-six_/);
      expect(pushed.output + again.output).not.to.contain(password);
    });

    it('tells what failed by its exit code, and never shows credentials', async () => {
      await begin();
      const secrets = join(directory, 'credentials.xml');
      await writeFile(secrets, credentials);
      const build = await factory.image({ template, target: 'mock' });
      await build.finished();
      const wrong = join(directory, 'wrong.xml');
      await writeFile(wrong, wrongCredentials);
      const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
        [
          [build.name, '--provider', 'mock-one', '--provider', 'mock-two', '--credentials', wrong, '--watch'],
          1,
          /^mock-one FAILED Failure/m,
        ],
        [[build.name, '--provider', 'ec2-x', '--credentials', secrets], 1, /Invalid argument: providers/],
        [
          ['0b3f0c3e-1111-4222-8333-444455556666', '--provider', 'mock-one', '--credentials', secrets],
          4,
          /no agent that is here knows an image/,
        ],
        [['moon', '--provider', 'mock-one', '--credentials', secrets], 2, /'moon' is no uuid/],
        [
          [build.name, '--provider', 'mock-one', '--credentials', join(directory, 'nothing')],
          2,
          /there is no such file/,
        ],
        [[build.name, '--provider', 'mock-one'], 2, /--credentials/],
        [[build.name, '--credentials', secrets], 2, /--provider/],
      ];
      for (const [args, status, text] of cases) {
        const run = await cli('push', ...args);
        expect(run.status, run.output).to.equal(status);
        expect(run.output).to.match(text).and.not.contain(password).and.not.contain('abcdef');
      }
      const defined = await cli(
        '--json',
        'push',
        build.name,
        '--credentials',
        secrets,
        '--provider',
        `{"target": "mock", "name": "mock-own", "key": "${password}"}`,
      );
      expect(defined.status, defined.output).to.equal(0);
      expect(defined.output).to.contain('a provider defined inline').and.not.contain(password);
      const both = await cli(
        'build',
        secrets,
        '--target',
        'mock',
        '--target',
        'mock',
        '--credentials',
        secrets,
      );
      expect(both.status, both.output).to.equal(2);
    });

    it('imports, and shows the uuids', async () => {
      await begin();
      const shown = await cli('import', 'ami-1', '--target', 'mock', '--provider', 'mock-one');
      expect(shown.status, shown.output).to.equal(0);
      expect(
        shown.stdout
          .trimEnd()
          .split('\n')
          .map(line => line.split(/ +/)[0]),
      ).to.deep.equal(['image', 'build', 'target_image', 'provider_image']);
      const [, image = ''] = /^image +(\S+)$/m.exec(shown.stdout) ?? [];
      const again = await cli(
        '--json',
        'import',
        'ami-2',
        '--target',
        'mock',
        '--provider',
        'mock-two',
        '--image',
        image,
      );
      expect(lines(again.stdout)[0]).to.include({ kind: 'import', image });
      expect((await factory.imageRecord(image)).builds).to.have.lengthOf(2);
      const refused = await cli('import', 'ami-1', '--target', 'moon', '--provider', 'mock-one');
      expect(refused.status).to.equal(1);
      expect(refused.stderr).to.match(/Invalid argument: provider/);
    });
  });
});
