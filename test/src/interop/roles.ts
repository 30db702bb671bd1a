import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { QmfError, transportFor, type Value } from '@imagefactory/qmf';
import { encodeMap, type Wire } from '@imagefactory/qmf/wire';
import { expect } from 'chai';
import { before, it } from 'mocha';
import type { Protocol } from '../support/brokers/index.js';
import { until } from '../support/until.js';
import { urlFor } from './on-broker.js';

/** The users of docs/brokers.md: an agent, a console that may do everything, and one that may just watch. */
export const users = ['factory', 'operator', 'watcher'] as const;
export type User = (typeof users)[number];

/** The address with one of the users of docs/brokers.md. */
export function as(user: User, protocol: Protocol, url: string): string {
  const login = `//${user}:${user}-password@`;
  return urlFor(protocol, url).replace(/\/\/([^@/]*@)?/, login);
}

/** Something to do on the topic exchange with a key, and the users that may by the rights of docs/brokers.md. */
interface Deed {
  readonly does: 'publish' | 'bind';
  readonly what: string;
  readonly key: string;
  readonly may: readonly User[];
}

const id = '11111111-2222-3333-4444-555555555555';
const consoles: readonly User[] = ['operator', 'watcher'];

const deeds: readonly Deed[] = [
  { does: 'publish', what: 'raise an event', key: 'agent.ind.event.com_example.Thing', may: ['factory'] },
  { does: 'publish', what: 'announce an agent', key: 'agent.ind.heartbeat.a.b.c', may: ['factory'] },
  ...consoles.map(
    user =>
      ({ does: 'publish', what: `answer the ${user}`, key: answersOf(user), may: ['factory'] }) as const,
  ),
  { does: 'publish', what: 'ask an agent', key: `direct-agent.route.${id}`, may: ['operator'] },
  { does: 'publish', what: 'look for agents', key: 'console.request.agent_locate', may: consoles },
  { does: 'bind', what: 'hear everything', key: '#', may: [] },
  { does: 'bind', what: 'hear all answers', key: 'direct-console.#', may: [] },
  { does: 'bind', what: 'hear answers by another pattern', key: '*.operator.*', may: [] },
  { does: 'bind', what: 'hear answers by a pattern in their middle', key: 'direct-console.*.#', may: [] },
  ...consoles.flatMap(
    user =>
      [
        { does: 'bind', what: `hear an answer to the ${user}`, key: answersOf(user), may: [user] },
        {
          does: 'bind',
          what: `hear all answers to the ${user}`,
          key: `direct-console.${user}.#`,
          may: [user],
        },
      ] as const,
  ),
  { does: 'bind', what: 'hear what one agent is asked', key: `direct-agent.route.${id}`, may: ['factory'] },
  { does: 'bind', what: 'hear what all agents are asked', key: 'direct-agent.#', may: ['factory'] },
  { does: 'bind', what: 'hear who looks for agents', key: 'console.#', may: ['factory'] },
  { does: 'bind', what: 'hear events and announcements', key: 'agent.ind.#', may: consoles },
];

function answersOf(user: User): string {
  return `direct-console.${user}.${id}`;
}

/** Where a broker's rights fall short of {@link deeds}, as docs/brokers.md says. */
export interface Exceptions {
  /** It lets everybody listen to everything. */
  readonly checksNoBindings?: boolean;
  /** The agent may ask agents, to find others of its name. */
  readonly agentsAskAgents?: boolean;
}

/** Defines the tests that each user has its rights and no others, over one protocol. */
export function rolesAsDocumented(url: () => string, protocol: Protocol, exceptions: Exceptions = {}): void {
  before(async () => {
    // Makes the exchange, where that is not done by the broker.
    const wire = await dial('factory', protocol, url());
    (await wire.bind(binding('console.#'), () => undefined))();
    await wire.close();
  });

  for (const user of users) {
    it(`give the user ${user} its rights and no others over ${protocol}`, async () => {
      const expected = deeds.map(deed => [deed.what, mayDo(user, deed, exceptions) ? 'allowed' : 'refused']);
      const found = [];
      for (const deed of deeds) found.push([deed.what, await attempt(user, deed, protocol, url())]);
      expect(found).to.deep.equal(expected);
    });
  }
}

function mayDo(user: User, { does, key, may }: Deed, exceptions: Exceptions): boolean {
  if (does === 'bind' && exceptions.checksNoBindings === true) return true;
  if (user === 'factory' && key.startsWith('direct-agent.') && exceptions.agentsAskAgents === true)
    return true;
  return may.includes(user);
}

/** A connection for each, as a refusal may cost it. */
async function attempt(user: User, { does, key }: Deed, protocol: Protocol, url: string): Promise<string> {
  const wire = await dial(user, protocol, url);
  try {
    if (does === 'bind') (await wire.bind(binding(key), () => undefined))();
    else {
      const body = { form: 'data', bytes: Buffer.from('for nobody') } as const;
      await wire.send({ to: { node: topic, subject: key }, headers: new Map(), body });
    }
    return 'allowed';
  } catch (error) {
    const { code, message } = QmfError.from(error, 'connection_lost');
    // Any other failure would prove nothing.
    return /not.authori[sz]ed|permission|unauthorized|access refused|access.*refused/i.test(
      `${code} ${message}`,
    )
      ? 'refused'
      : `${code}: ${message}`;
  } finally {
    await wire.close();
  }
}

const topic = 'qmf.default.topic';

function binding(key: string) {
  return { exchange: topic, exchangeType: 'topic', key, create: false } as const;
}

function dial(user: User, protocol: Protocol, url: string): Promise<Wire> {
  const transport = transportFor(as(user, protocol, url), { onWarning: () => undefined });
  return transport.dial(AbortSignal.timeout(60_000));
}

/** A call of the factory as a console of any make could send it. */
export interface RawCall {
  readonly user: User;
  readonly key: string;
  readonly method: string;
  /** In the message, if not none. */
  readonly userId?: string;
}

/**
 * Sends a call over a connection of its own, and gives the agent's answer as text.
 *
 * @throws QmfError the broker's refusal
 */
export async function callRaw(url: string, protocol: Protocol, call: RawCall): Promise<string> {
  const { user, key, method, userId } = call;
  const wire = await dial(user, protocol, url);
  try {
    let answer: string | undefined;
    const replyKey = `direct-console.${user}.${randomUUID()}`;
    await wire.bind(binding(replyKey), ({ body }) => {
      answer =
        body.form === 'data' ? Buffer.from(body.bytes).toString('latin1') : inspect(body, { depth: 9 });
    });
    const body = new Map<string, Value>([
      ['_object_id', new Map([['_object_name', 'image_factory']])],
      ['_method_name', method],
      ['_arguments', new Map()],
    ]);
    await wire.send({
      to: { node: topic, subject: key },
      replyTo: { node: topic, subject: replyKey },
      correlationId: randomUUID(),
      contentType: 'amqp/map',
      headers: new Map([['qmf.opcode', '_method_request']]),
      body: { form: 'data', bytes: encodeMap(body) },
      ...(userId === undefined ? {} : { userId }),
    });
    await until('the call is answered', () => answer !== undefined);
    return answer ?? '';
  } finally {
    await wire.close();
  }
}
