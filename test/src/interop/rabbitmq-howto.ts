import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import type { RealBroker } from '../support/brokers/index.js';
import { skipBecause } from '../support/lane.js';
import { workAsDocumented } from './configured.js';
import { blockOf, blocksOf } from '../support/doc-blocks.js';
import { QUEUE, queueKeepsEvents, readOver091 } from './durable-queue.js';
import { refusalsAtRabbitMq } from './refusals.js';
import { as, type User } from './roles.js';

/** Runs the commands of docs/brokers.md, then works with the users that they made. */
export function rabbitMqAsDocumented(broker: RealBroker): void {
  const { kind, url, tool } = broker;
  describe(`the users and rights of docs/brokers.md at ${kind}`, function () {
    this.timeout(300_000);
    const run = async (isMeant: (line: string) => boolean): Promise<void> => {
      const lines = (await blocksOf('RabbitMQ', 'sh')).flatMap(block => block.trim().split('\n'));
      for (const line of lines.filter(isMeant)) {
        const [command = '', ...args] = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
          ([, quoted, word]) => quoted ?? word ?? '',
        );
        if (command === 'rabbitmq-plugins' && kind === 'rabbitmq4') continue; // it needs none
        await tool?.(command, args);
      }
    };
    /** What version 4 needs over AMQP 1.0. */
    const isForQueues = (line: string): boolean => line.includes("'^(qmf\\.from");
    before(async function () {
      if (tool === undefined)
        return skipBecause(this, 'only a broker on this machine can be told by commands');
      await run(line => !isForQueues(line));
    });

    workAsDocumented(kind, () => url, 'amqp091');

    it('let consoles make and delete no exchanges, by which they could get around their rights', async () => {
      const tryAs = async (user: User, act: 'make' | 'delete'): Promise<string> => {
        const connection = await connect(as(user, 'amqp091', url).replace(/^amqp091:/, 'amqp:'));
        connection.on('error', () => undefined);
        try {
          const channel = await connection.createChannel();
          channel.on('error', () => undefined);
          const done =
            act === 'make'
              ? channel.assertExchange('qmf.from.me', 'topic', { durable: false })
              : channel.deleteExchange('qmf.from.me');
          return await done.then(
            () => 'done',
            (error: unknown) => String(error),
          );
        } finally {
          await connection.close();
        }
      };
      for (const user of ['operator', 'watcher'] as const) {
        expect(await tryAs(user, 'make'), user).to.match(/403/);
        expect(await tryAs('factory', 'make')).to.equal('done');
        expect(await tryAs(user, 'delete'), user).to.match(/403/);
        expect(await tryAs('factory', 'delete')).to.equal('done');
      }
    });

    describe('over AMQP 1.0', () => {
      before(() => (kind === 'rabbitmq4' ? run(isForQueues) : undefined));
      workAsDocumented(kind, () => url, 'amqp10');
    });

    describe('without them', () => refusalsAtRabbitMq(broker));
  });
}

/** Imports the queue of docs/brokers.md, before there is an agent, and reads it after a build. */
export function durableQueueAtRabbitMq({ kind, url, tool }: RealBroker): void {
  describe(`a durable queue at ${kind}`, () => {
    it('as in docs/brokers.md keeps the events that an orchestrator was not there to hear', async function () {
      this.timeout(300_000);
      if (tool === undefined)
        return skipBecause(this, 'only a broker on this machine can be told by commands');
      const directory = await mkdtemp(join(tmpdir(), 'imagefactory-rabbitmq-'));
      try {
        await queueKeepsEvents(
          url.replace(/^amqp:/, 'amqp091:'),
          async () => {
            const file = join(directory, 'orchestrator.json');
            await writeFile(file, await blockOf('An orchestrator that was down', 'json'));
            await tool('rabbitmqctl', ['import_definitions', file]);
          },
          isLast => readOver091(url, isLast),
        );
      } finally {
        await tool('rabbitmqctl', ['delete_queue', QUEUE]);
        await rm(directory, { recursive: true });
      }
    });
  });
}
