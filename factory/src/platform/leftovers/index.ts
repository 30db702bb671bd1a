export type { Leftover } from './leftover.js';
export { type GroupMark, killGroup } from './processes.js';
export { removeArea } from './remove-area.js';
