export { type StoreErrorCode, StoreError, storeErrorCodes } from './errors.js';
export * from './query.js';
export * from './records.js';
export { openMemoryStore, openStore, openStoreForReading } from './sqlite/open.js';
export { assertNotInUse, restoreStore } from './sqlite/restore.js';
export { fieldNames } from './sqlite/tables.js';
export * from './states.js';
export type * from './store.js';
