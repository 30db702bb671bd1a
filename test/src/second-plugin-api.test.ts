import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type RunningAgent, startAgent } from '@imagefactory/agent';
import { BuildFailedError, type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import * as ours from '@imagefactory/plugin-api';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10 } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { projectRoot } from './support/program.js';

describe('a plugin with a second copy of plugin-api', () => {
  let directory: string;
  let second: typeof ours;
  let broker: RunningBroker;
  let agent: RunningAgent;
  let client: ConnectedConsole;
  let thrown: Error;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'second-copy-'));
    await symlink(join(projectRoot, 'node_modules'), join(directory, 'node_modules'));
    for (const part of ['dist', 'package.json'])
      await cp(join(projectRoot, 'plugins/api', part), join(directory, 'api', part), { recursive: true });
    // The same files give the same names and types.
    second = (await import(pathToFileURL(join(directory, 'api/dist/index.js')).href)) as typeof ours;
    broker = await startBroker();
    const refuse = (): never => {
      throw thrown;
    };
    const os = { ...mockOs(), name: 'second', supports: () => true };
    agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [
        { ...mockOs(), buildBase: () => Promise.reject(thrown) },
        { ...os, check: refuse },
        mockCloud(),
        { ...mockCloud(), name: 'second', targets: ['second'] },
      ],
      imageDirectory: join(directory, 'images'),
    });
    client = await connectConsole({ broker: broker.url });
  });
  after(async () => {
    await client.close();
    await agent.stop();
    await broker.stop();
    await rm(directory, { recursive: true });
  });

  it('has its errors recognised by their codes, all of them, and no others', () => {
    expect(second.BuildError).not.to.equal(ours.BuildError);
    for (const code of second.buildErrorCodes) {
      const error = new second.BuildError(code, 'for a reason');
      expect(error).not.to.be.instanceOf(ours.BuildError);
      expect(ours.isBuildError(error), code).to.equal(true);
      expect(ours.BuildError.from(error), code).to.equal(error);
    }
    const later = Object.assign(new second.BuildError('internal', 'for a reason'), { code: 'of_2031' });
    for (const other of [later, new Error('no_space'), { name: 'BuildError', code: 'no_space' }, undefined])
      expect(ours.isBuildError(other)).to.equal(false);
    expect(ours.BuildError.from(later)).to.include({ code: 'internal', message: 'for a reason' });
  });

  it('fails a build with the type of its error', async () => {
    thrown = new second.BuildError('limit_exceeded', 'the guest took too much');
    const factory = await client.findFactory();
    const build = await factory.buildImage({ descriptor: '<template></template>', target: 'mock' });
    const failure = await build.finished().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).to.be.instanceOf(BuildFailedError);
    expect(failure).to.have.property('type', 'LimitExceeded');
  });

  it('refuses an order with the text of its error', async () => {
    thrown = new second.BuildError('disk_size', 'disk: 1 GiB is too small; give 2 GiB');
    const factory = await client.findFactory();
    const descriptor = `<template><name>web</name><os>
      <name>second</name><version>1</version><arch>x86_64</arch>
      <install type="url"><url>http://example.com/</url></install></os></template>`;
    const refusal = await factory.buildImage({ descriptor, target: 'second' }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(String(refusal)).to.include('disk: 1 GiB is too small; give 2 GiB');
  });
});
