export { type BrokerStats, type RunningBroker, startBroker } from './broker.js';
export { brokerProduct } from './connection.js';
export type { BrokerFaults, Publication, PublishFault } from './faults.js';
export type { BrokerEvent, BrokerOptions } from './options.js';
export type { QueueBounds, QueueStats } from './queue.js';
