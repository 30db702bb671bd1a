export { AgentSession, type ManagedObject, type MethodHandlers } from './agent-session.js';
export { type Clock, systemClock } from './clock.js';
export type { MethodCall } from './object-store.js';
export type { AgentOptions } from './options.js';
