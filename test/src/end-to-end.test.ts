import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Build, BuildFailedError, type ConnectedConsole, QmfError } from '@imagefactory/console-client';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { AgentProgram, unhurried } from './support/agent-program.js';
import { ownPort } from './support/own-port.js';
import { collect, rejection, until } from './support/until.js';

/** Statuses of a build in the order in which its watchers heard of them. */
async function statuses(build: Build): Promise<string[]> {
  const changes = await collect(build.changes());
  return changes.flatMap(change => (change.kind === 'status' ? [change.status] : []));
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
}

describe('an agent and consoles on the embedded broker', () => {
  let broker: RunningBroker;
  let agent: AgentProgram;
  let client: ConnectedConsole;

  before(async () => {
    broker = await startBroker();
    agent = await AgentProgram.start(broker.url);
    client = await agent.console();
  });

  after(async () => {
    await client.close();
    await agent.stop();
    await broker.stop();
  });

  it('answers the query of 2011 with exactly one factory', async () => {
    const { agent: found } = await client.findFactory();
    expect(found.name).to.match(/^redhat\.com:imagefactory:[0-9a-f-]{36}$/);
    const objects = await found.query("{class:ImageFactory, package:'com.redhat.imagefactory'}");
    expect(objects).to.have.lengthOf(1);
    expect(objects[0]!.address).to.include({ objectName: 'image_factory', agentName: found.name });
  });

  it("builds the seed's template and names a complete image at the end", async () => {
    const factory = await client.findFactory();
    const build = await factory.buildImage({
      descriptor: '<template></template>',
      target: 'mock',
      imageUuid: 'foo',
      secCredentials: 'bar',
    });
    expect(build.name).to.match(/^build_adaptor-[0-9a-f-]{36}$/);
    expect(build.address.agentEpoch).to.be.greaterThan(0);
    const changes = await collect(build.changes());
    const percents = changes.flatMap(change => (change.kind === 'percent' ? [change.percent] : []));
    expect(percents).to.deep.equal([...percents].sort((a, b) => a - b));
    const heard = changes.flatMap(change => (change.kind === 'status' ? [change.status] : []));
    expect(heard.at(-1)).to.equal('COMPLETED');
    expect(heard).to.include.members(['BUILDING', 'FINISHING']);
    expect(
      changes.every(change => !change.caughtUp),
      'all by events, nothing polled',
    ).to.equal(true);

    const path = await build.finished();
    const body = await readFile(path);
    const meta = JSON.parse(await readFile(path.replace(/\.body$/, '.meta'), 'utf8')) as {
      sha256: string;
      size: number;
    };
    expect(meta.size).to.equal(body.length);
    expect(meta.sha256).to.equal(createHash('sha256').update(body).digest('hex'));
  });

  it('gives two calls with the same image_uuid an adaptor and an image each', async () => {
    const factory = await client.findFactory();
    const inputs = { descriptor: '<template></template>', target: 'mock', imageUuid: 'foo' };
    const builds = await Promise.all([factory.buildImage(inputs), factory.buildImage(inputs)]);
    const paths = await Promise.all(builds.map(build => build.finished()));
    expect(new Set(builds.map(build => build.name)).size).to.equal(2);
    expect(new Set(paths).size).to.equal(2);
    for (const path of paths) expect(path.startsWith(agent.imageDirectory)).to.equal(true);
  });

  it('makes an adaptor queryable before its first event', async () => {
    const factory = await client.findFactory();
    const build = await factory.buildImage({ descriptor: '<template></template>', target: 'mock' });
    const [adaptor] = await factory.agent.query({ address: build.address });
    expect(adaptor!.values).to.include({ descriptor: '<template></template>', target: 'mock' });
    await build.finished();
    const [finished] = await factory.agent.query({ address: build.address });
    expect(finished!.values).to.include({ status: 'COMPLETED', percent_complete: 100 });
  });

  it('tells a failure by status, event and one readable line, and goes on', async () => {
    const factory = await client.findFactory();
    const build = await factory.buildImage({ descriptor: '<template>FAIL</template>', target: 'mock' });
    const error = await rejection(build.finished());
    expect(error).to.be.instanceOf(BuildFailedError);
    expect(error.message)
      .to.match(/^Failure encountered while: .+: .+/)
      .and.not.include('\n');
    expect(await statuses(build))
      .to.include('FAILED')
      .and.not.include('COMPLETED');
    const { type, message } = error as BuildFailedError; // as found out above
    const late = await rejection((await factory.build(build.name)).finished());
    expect(late, 'to who asks when it is over').to.include({ type, message });
    const [shown] = await factory.agent.query({ address: build.address });
    expect(shown!.values).to.include({ failure_type: type, failure_info: message });
    const next = await factory.buildImage({ descriptor: '<template></template>', target: 'mock' });
    await next.finished();
    const [good] = await factory.agent.query({ address: next.address });
    expect(good!.values).not.to.have.any.keys('failure_type', 'failure_info');
  });

  it('refuses bad input with a text that names the field, and the next call works', async () => {
    const factory = await client.findFactory();
    const { agent: remote } = factory;
    const call = async (
      inputs: Record<string, unknown>,
      method = 'build_image',
      objectName = 'image_factory',
    ) => {
      const address = { ...factory.address, objectName };
      const error = await rejection(remote.invoke(address, method, undefined, inputs, {}));
      expect(error).to.be.instanceOf(QmfError).and.to.include({ code: 'agent_exception' });
      return (error as QmfError).agentText ?? '';
    };
    const good = {
      descriptor: '<template></template>',
      target: 'mock',
      image_uuid: 'foo',
      sec_credentials: 'bar',
    };
    expect(await call({ target: 'mock' })).to.include('descriptor');
    expect(await call({ ...good, colour: 'red' })).to.include('colour');
    expect(await call({ ...good, target: ['mock'] })).to.include('target');
    expect(await call({ ...good, descriptor: null })).to.include('descriptor');
    expect(await call({ ...good, target: 'moon' }))
      .to.include('target')
      .and.to.include('mock');
    expect(await call({ ...good, descriptor: '' })).to.include('descriptor');
    expect(await call({ ...good, descriptor: 'not XML at all' })).to.match(/descriptor|template/);
    expect(await call({ ...good, descriptor: '<template><name>x</template>' })).to.match(/line|name/);
    expect(
      await call({
        ...good,
        descriptor: '<!DOCTYPE t [<!ENTITY e SYSTEM "file:///etc/passwd">]><template>&e;</template>',
      }),
    ).to.match(/DOCTYPE/);
    expect(
      await call({ ...good, descriptor: `<template><name>${'x'.repeat(3 << 20)}</name></template>` }),
    ).to.match(/size|large|long|bytes|MiB/i);
    expect(await call(good, 'build_images'))
      .to.include('build_images')
      .and.to.include('build_image');
    expect(await call(good, 'build_image', 'image_foundry')).to.include('image_foundry');
    expect(await call(good, 'build_image', 'build_adaptor-nothing')).to.include('No data object found');
    expect(
      (
        await rejection(
          remote.query({
            what: 'OBJECT',
            schemaId: { packageName: '', className: 'X', kind: '_data' },
            where: ['eq'],
          }),
        )
      ).message,
    ).to.match(/operand/);
    expect(await remote.query('{class:NoSuchClass}')).to.deep.equal([]);

    const build = await factory.buildImage({ descriptor: '<template></template>', target: 'mock' });
    await build.finished();
  });

  it('takes a descriptor of 1 MB', async () => {
    const factory = await client.findFactory();
    const descriptor = `<template>${' '.repeat(1_000_000)}</template>`;
    const build = await factory.buildImage({ descriptor, target: 'mock' });
    await build.finished();
    const [adaptor] = await factory.agent.query({ address: build.address });
    expect(adaptor!.values.descriptor).to.equal(descriptor);
  });

  it('keeps passwords and credentials out of answers, events, logs and files', async () => {
    const factory = await client.findFactory();
    const [credential, password] = ['s3cret-credential-93', 'r00t-passw0rd-57'];
    const events: string[] = [];
    const stop = client.session.onEvent(event => events.push(JSON.stringify(event.values)));
    const descriptor = `<template><name>x</name><os><name>Debian</name><version>12</version><arch>x86_64</arch>
      <install type="url"><url>http://mirror.example.org/debian</url></install><rootpw>${password}</rootpw></os></template>`;
    const build = await factory.buildImage({ descriptor, target: 'mock', secCredentials: credential });
    await build.finished();
    stop();
    const objects = JSON.stringify(
      await factory.agent.query('{class:BuildAdaptor}').then(list => list.map(({ values }) => values)),
    );
    const files = await Promise.all(
      (await filesBelow(agent.directory)).map(path => readFile(path, 'latin1')),
    );
    for (const secret of [credential, password]) {
      expect(objects, 'query answers').not.to.include(secret);
      expect(events.join(), 'events').not.to.include(secret);
      expect(agent.program.output, 'output').not.to.include(secret);
      expect(files.join(), 'files').not.to.include(secret);
    }
  });

  it('outlives a console that dies in the middle of a call', async () => {
    const dying = await agent.console();
    const factory = await dying.findFactory();
    const call = factory
      .buildImage({ descriptor: '<template></template>', target: 'mock' })
      .catch((error: unknown) => error);
    await dying.close();
    await call;
    const build = await (await client.findFactory()).buildImage({
      descriptor: '<template></template>',
      target: 'mock',
    });
    await build.finished();
  });
});

