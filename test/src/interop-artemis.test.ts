import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';

const broker = await brokerForFile('artemis');
if (broker !== undefined) interoperabilityOn(broker);
