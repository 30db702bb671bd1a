import { type BrokerOptions, type RunningBroker, startBroker } from '@imagefactory/qmf';
import { errorCode } from '../files/error-code.js';
import type { Logger } from '../log/index.js';

const usualPort = 5672;

/** Starts the broker on the usual port, or on a free one when that is taken. It listens to this machine alone. */
export async function startEmbeddedBroker(
  domain: string,
  log: Logger,
  port = usualPort,
): Promise<RunningBroker> {
  const options: BrokerOptions = {
    host: '127.0.0.1',
    exchanges: { [`qmf.${domain}.topic`]: 'topic', [`qmf.${domain}.direct`]: 'direct' },
    onEvent: ({ level, message }) => log[level === 'info' ? 'debug' : level](`embedded broker: ${message}`),
  };
  try {
    return await startBroker({ ...options, port });
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (errorCode(cause) !== 'EADDRINUSE') throw error;
  }
  const broker = await startBroker({ ...options, port: 0 });
  log.notice(`port ${port} is taken; the embedded broker listens on ${broker.host}:${broker.port} instead`);
  return broker;
}

/** Gives the consoles a moment to fetch the last events, and stops the broker. */
export async function stopEmbeddedBroker(broker: RunningBroker): Promise<void> {
  const deadline = Date.now() + 1_000;
  const pending = (): boolean =>
    broker.stats().queues.some(({ messages, held, consumers }) => consumers > 0 && messages + held > 0);
  while (pending() && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 10));
  await broker.stop();
}
