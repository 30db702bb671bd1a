import { randomUUID } from 'node:crypto';
import {
  AgentSession,
  BusConnection,
  type Caller,
  defineData,
  transportFor,
  type UserIds,
  type Value,
} from '@imagefactory/qmf';
import { type BrokerOptions, startBroker } from '@imagefactory/qmf/broker';
import { type BareMessage, encodeBareMessage, encodeMap } from '@imagefactory/qmf/wire';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { blockOf, blocksOf } from './support/doc-blocks.js';
import { urlFor } from './interop/on-broker.js';
import { startArtemis } from './support/brokers/artemis.js';
import { brokers, type MissingBroker, type Protocol, type RealBroker } from './support/brokers/index.js';
import { startQpiddWithUsers } from './support/brokers/qpidd-users.js';
import { type Destination, publish, sendBytes } from './support/forger.js';
import {
  applicationSection,
  forgedMessages,
  forgedPublications,
  type Publication,
} from './support/forgeries.js';
import { skipBecause } from './support/lane.js';
import { until } from './support/until.js';

const exchange = 'qmf.default.topic';

/** One cell of the table in docs/brokers.md, "Who calls": a broker and the protocol of the agent. */
interface Cell {
  readonly agent: Protocol;
  readonly kind: UserIds['kind'];
  /** Of callers over AMQP 1.0, where that differs. */
  readonly kindFrom10?: UserIds['kind'];
  /** Forms that reach the agent under the victim's name, to show what the table says; where names are vouched for, it does not believe them. */
  readonly forged: readonly string[];
}

interface Login {
  readonly user: string;
  readonly password: string;
}

interface Subject {
  readonly name: string;
  readonly kind: string;
  readonly start: () => Promise<RealBroker | MissingBroker>;
  /** Of the forger, if the broker has users. */
  readonly login: Login | undefined;
  /** Of the agent, where that is another user. */
  readonly agentLogin?: Login;
  /** Where a message for a key goes over AMQP 1.0. */
  readonly destination: (key: string) => Destination;
  /** Forms of AMQP 0-9-1 that are sent, if not all. */
  readonly only091?: RegExp;
  readonly cells: readonly Cell[];
}

const guest = { user: 'guest', password: 'guest' };
const users = { guest: 'guest', anna: 'her-password' };
const toExchange = (): Destination => ({ target: exchange });

const embedded = async (options: BrokerOptions): Promise<RealBroker> => {
  const broker = await startBroker(options);
  return {
    ...{ kind: 'embedded', protocols: ['amqp10'], how: 'in this process', url: broker.url },
    stop: () => broker.stop(),
  };
};

const subjects: readonly Subject[] = [
  {
    name: 'the embedded broker with users',
    kind: 'embedded',
    start: () => embedded({ users }),
    login: guest,
    destination: toExchange,
    cells: [{ agent: 'amqp10', kind: 'vouched', forged: [] }],
  },
  {
    name: 'the embedded broker without users',
    kind: 'embedded',
    start: () => embedded({}),
    login: undefined,
    destination: toExchange,
    cells: [{ agent: 'amqp10', kind: 'unverified', forged: ['1.0: the name alone'] }],
  },
  {
    name: 'qpidd with users',
    kind: 'qpidd',
    start: () => startQpiddWithUsers(users),
    login: guest,
    destination: toExchange,
    cells: [{ agent: 'amqp10', kind: 'vouched', forged: [] }],
  },
  {
    name: 'qpidd without authentication',
    kind: 'qpidd',
    start: brokers.qpidd,
    login: undefined,
    destination: toExchange,
    cells: [{ agent: 'amqp10', kind: 'unverified', forged: ['1.0: the name alone'] }],
  },
  {
    name: 'RabbitMQ 3',
    kind: 'rabbitmq',
    start: brokers.rabbitmq,
    login: guest,
    destination: () => ({ target: `/exchange/${exchange}` }),
    cells: [
      {
        agent: 'amqp10',
        kind: 'forgeable-by-translation',
        forged: ['0-9-1: a section in x-amqp-1.0-properties'],
      },
      { agent: 'amqp091', kind: 'vouched', forged: [] },
    ],
  },
  {
    name: 'RabbitMQ 4',
    kind: 'rabbitmq4',
    start: brokers.rabbitmq4,
    login: guest,
    destination: key => ({ to: `/exchanges/${exchange}/${key}` }),
    cells: [
      {
        agent: 'amqp10',
        kind: 'forgeable-by-translation',
        forged: ['0-9-1: a section in x-amqp-1.0-properties', '0-9-1: a whole message of type amqp-1.0'],
      },
      // Translated from 1.0; the agent does not believe the name.
      {
        agent: 'amqp091',
        kind: 'vouched',
        kindFrom10: 'forgeable-by-translation',
        forged: ['1.0: a second section behind the body'],
      },
    ],
  },
  {
    name: 'Qpid Broker-J',
    kind: 'broker-j',
    start: brokers['broker-j'],
    login: guest,
    destination: () => ({ target: exchange, to: exchange }),
    // The others say amqp/map and are none, at which its process ends (docs/brokers.md).
    only091: /^the name alone$/,
    cells: [
      { agent: 'amqp10', kind: 'unverified', forged: ['1.0: the name alone', '0-9-1: the name alone'] },
      { agent: 'amqp091', kind: 'unverified', forged: ['1.0: the name alone', '0-9-1: the name alone'] },
    ],
  },
  {
    name: 'Artemis',
    kind: 'artemis',
    start: async () => {
      const [accounts = '', roles = ''] = await blocksOf('ActiveMQ Artemis', 'properties');
      return startArtemis({ xml: await blockOf('ActiveMQ Artemis', 'xml'), users: accounts, roles });
    },
    login: { user: 'operator', password: 'operator-password' },
    agentLogin: { user: 'factory', password: 'factory-password' },
    destination: key => ({ target: `${exchange}.${key}` }),
    cells: [{ agent: 'amqp10', kind: 'unverified', forged: ['1.0: the name alone'] }],
  },
];

