import { startArtemis } from './artemis.js';
import { startBrokerJ } from './broker-j.js';
import { startEmbedded } from './embedded.js';
import { startQpidd } from './qpidd.js';
import { startRabbitMq, startRabbitMq4 } from './rabbitmq.js';
import type { BrokerKind, MissingBroker, RealBroker } from './real-broker.js';

export * from './real-broker.js';

/** Every broker that the suites run on, and how to start it. */
export const brokers: Readonly<Record<BrokerKind, () => Promise<RealBroker | MissingBroker>>> = {
  embedded: startEmbedded,
  rabbitmq: startRabbitMq,
  rabbitmq4: startRabbitMq4,
  'broker-j': () => startBrokerJ(),
  artemis: () => startArtemis(),
  qpidd: () => startQpidd(),
};
