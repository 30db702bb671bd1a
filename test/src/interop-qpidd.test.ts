import { type ConnectedConsole } from '@imagefactory/console-client';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { AgentProgram } from './support/agent-program.js';
import { startQpidd } from './support/brokers/qpidd.js';
import type { RealBroker } from './support/brokers/real-broker.js';
import { skipBecause } from './support/lane.js';
import { collect } from './support/until.js';

describe('an agent and a console on a real qpidd', function () {
  this.timeout(120_000);
  let broker: RealBroker | undefined;
  let agent: AgentProgram | undefined;
  let client: ConnectedConsole | undefined;

  before(async function () {
    const found = await startQpidd();
    if ('missing' in found) skipBecause(this, found.missing);
    broker = found;
    console.log(`      qpidd: ${broker.how}`);
    agent = await AgentProgram.start(broker.url);
    client = await agent.console();
  });

  after(async () => {
    await client?.close();
    await agent?.stop();
    await broker?.stop();
  });

  it('builds and follows by events', async () => {
    const factory = await client!.findFactory();
    const build = await factory.buildImage({ descriptor: '<template></template>', target: 'mock' });
    const changes = await collect(build.changes());
    expect(changes.at(-1)).to.include({ kind: 'status', status: 'COMPLETED', caughtUp: false });
  });

  it("asks the broker's own agent, whose schemas come by QMFv1", async () => {
    const own = await client!.session.findAgent(({ info }) => info.product === 'qpidd');
    const [object] = await own.query('{class:broker}');
    expect(object).not.to.equal(undefined);
    const schema = await own.schema(object!.schemaId!);
    expect(schema.methods.map(({ name }) => name)).to.include('echo');
    expect(await own.call(object!, 'echo', { sequence: 7, body: 'hello' })).to.deep.equal({
      sequence: 7,
      body: 'hello',
    });
  });

  it('takes a descriptor of 1 MB without harm to the broker', async () => {
    const factory = await client!.findFactory();
    const descriptor = `<template>${' '.repeat(1_000_000)}</template>`;
    const build = await factory.buildImage({ descriptor, target: 'mock' });
    await build.finished();
  });
});
