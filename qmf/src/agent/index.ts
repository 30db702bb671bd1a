export {
  type AgentLeft,
  AgentSession,
  type RaiseOptions,
} from './agent-session.js';
export type { ManagedObject, MethodHandlers } from './managed-object.js';
export type { AgentLosses } from './losses.js';
export { type Clock, systemClock } from './clock.js';
export type { MethodCall } from './object-store.js';
export type { AgentOptions } from './options.js';
