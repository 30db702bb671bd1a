import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';
import { rabbitMqAsDocumented } from './interop/rabbitmq-howto.js';

const broker = await brokerForFile('rabbitmq');
if (broker !== undefined) {
  interoperabilityOn(broker);
  rabbitMqAsDocumented(broker);
}
