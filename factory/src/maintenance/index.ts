export { checkFactory } from './check.js';
export { factsOf, type FileFacts, rowOf } from './image-rows.js';
export { rebuildStore, type RebuildReport } from './rebuild.js';
