import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';

const broker = await brokerForFile('embedded');
if (broker !== undefined) interoperabilityOn(broker);
