import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningAgent, shareLimits, startAgent } from '@imagefactory/agent';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10, BusConnection, ConsoleSession, exceptionCodes, QmfError } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { ImageFactory } from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';

/** Calls at once: more than the agent lets one caller wait with. */
const flooding = 4 * shareLimits.calls.waitingEach;
/** Calls of the other caller meanwhile. */
const others = 20;
/**
 * Answers to the flood that may come between a call of another and its answer: as many requests as the agent reads ahead, those that it began
 * before, and some turns of the event loop with their share of jobs. In one queue, each would wait for nearly all.
 */
const mostBetween = 512;

interface Published {
  readonly key: string;
  readonly is: 'call' | 'answer';
}

interface Caller {
  /** Where its answers go. */
  readonly key: string;
  call(): Promise<unknown>;
}

describe('a flood of calls at an agent', function () {
  this.timeout(120_000);
  let directory: string;
  let broker: RunningBroker;
  let agent: RunningAgent;
  const connections: BusConnection[] = [];
  /** What the broker took, in order: the reply keys of calls, and those of answers. */
  let published: Published[];

  beforeEach(async () => {
    published = [];
    directory = await mkdtemp(join(tmpdir(), 'flood-'));
    broker = await startBroker({
      faults: {
        publish: ({ subject, bytes }) => {
          const key = /direct-console\.[-0-9a-f]{36}/.exec(Buffer.from(bytes).toString('latin1'))?.[0];
          if (key !== undefined) published.push({ key, is: subject === key ? 'answer' : 'call' });
          return 'none';
        },
      },
    });
    agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs(), mockCloud()],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: join(directory, 'tmp'),
    });
  });
  afterEach(async () => {
    for (const connection of connections.splice(0)) await connection.close();
    await agent.stop();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function caller(): Promise<Caller> {
    const connection = new BusConnection(amqp10(broker.url));
    connections.push(connection);
    const session = new ConsoleSession(connection);
    await session.open();
    connection.start();
    await connection.ready();
    const found = await session.findAgent(({ info }) => info.product === 'imagefactory');
    const { packageName, className } = ImageFactory.schema.id;
    const [factory] = await found.query({ packageName, className });
    if (factory === undefined) throw new Error('the agent has no factory');
    const call = (): Promise<unknown> =>
      found.call(factory, 'instance_states', { class_name: 'BuildAdaptor' });
    await call();
    return { key: published.findLast(({ is }) => is === 'answer')?.key ?? '', call };
  }

  it('keeps no other caller waiting for it, answers or refuses each of its calls, and loses none', async () => {
    const flood = await caller();
    const other = await caller();
    published = [];
    const ends = Array.from({ length: flooding }, () => flood.call().then(() => 'answered', codeOf));
    for (let number = 0; number < others; number++) await other.call();
    const during = published.filter(({ key, is }) => key === flood.key && is === 'answer').length;
    const outcomes = await Promise.all(ends);

    // An agent that is quicker than its broker refuses none; see caller-shares.test.ts for calls that take their time.
    const refused = outcomes.filter(outcome => outcome === `${exceptionCodes.busy}`).length;
    const answered = outcomes.filter(outcome => outcome === 'answered').length;
    expect(answered + refused, [...new Set(outcomes)].join()).to.equal(flooding);
    expect(answered).to.be.at.least(shareLimits.calls.waitingEach);
    expect(during, 'answers to the flood before the other is done').to.be.below(flooding);
    const waits = between(published, flood.key, other.key);
    expect(waits).to.have.lengthOf(others);
    expect(Math.max(...waits), waits.join()).to.be.at.most(mostBetween);
  });
});

/** For each call of one caller, the answers to another before its own. */
function between(published: readonly Published[], flood: string, other: string): readonly number[] {
  const counts: number[] = [];
  let count: number | undefined;
  for (const { key, is } of published) {
    if (key === other && is === 'call') count = 0;
    else if (key === other && count !== undefined) {
      counts.push(count);
      count = undefined;
    } else if (key === flood && is === 'answer' && count !== undefined) count++;
  }
  return counts;
}

function codeOf(error: unknown): string {
  if (!(error instanceof QmfError)) return String(error);
  return error.agentCode === undefined ? error.code : String(error.agentCode);
}
