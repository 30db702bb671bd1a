import { QmfError, transportFor } from '@imagefactory/qmf';
import { expect } from 'chai';
import { it } from 'mocha';
import type { Protocol, RealBroker } from '../support/brokers/index.js';
import { as } from './roles.js';

const protocols: readonly Protocol[] = ['amqp10', 'amqp091'];

/** What is said of one refusal, in each protocol. */
type Words = Readonly<Record<Protocol, RegExp>>;

/** Defines the tests that a user of RabbitMQ who is refused something learns in one line what it is. Changes the rights of `watcher`, so it comes last. */
export function refusalsAtRabbitMq({ kind, url, tool }: RealBroker): void {
  const change = async (command: string, ...args: readonly string[]): Promise<void> => {
    await tool?.('rabbitmqctl', [command, ...args]);
  };
  const says = async (words: Words, path: Readonly<Record<Protocol, string>> = here): Promise<void> => {
    for (const protocol of protocols) {
      const { code, message, remedy = '' } = await refusal(as('watcher', protocol, url) + path[protocol]);
      const line = `${message}; ${remedy}`;
      if (process.env['IMAGEFACTORY_SHOW_FATES'] !== undefined)
        console.log(`${kind} ${protocol} ${code}: ${line}`);
      expect(line, protocol).to.match(words[protocol]);
      // One line for people, without the broker's stack traces, and not a word of passwords, which are not at fault.
      expect(line.length, line).to.be.below(600);
      expect(line).not.to.match(/\n|\{\w+,|password/);
    }
  };

  it('say which right to have a queue is missing', async () => {
    await change('set_permissions', 'watcher', '^$', '.*', '.*');
    const words = /configure access to|'configure' for names that begin with/;
    await says({ amqp10: words, amqp091: words });
  });

  it('say which right to listen is missing', async () => {
    await change('set_permissions', 'watcher', '.*', '.*', '^$');
    const words = /read access to|'read' for/;
    await says({ amqp10: words, amqp091: words });
  });

  it('say that a virtual host may be missing', () =>
    says(
      { amqp10: /virtual host 'vhost:nowhere'.* exists/, amqp091: /virtual host 'nowhere'/ },
      { amqp10: '/vhost:nowhere', amqp091: '/nowhere' },
    ));

  it('say that a limit of connections may be reached', async () => {
    await change('set_permissions', 'watcher', '.*', '.*', '.*');
    await change('set_user_limits', 'watcher', '{"max-connections": 0}');
    await says({ amqp10: /limit of connections/, amqp091: /limit/ });
  });
}

const here: Readonly<Record<Protocol, string>> = { amqp10: '', amqp091: '' };

/** The error of somebody who wants to listen. */
async function refusal(address: string): Promise<QmfError> {
  const transport = transportFor(address, { onWarning: () => undefined });
  try {
    const wire = await transport.dial(AbortSignal.timeout(60_000));
    const key = 'agent.ind.#';
    const binding = { exchange: 'qmf.default.topic', exchangeType: 'topic', key, create: false } as const;
    await wire.bind(binding, () => undefined).finally(() => wire.close());
  } catch (error) {
    return QmfError.from(error, 'connection_lost');
  }
  throw new Error(`${transport.description} refused nothing`);
}