describe('the life of an agent', () => {
  it('keeps its name and raises its epoch over a restart', async () => {
    const broker = await startBroker();
    const directory = await mkdtemp(join(tmpdir(), 'imagefactory-test-'));
    const seen: { name: string; epoch: number }[] = [];
    for (let run = 0; run < 2; run++) {
      const agent = await AgentProgram.start(broker.url, unhurried, directory);
      const client = await agent.console();
      const { name, info } = (await client.findFactory()).agent;
      seen.push({ name, epoch: info.epoch });
      await client.close();
      await agent.stopCleanly();
    }
    await broker.stop();
    await rm(directory, { recursive: true });
    expect(seen[1]!.name).to.equal(seen[0]!.name);
    expect(seen[1]!.epoch).to.be.greaterThan(seen[0]!.epoch);
  });

  it('waits for a broker that is away, says so once, and needs no restart', async () => {
    const gone = await startBroker({ port: ownPort() });
    const { port, url } = gone;
    await gone.stop();
    const agent = await AgentProgram.start(url);
    await agent.program.says(/ECONNREFUSED|cannot be reached|unreachable/);
    await new Promise(resolve => setTimeout(resolve, 1_500)); // time for several attempts, of which nothing must be said
    const complaints = agent.program.output
      .split('\n')
      .filter(line => /ECONNREFUSED|cannot be reached|unreachable/.test(line));
    expect(complaints).to.have.lengthOf(1);
    const broker = await startBroker({ port });
    const client = await agent.console();
    await (
      await (await client.findFactory()).buildImage({ descriptor: '<template></template>', target: 'mock' })
    ).finished();
    await client.close();
    await agent.stop();
    await broker.stop();
  });

  it('goes on building while the broker is away, and the console learns how it ended', async () => {
    const first = await startBroker({ port: ownPort() });
    const agent = await AgentProgram.start(first.url);
    const client = await agent.console();
    const build = await (await client.findFactory()).buildImage({
      descriptor: '<template></template>',
      target: 'mock',
    });
    await until('the build runs', () => build.status === 'BUILDING');
    await first.stop();
    const second = await startBroker({ port: first.port });
    expect(await statuses(build)).to.include('COMPLETED');
    await client.close();
    await agent.stop();
    await second.stop();
  });

  it('tells by its exit code that it stopped with news that nobody has heard', async () => {
    const broker = await startBroker();
    const agent = await AgentProgram.start(broker.url);
    const client = await agent.console();
    const build = await (await client.findFactory()).buildImage({
      descriptor: '<template></template>',
      target: 'mock',
    });
    await until('the build runs', () => build.status === 'BUILDING');
    await broker.stop();
    await agent.program.says(/trying again until the broker answers/);
    agent.program.kill('SIGTERM');
    expect(await agent.program.exited).to.deep.equal({ status: 4, signal: null });
    expect(agent.program.output).to.match(/events and answers that did not reach the broker: [1-9]/);
    await client.close();
    await agent.stop();
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`stops cleanly on ${signal} in the middle of a build`, async () => {
      const broker = await startBroker();
      const agent = await AgentProgram.start(broker.url, unhurried);
      const client = await agent.console();
      const build = await (await client.findFactory()).buildImage({
        descriptor: '<template></template>',
        target: 'mock',
      });
      await until('the build runs', () => build.status === 'BUILDING');
      agent.program.kill(signal);
      expect(await agent.program.exited).to.deep.equal({ status: 0, signal: null });
      const error = await rejection(build.finished());
      expect(error).to.be.instanceOf(BuildFailedError);
      const left = (await filesBelow(agent.directory)).filter(path => !path.startsWith(agent.imageDirectory));
      expect(left, 'nothing is left in the scratch directory').to.deep.equal([]);
      await client.close();
      await agent.stop();
      await broker.stop();
    });
  }

  for (const [signal, status] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    it(`ends at once when a second ${signal} comes while it stops`, async () => {
      const broker = await startBroker();
      const agent = await AgentProgram.start(broker.url);
      const client = await agent.console();
      const factory = await client.findFactory();
      // Now it has something to wait for: the broker's word on its news.
      broker.faults.publish('never-settle');
      const build = await factory.buildImage({ descriptor: '<template></template>', target: 'mock' });
      await until('the build runs', () => build.status === 'BUILDING');
      agent.program.kill(signal);
      await agent.program.says(/stopping/);
      agent.program.kill(signal);
      expect(await agent.program.exited).to.deep.equal({ status, signal: null });
      expect(agent.program.stderr).to.equal(`${signal} again: ending at once\n`);
      expect(agent.program.stdout).not.to.match(/NOTICE stopped/);
      build.close();
      await client.close();
      // What it left does not keep the next one from starting.
      broker.faults.clear();
      const next = await AgentProgram.start(broker.url, [], agent.directory);
      await next.program.says(/connected to/);
      await next.stop();
      await broker.stop();
    });
  }
});
