import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';
import { durableQueueAtRabbitMq, rabbitMqAsDocumented } from './interop/rabbitmq-howto.js';

const broker = await brokerForFile('rabbitmq');
if (broker !== undefined) {
  durableQueueAtRabbitMq(broker);
  interoperabilityOn(broker);
  rabbitMqAsDocumented(broker);
}
