export type {
  AttachedLink,
  AttachFault,
  BrokerFaults,
  ConnectFault,
  DeliverFault,
  Match,
  Occasions,
  Publication,
  PublishFault,
  SaidError,
} from './kinds.js';
export type { FaultRule } from './rules.js';
export { FaultSwitches, faultText } from './switches.js';
