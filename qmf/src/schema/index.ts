export * from './declare.js';
export * from './schema.js';
export * from './types.js';
export { schemaFromValue, schemaIdFromValue, schemaIdToValue, schemaToValue } from './wire.js';
export { decodeNative, encodeNative, type Native } from './native.js';
