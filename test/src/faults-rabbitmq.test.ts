import { faultsOn } from './faults/on-broker.js';
import { brokerForFile } from './interop/on-broker.js';

const broker = await brokerForFile('rabbitmq');
if (broker !== undefined) faultsOn(broker);
