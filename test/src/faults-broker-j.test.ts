import { faultsOn } from './faults/on-broker.js';
import { brokerForFile } from './interop/on-broker.js';

const broker = await brokerForFile('broker-j');
if (broker !== undefined) faultsOn(broker);
