export { BusConnection } from './bus-connection.js';
export type { ConnectionOptions, DrainOptions, SendOptions } from './options.js';
export { type HeldUpOptions, watchHeldUp } from './held-up.js';
export type { Importance } from './lane.js';
export type { ConnectionStatistics } from './statistics.js';
export type { Timers } from './timers.js';
export { backoffDelay, defaultRetry, type RetryPolicy } from './backoff.js';
export { EventStream, type StreamOptions } from './event-stream.js';
export {
  type ConnectionState,
  type ConnectionStatus,
  transitions as connectionTransitions,
} from './state.js';
export type { WaitOptions } from './signals.js';
