import { randomBytes } from 'node:crypto';
import { type BrokerOptions, type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { errorCode } from '@imagefactory/factory/platform';
import type { Logger } from '@imagefactory/factory/platform';
import { type BrokerUsers, ownBrokerUser } from './broker-users.js';

const usualPort = 5672;

export interface EmbeddedBroker extends RunningBroker {
  /** What the agent itself logs in with; undefined where nobody has to. */
  readonly login: { readonly user: string; readonly password: string } | undefined;
}

export interface EmbeddedBrokerOptions {
  /** The QMF domain, whose exchanges are made. */
  readonly domain: string;
  /** Without users everybody on this machine may do everything. */
  readonly users?: BrokerUsers | undefined;
  /** Default: the usual port of AMQP. */
  readonly port?: number;
}

/** Starts the broker on the usual port, or on a free one when that is taken. It listens to this machine alone. */
export async function startEmbeddedBroker(
  { domain, users, port = usualPort }: EmbeddedBrokerOptions,
  log: Logger,
): Promise<EmbeddedBroker> {
  const password = randomBytes(24).toString('base64url');
  const login = users === undefined ? undefined : { user: ownBrokerUser, password };
  const options: BrokerOptions = {
    host: '127.0.0.1',
    ...(users === undefined
      ? {}
      : { users: { ...users.users, [ownBrokerUser]: { password, role: 'agent' } } }),
    ...(users?.anonymous === undefined ? {} : { allowAnonymous: true, anonymousRole: users.anonymous }),
    exchanges: { [`qmf.${domain}.topic`]: 'topic', [`qmf.${domain}.direct`]: 'direct' },
    onEvent: ({ level, message }) => log[level === 'info' ? 'debug' : level](`embedded broker: ${message}`),
  };
  try {
    return { ...(await startBroker({ ...options, port })), login };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (errorCode(cause) !== 'EADDRINUSE') throw error;
  }
  const broker = await startBroker({ ...options, port: 0 });
  log.notice(`port ${port} is taken; the embedded broker listens on ${broker.host}:${broker.port} instead`);
  return { ...broker, login };
}

/** Gives the consoles a moment to fetch the last events, and stops the broker. */
export async function stopEmbeddedBroker(broker: RunningBroker): Promise<void> {
  const deadline = Date.now() + 1_000;
  const pending = (): boolean =>
    broker.stats().queues.some(({ messages, held, consumers }) => consumers > 0 && messages + held > 0);
  while (pending() && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 10));
  await broker.stop();
}
