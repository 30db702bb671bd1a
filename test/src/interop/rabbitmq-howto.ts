import { before, describe, it } from 'mocha';
import type { RealBroker } from '../support/brokers/index.js';
import { skipBecause } from '../support/lane.js';
import { blocksOf, buildAsDocumented, namesakesAsDocumented, refusedAsDocumented } from './howto.js';

/** Runs the commands of docs/brokers.md, then works with the users that they made. */
export function rabbitMqAsDocumented({ kind, url, tool }: RealBroker): void {
  describe(`the commands of docs/brokers.md on ${kind}`, function () {
    this.timeout(120_000);
    before(async function () {
      if (tool === undefined)
        return skipBecause(this, 'only a broker on this machine can be told by commands');
      const lines = (await blocksOf('RabbitMQ', 'sh')).flatMap(block => block.trim().split('\n'));
      for (const line of lines) {
        const [command = '', ...args] = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
          ([, quoted, word]) => quoted ?? word ?? '',
        );
        if (command === 'rabbitmq-plugins' && kind === 'rabbitmq4') continue; // it needs none
        await tool(command, args);
      }
    });

    for (const protocol of ['amqp10', 'amqp091'] as const) {
      it(`let the two users do their work over ${protocol}`, () =>
        buildAsDocumented(url, { agent: protocol, console: protocol }));
      it(`let two agents of one name hear of each other over ${protocol}`, () =>
        namesakesAsDocumented(url, protocol));
      it(`and nothing of the other's over ${protocol}`, () => refusedAsDocumented(url, protocol));
    }
  });
}
