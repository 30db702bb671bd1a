import { randomUUID } from 'node:crypto';
import { callerShares, shareLimits } from '@imagefactory/agent';
import {
  AgentSession,
  BusConnection,
  ConsoleSession,
  defineData,
  exceptionCodes,
  QmfError,
  transportFor,
  type TypedObject,
} from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { type BareMessage, decodeBareMessage } from '@imagefactory/qmf/wire';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { until } from './support/until.js';

const Door = defineData({
  package: 'com.example.doors',
  name: 'Door',
  properties: { name: { type: 'string', index: true } },
  methods: { knock: { arguments: {} }, wait: { arguments: {} } },
});

const { runningEach, waitingEach } = shareLimits.calls;
/** Calls beyond the share of one caller. */
const excess = 10;

interface Console {
  readonly connection: BusConnection;
  readonly door: TypedObject<typeof Door>;
}

/** Calls whose answers go to the address of another, as a hostile client can send them where the broker does not forbid it. */
describe('a flood of calls with the reply address of another', function () {
  this.timeout(300_000);
  const closing: (() => Promise<unknown>)[] = [];
  let broker: RunningBroker;
  let hasUsers: boolean;
  /** The last call that the broker took, and the refusals by reply address. */
  let lastCall: BareMessage | undefined;
  let refusals: string[];
  /** Lets the calls of `wait` end. */
  let release: () => void = () => undefined;
  /** Calls of `wait` that have begun; those of an agent before may still begin. */
  let waits: { begun: number };

  afterEach(async () => {
    release();
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function start(users: Readonly<Record<string, string>>): Promise<void> {
    hasUsers = Object.keys(users).length > 0;
    lastCall = undefined;
    refusals = [];
    const counted = { begun: 0 };
    waits = counted;
    broker = await startBroker({
      users,
      faults: {
        publish: ({ subject, bytes }) => {
          const message = decodeBareMessage(Buffer.from(bytes));
          const opcode = message.applicationProperties?.get('qmf.opcode');
          if (opcode === '_method_request') lastCall = message;
          if (opcode === '_exception') refusals.push(subject);
          return 'none';
        },
      },
    });
    closing.push(() => broker.stop());
    const connection = await connect('agent');
    const released = new Promise<void>(resolve => {
      release = resolve;
    });
    const session = new AgentSession(connection, {
      ...{ vendor: 'example.com', product: 'doors', instance: '1' },
      shares: callerShares(),
    });
    session.publish(Door, {
      name: 'front',
      values: { name: 'front' },
      methods: {
        knock: () => ({}),
        wait: async () => {
          counted.begun++;
          await released;
          return {};
        },
      },
    });
    closing.push(() => {
      session.close();
      return Promise.resolve();
    });
    await session.open();
  }

  async function connect(user: string): Promise<BusConnection> {
    const { host, port } = broker;
    const login = hasUsers ? `${user}:${user}@` : '';
    const connection = new BusConnection(transportFor(`amqp://${login}${host}:${port}`));
    closing.push(() => connection.close());
    connection.start();
    await connection.ready();
    return connection;
  }

  async function console_(user: string): Promise<Console> {
    const connection = await connect(user);
    const session = new ConsoleSession(connection, { userId: user });
    await session.open();
    const agent = await session.findAgent(({ info }) => info.product === 'doors');
    const [door] = await agent.objects(Door);
    if (door === undefined) throw new Error('the agent has no door');
    return { connection, door };
  }

  const knock = ({ door }: Console): Promise<string> => door.call('knock', {}).then(() => 'answered', codeOf);

  /** Sends a full share of calls that wait, and some more, in one's own name and with the reply address of another. */
  async function flood(alice: Console, bob: Console): Promise<string> {
    await knock(bob);
    const [node = '', address = ''] = (lastCall?.replyTo ?? '').split('/');
    void alice.door.call('wait', {}).catch(() => undefined);
    while (waits.begun === 0) await alice.door.refresh();
    const { applicationProperties: headers, body, subject, contentType, userId } = lastCall ?? {};
    if (headers === undefined || body === undefined || subject === undefined)
      throw new Error('no call was seen');
    const sent = Array.from({ length: runningEach + waitingEach + excess }, () =>
      alice.connection.send(
        {
          ...{ to: { node: 'qmf.default.topic', subject }, replyTo: { node, subject: address } },
          ...{ correlationId: randomUUID(), headers, contentType, userId, body },
        },
        { whileAway: 'fail' },
      ),
    );
    await Promise.all(sent);
    await until('the excess is refused', () => refusals.length >= excess);
    return address;
  }

  it('is charged to its user where the broker vouches for user ids, and costs the other nothing', async () => {
    await start({ agent: 'agent', alice: 'alice', bob: 'bob' });
    const [alice, bob] = [await console_('alice'), await console_('bob')];
    const address = await flood(alice, bob);
    expect(await knock(alice)).to.equal(`${exceptionCodes.busy}`);
    expect(await knock(bob)).to.equal('answered');
    // One call of her own waits too.
    expect(refusals.filter(subject => subject === address)).to.have.lengthOf(excess + 1);
    expect(waits.begun).to.equal(runningEach);
  });

  it('is charged to the address elsewhere, as the agent knows callers by nothing else', async () => {
    await start({});
    const [alice, bob] = [await console_('alice'), await console_('bob')];
    await flood(alice, bob);
    expect(await knock(alice)).to.equal('answered');
    expect(await knock(bob)).to.equal(`${exceptionCodes.busy}`);
  });
});

function codeOf(error: unknown): string {
  if (!(error instanceof QmfError)) return String(error);
  return error.agentCode === undefined ? error.code : String(error.agentCode);
}
