import { configuredAsDocumented } from './interop/configured.js';
import { blockOf, blocksOf } from './support/doc-blocks.js';
import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';
import { startArtemis } from './support/brokers/artemis.js';

const broker = await brokerForFile('artemis');
if (broker !== undefined) {
  interoperabilityOn(broker);
  configuredAsDocumented({
    ...broker,
    start: async () => {
      const [users = '', roles = ''] = await blocksOf('ActiveMQ Artemis', 'properties');
      return startArtemis({ xml: await blockOf('ActiveMQ Artemis', 'xml'), users, roles });
    },
  });
}
