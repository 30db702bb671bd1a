import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';

const broker = await brokerForFile('rabbitmq4');
if (broker !== undefined) interoperabilityOn(broker);
