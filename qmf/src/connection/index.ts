export { BusConnection, type ConnectionOptions, type SendOptions } from './bus-connection.js';
export { backoffDelay, defaultRetry, type RetryPolicy } from './backoff.js';
export { EventStream, type StreamOptions } from './event-stream.js';
export {
  type ConnectionState,
  type ConnectionStatus,
  transitions as connectionTransitions,
} from './state.js';
export type { WaitOptions } from './signals.js';