const asked = (process.env['IMAGEFACTORY_BROKERS'] ?? 'embedded').split(',');
const isAsked = (kind: string): boolean =>
  kind === 'embedded' || asked.includes('all') || asked.includes(kind);

const Door = defineData({
  package: 'com.example.interop',
  name: 'Door',
  properties: { name: { type: 'string', index: true } },
  methods: { open: { arguments: { note: { type: 'string', dir: 'I' } } } },
});

interface Call {
  readonly note: string;
  readonly caller: Caller;
}

/** An agent that notes who calls. */
class Doorkeeper {
  readonly calls: Call[] = [];
  readonly #connection: BusConnection;
  readonly #session: AgentSession;

  constructor(url: string) {
    this.#connection = new BusConnection(transportFor(url, { onWarning: () => undefined }));
    this.#session = new AgentSession(this.#connection, {
      vendor: 'example.com',
      product: 'doors',
      instance: randomUUID(),
      strictSecurity: true, // as under the rights of docs/brokers.md, which some of these brokers have
    });
    this.#session.publish(Door, {
      name: 'door',
      values: { name: 'door' },
      methods: {
        open: ({ note }, { caller }) => {
          this.calls.push({ note, caller });
          return {};
        },
      },
    });
  }

  async open(): Promise<void> {
    await this.#session.open();
    this.#connection.start();
    await this.#connection.ready({ timeout: 60_000 });
  }

  get userIds(): UserIds {
    return this.#connection.userIds;
  }

  get key(): string {
    return this.#session.directSubject;
  }

  /** A call of it as a message of AMQP 1.0. */
  call(note: string, to: string | undefined): BareMessage {
    return {
      ...(to === undefined ? {} : { to }),
      subject: this.key,
      replyTo: `${exchange}/direct-console.operator.${randomUUID()}`,
      correlationId: note,
      contentType: 'amqp/map',
      applicationProperties: headers,
      body: { form: 'data', bytes: this.#body(note) },
    };
  }

  /** The same of AMQP 0-9-1. */
  publication(note: string): Publication {
    return {
      properties: {
        headers: {
          ...Object.fromEntries(headers),
          // RabbitMQ 3 passes on no others to AMQP 1.0.
          'x-amqp-1.0-app-properties': applicationSection(headers),
        },
        contentType: 'amqp/map',
        correlationId: note,
        replyTo: `${exchange}/direct-console.operator.${randomUUID()}`,
      },
      content: this.#body(note),
    };
  }

  #body(note: string): Buffer {
    return encodeMap(
      new Map<string, Value>([
        ['_object_id', new Map([['_object_name', 'door']])],
        ['_method_name', 'open'],
        ['_arguments', new Map([['note', note]])],
      ]),
    );
  }

  async close(): Promise<void> {
    this.#session.close();
    await this.#connection.close();
  }
}

/** After so many looks in vain a call is made again: half a second on an idle machine. */
const looksPerCall = 25;

const headers = new Map<string, string>([
  ['x-amqp-0-10.app-id', 'qmf2'],
  ['method', 'request'],
  ['qmf.opcode', '_method_request'],
]);

