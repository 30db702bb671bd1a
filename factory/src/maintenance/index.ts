export { checkFactory } from './check.js';
export { rebuildStore, type RebuildReport } from './rebuild.js';
