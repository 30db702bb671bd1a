import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';

const broker = await brokerForFile('broker-j');
if (broker !== undefined) interoperabilityOn(broker);
