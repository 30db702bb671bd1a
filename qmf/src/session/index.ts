export type { SessionLog } from './session-log.js';
