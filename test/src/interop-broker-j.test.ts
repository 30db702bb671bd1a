import { configuredAsDocumented } from './interop/configured.js';
import { blockOf } from './support/doc-blocks.js';
import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';
import { startBrokerJ } from './support/brokers/broker-j.js';

const broker = await brokerForFile('broker-j');
if (broker !== undefined) {
  interoperabilityOn(broker);
  configuredAsDocumented({
    ...broker,
    start: async () =>
      startBrokerJ({
        config: await blockOf('Qpid Broker-J', 'json'),
        files: { 'acl.txt': await blockOf('Qpid Broker-J', 'acl') },
      }),
    exceptions: { checksNoBindings: true, agentsAskAgents: true },
  });
}
