import { faultsOn } from './faults/on-broker.js';
import { brokerForFile } from './interop/on-broker.js';

const broker = await brokerForFile('rabbitmq4');
if (broker !== undefined) faultsOn(broker);
