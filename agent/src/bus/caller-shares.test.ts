import {
  AgentSession,
  amqp10,
  BusConnection,
  ConsoleSession,
  exceptionCodes,
  QmfError,
} from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { FACTORY_OBJECT, ImageFactory } from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { until } from '@imagefactory/factory/testing';
import { callerShares, shareLimits } from './caller-shares.js';

const { runningEach, waitingEach } = shareLimits.calls;
/** Calls of one caller beyond what may run and wait. */
const excess = 100;

describe('the shares of callers', function () {
  this.timeout(120_000);
  let broker: RunningBroker;
  let release: () => void;
  const closers: (() => unknown)[] = [];
  beforeEach(async () => {
    broker = await startBroker();
    const gate = new Promise<void>(resolve => (release = resolve));
    const connection = new BusConnection(amqp10(broker.url));
    const session = new AgentSession(connection, {
      ...{ vendor: 'redhat.com', product: 'imagefactory', instance: 'slow', shares: callerShares() },
    });
    session.publish(ImageFactory, {
      name: FACTORY_OBJECT,
      values: {},
      methods: {
        build_image: async () => {
          await gate;
          return { build_adaptor: {} };
        },
      },
    });
    await session.open();
    connection.start();
    closers.push(
      () => session.close(),
      () => connection.close(),
    );
  });
  afterEach(async () => {
    release();
    for (const close of closers.splice(0).reverse()) await close();
    await broker.stop();
  });

  async function caller(): Promise<() => Promise<string>> {
    const connection = new BusConnection(amqp10(broker.url));
    const session = new ConsoleSession(connection);
    await session.open();
    connection.start();
    closers.push(
      () => session.close(),
      () => connection.close(),
    );
    const agent = await session.findAgent(({ info }) => info.instance === 'slow');
    const [factory] = await agent.objects(ImageFactory);
    if (factory === undefined) throw new Error('the agent has no factory');
    const inputs = { descriptor: '<template/>', target: 'mock', image_uuid: '', sec_credentials: '' };
    return () => factory.call('build_image', inputs).then(() => 'answered', codeOf);
  }

  it('refuse what one caller has beyond them while its calls take their time, and let another call', async () => {
    const flood = await caller();
    const other = await caller();
    const outcomes: string[] = [];
    const calls = Array.from({ length: runningEach + waitingEach + excess }, () =>
      flood().then(outcome => outcomes.push(outcome)),
    );
    await until('the excess is refused', () => outcomes.length >= excess);
    const another = other();
    release();
    expect(await another).to.equal('answered');
    await Promise.all(calls);
    expect(outcomes.filter(outcome => outcome === `${exceptionCodes.busy}`)).to.have.lengthOf(excess);
    expect(outcomes.filter(outcome => outcome === 'answered')).to.have.lengthOf(runningEach + waitingEach);
  });
});

function codeOf(error: unknown): string {
  if (!(error instanceof QmfError)) return String(error);
  return error.agentCode === undefined ? error.code : String(error.agentCode);
}
