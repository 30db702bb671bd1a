export { type BrokerStats, type RunningBroker, startBroker } from './broker.js';
export { brokerProduct } from './connection.js';
export type {
  AttachedLink,
  AttachFault,
  BrokerFaults,
  ConnectFault,
  DeliverFault,
  FaultRule,
  FaultSwitches,
  Match as FaultMatch,
  Occasions as FaultOccasions,
  Publication,
  PublishFault,
  SaidError,
} from './faults/index.js';
export type { BrokerEvent, BrokerOptions, BrokerUser } from './options.js';
export type { BrokerLimits, Resource as BrokerResource } from './quota.js';
export { type BrokerRole, brokerRoles } from './rights.js';
export type { QueueBounds, QueueStats } from './queue.js';
