export { type StoreErrorCode, StoreError, storeErrorCodes } from './errors.js';
export * from './query.js';
export * from './records.js';
export { openMemoryStore, openStore } from './sqlite/open.js';
export { fieldNames } from './sqlite/tables.js';
export * from './states.js';
export type * from './store.js';
