export * from './agent/index.js';
export {
  type BareMessage,
  type Body,
  decodeBareMessage,
  encodeBareMessage,
  type MessageId,
} from './codec/amqp10-message.js';
export { decodeList, decodeMap, encodeList, encodeMap } from './codec/amqp010.js';
export * from './broker/index.js';
export * from './connection/index.js';
export * from './console/index.js';
export * from './data/index.js';
export * from './errors.js';
export * from './message/index.js';
export * from './output/index.js';
export * from './query/index.js';
export * from './schema/index.js';
export * from './session/index.js';
export * from './transport/index.js';
export * from './value/index.js';
