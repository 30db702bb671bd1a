import { expect } from 'chai';
import { describe, it } from 'mocha';
import { heartbeatsUponArrival, listenAt } from './interop/arrivals.js';
import { brokerForFile, interoperabilityOn, urlFor } from './interop/on-broker.js';
import { rabbitMqAsDocumented } from './interop/rabbitmq-howto.js';

const broker = await brokerForFile('rabbitmq4');
if (broker !== undefined) {
  interoperabilityOn(broker);
  rabbitMqAsDocumented(broker);

  describe('an agent on a RabbitMQ 4 with its event exchange', () => {
    for (const [agent, console] of [
      ['amqp10', 'amqp091'],
      ['amqp091', 'amqp10'],
    ] as const) {
      it(`notices over ${agent} each console that begins to listen over ${console}`, async () => {
        const [agentUrl, consoleUrl] = [urlFor(agent, broker.url), urlFor(console, broker.url)];
        expect(await heartbeatsUponArrival(agentUrl, () => listenAt(consoleUrl))).to.equal(3);
      });
    }
  });
}
