import { QmfError } from '@imagefactory/qmf';
import { BuildAdaptorStatusEvent, BuildFailedEvent } from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Build } from './build.js';
import type { BuildChange } from './tracking/build-change.js';
import { BuildFailedError } from './tracking/build-state.js';
import { type ConnectedConsole, connectConsole } from './connect.js';
import { ScriptedFactory } from './testing/scripted-factory.test.fixture.js';
import { until } from './testing/until.test.fixture.js';

const text = (value: unknown): string => (typeof value === 'string' ? value : typeof value);

const order = { descriptor: '<template/>', target: 'mock' };

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('a rejection was expected');
    },
    (error: unknown) => error,
  );
}

describe('announced ends of builds', () => {
  let factory: ScriptedFactory;
  let client: ConnectedConsole;
  let build: Build;
  let told: string[];
  beforeEach(async () => {
    factory = await ScriptedFactory.start();
  });
  afterEach(async () => {
    await client.close();
    await factory.stop();
  });

  /** @param confirmWithin milliseconds, which agents that answer never use up */
  const follow = async (confirmWithin = 45_000): Promise<void> => {
    client = await connectConsole({ broker: factory.broker.url, confirmWithin });
    told = [];
    client.onEvent(({ className, values, confirmed, caughtUp }) => {
      const mark = `${caughtUp ? '+' : ''}${confirmed === false ? '?' : ''}`;
      if (className === BuildAdaptorStatusEvent.schema.id.className)
        told.push(`${mark}${text(values['new_status'])}`);
      if (className === BuildFailedEvent.schema.id.className) told.push(`${mark}${text(values['type'])}`);
    });
    build = await (await client.findFactory()).buildImage(order);
    await factory.status(factory.adaptors[0]!, 'BUILDING');
    await until(() => told.length === 1, 'the console follows the build');
  };

  const announce = (status: string): Promise<void> => {
    const { addressMap } = factory.adaptors[0]!;
    return factory.session.raise(BuildAdaptorStatusEvent, {
      ...{ addr: addressMap, event: 'STATUS' },
      ...{ new_status: status, old_status: 'BUILDING' },
    });
  };

  /** Announces, and dies before any question comes. */
  const announceAndDie = async (...announcements: readonly (() => Promise<void>)[]): Promise<void> => {
    const sent = announcements.map(each => each());
    factory.session.close();
    await Promise.all(sent);
    await factory.leave();
  };

  /** Resolves when the console has asked the agent because of `step`, and has its answer. */
  const asksUpon = async (step: () => Promise<void>): Promise<void> => {
    await until(() => client.session.statistics.pendingRequests === 0, 'it knows how things stand');
    const { accepted } = client.connection.statistics;
    await step();
    await until(() => client.connection.statistics.accepted > accepted, 'the agent is asked');
    await until(() => client.session.statistics.pendingRequests === 0, 'it has answered');
  };

  it('are told when the agent says the same, and forged ones never', async () => {
    await follow();
    const adaptor = factory.adaptors[0]!;
    const changes: BuildChange[] = [];
    const reading = (async () => {
      for await (const change of build.changes()) changes.push(change);
    })();
    await asksUpon(async () => {
      await announce('COMPLETED');
      await announce('FAILED');
      await factory.failure(adaptor, 'forged', 'nothing of it is true');
    });
    await factory.percent(adaptor, 50);
    await until(() => build.percentComplete === 50, 'the build goes on');
    expect(build.state.kind).to.equal('running');
    expect(told).to.deep.equal(['BUILDING']);
    adaptor.update({ finished_image: '/true' });
    await factory.status(adaptor, 'COMPLETED');
    expect(await build.finished()).to.equal('/true');
    await reading;
    expect(changes.map(change => ('status' in change ? change.status : change.kind))).to.deep.equal([
      'BUILDING',
      'percent',
      'COMPLETED',
    ]);
    expect(changes.at(-1)).to.include({ caughtUp: false }).and.not.to.have.property('confirmed');
    await until(() => told.includes('COMPLETED'), 'events() tells it');
    expect(told).to.deep.equal(['BUILDING', 'COMPLETED']);
  });

  it('are corrected when the agent says another end', async () => {
    await follow();
    factory.adaptors[0]!.update({ status: 'COMPLETED', finished_image: '/true' });
    await factory.failure(factory.adaptors[0]!, 'forged', 'it is COMPLETED');
    await announce('FAILED');
    expect(await build.finished()).to.equal('/true');
    await until(() => told.length > 1, 'events() tells it');
    expect(told).to.deep.equal(['BUILDING', '+COMPLETED']);
  });

  it('are told unconfirmed when the agent has died after them', async () => {
    await follow(200);
    await announceAndDie(() => announce('COMPLETED'));
    const error = await rejection(build.finished());
    expect(error).to.be.instanceOf(QmfError).and.include({ code: 'timeout' });
    expect(String(error)).to.include('has not confirmed it');
    expect(build.state).to.deep.equal({ kind: 'completed', finishedImage: '', confirmed: false });
    await until(() => told.length > 1, 'events() tells it');
    expect(told).to.deep.equal(['BUILDING', '?COMPLETED']);
  });

  it('are told unconfirmed with their reason', async () => {
    await follow(200);
    await announceAndDie(
      () => factory.failure(factory.adaptors[0]!, 'no_space', 'the disk is full'),
      () => announce('FAILED'),
    );
    const changes: BuildChange[] = [];
    for await (const change of build.changes()) changes.push(change);
    expect(changes.at(-1)).to.deep.equal({
      ...{ kind: 'failure', type: 'no_space', info: 'the disk is full' },
      ...{ caughtUp: false, confirmed: false },
    });
    expect(build.state).to.include({ kind: 'failed', confirmed: false });
  });

  it('COMPLETED without an image is no success', async () => {
    await follow();
    await factory.status(factory.adaptors[0]!, 'COMPLETED');
    expect(await rejection(build.finished()))
      .to.be.instanceOf(BuildFailedError)
      .and.include({ type: 'NoImage' });
  });

  it('of builds that nobody has heard of, and that the agent does not know, are dropped', async () => {
    await follow();
    const addr = { ...factory.adaptors[0]!.addressMap, _object_name: 'build_adaptor-invented' };
    await asksUpon(() =>
      factory.session.raise(BuildFailedEvent, { addr, event: 'FAILURE', type: 'forged', info: '' }),
    );
    await factory.status(factory.adaptors[0]!, 'FINISHING');
    await until(() => told.length > 1, 'a later event is here');
    expect(told).to.deep.equal(['BUILDING', 'FINISHING']);
  });
});
