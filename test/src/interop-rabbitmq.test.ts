import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';

const broker = await brokerForFile('rabbitmq');
if (broker !== undefined) interoperabilityOn(broker);