for (const { name, kind, start, login, agentLogin, destination, only091, cells } of subjects) {
  describe(`who calls, at ${name}`, function () {
    this.timeout(180_000);
    let broker: RealBroker;
    before(async function () {
      if (!isAsked(kind))
        skipBecause(this, `not asked for; set IMAGEFACTORY_BROKERS to all, or to a list with ${kind}`);
      const found = await start();
      if ('missing' in found) skipBecause(this, found.missing);
      broker = found;
    });
    after(() => (broker as RealBroker | undefined)?.stop());
    /** The broker's address with a login. */
    const as = (user: Login | undefined): string =>
      broker.url.replace(/\/\/([^@/]*@)?/, user === undefined ? '//' : `//${user.user}:${user.password}@`);

    for (const cell of cells) {
      describe(`with an agent over ${cell.agent}`, () => {
        let keeper: Doorkeeper;
        beforeEach(async () => {
          keeper = new Doorkeeper(urlFor(cell.agent, as(agentLogin ?? login)));
          await keeper.open();
        });
        afterEach(() => keeper.close());

        const send = async (protocol: Protocol, note: string, userId: string | undefined): Promise<void> => {
          const named = userId === undefined ? {} : { userId };
          if (protocol === 'amqp10') {
            const { to } = destination(keeper.key);
            const message = { ...keeper.call(note, to), ...named };
            await sendBytes(as(login), destination(keeper.key), encodeBareMessage(message));
          } else {
            const { properties, content } = keeper.publication(note);
            await publish(as(login), exchange, keeper.key, {
              properties: { ...properties, ...named },
              content,
            });
          }
        };

        /**
         * Calls under the forger's own name until the agent has heard it: what was sent before has come by then, or never will. A forged message
         * may have cost the agent its session, and what is sent before it is back is lost.
         */
        const honest = async (protocol: Protocol, userId: string | undefined): Promise<Call> => {
          const note = `honest ${randomUUID()}`;
          let looks = 0;
          let heard: Call | undefined;
          await until('the honest call', async () => {
            if (looks++ % looksPerCall === 0) await send(protocol, note, userId);
            heard = keeper.calls.find(call => call.note === note);
            return heard !== undefined;
          });
          if (heard === undefined) throw new Error('it was there a moment ago');
          return heard;
        };

        it(`user ids are ${cell.kind}, and the agent knows it`, async () => {
          expect(keeper.userIds.kind).to.equal(cell.kind);
          for (const protocol of broker.protocols) {
            const { caller } = await honest(protocol, login?.user);
            const expected = (protocol === 'amqp10' ? cell.kindFrom10 : undefined) ?? cell.kind;
            expect(caller.userIds.kind, `a caller over ${protocol}`).to.equal(expected);
            expect(caller.userId, `an honest user over ${protocol}`).to.equal(login?.user);
            expect(caller.key).to.match(expected === 'vouched' ? /^user:guest$/ : /^reply:.*direct-console/);
          }
        });

        it(`and forgers ${cell.kind === 'vouched' ? 'are believed under no name but their own' : 'can give other names'}`, async () => {
          const victim = 'anna';
          const own = login?.user ?? 'guest';
          const { to } = destination(keeper.key);
          const fates: string[] = [];
          const make = (what: string): BareMessage => keeper.call(`1.0: ${what}`, to);
          for (const { what, message } of forgedMessages(make, own, victim)) {
            fates.push(`1.0: ${what}: ${await sendBytes(as(login), destination(keeper.key), message)}`);
          }
          if (broker.protocols.includes('amqp091')) {
            const translated = (what: string): BareMessage => keeper.call(`0-9-1: ${what}`, to);
            const plain = (what: string): Publication => keeper.publication(`0-9-1: ${what}`);
            for (const { what, message } of forgedPublications(translated, plain, victim)) {
              if (only091?.test(what) === false) continue;
              fates.push(`0-9-1: ${what}: ${await publish(as(login), exchange, keeper.key, message)}`);
              // Some cost the agent its session, and what comes before it is back is lost.
              await honest('amqp091', login?.user);
            }
          }
          for (const protocol of broker.protocols) await honest(protocol, login?.user);
          const named = keeper.calls.filter(({ caller }) => caller.userId === victim);
          const passed = named.map(({ note }) => note);
          const believed = named.filter(({ caller }) => caller.userIds.kind === 'vouched');
          const seen = `passed: ${passed.join('; ')}; the broker's words: ${fates.join('; ')}`;
          if (process.env['IMAGEFACTORY_SHOW_FATES'] !== undefined) console.log(seen);
          expect(believed, seen).to.deep.equal([]);
          expect(passed, seen).to.include.members([...cell.forged]);
          if (cell.kind === 'vouched') expect(passed, seen).to.have.length(cell.forged.length);
        });
      });
    }
  });
}
