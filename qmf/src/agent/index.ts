export {
  type AgentLeft,
  AgentSession,
  type RaiseOptions,
} from './agent-session.js';
export { type ManagedObject, type MethodHandlers, wireHandler } from './managed-object.js';
export type { AgentLosses } from './losses.js';
export { type Caller, callerOf } from './caller.js';
export { type Clock, systemClock } from './clock.js';
export type { Namesake } from './namesakes.js';
export type { MethodCall, WireHandler } from './object-store.js';
export { boundedLimits, boundedShares, type CallerShares, type Quota, type WorkQueue } from './shares.js';
export type { AgentOptions, CallGate } from './options.js';
