export * from './errors.js';
export * from './value/value.js';
export * from './value/convert.js';
export * from './value/text.js';
export { decodeList, decodeMap, encodeList, encodeMap } from './codec/amqp010.js';
export {
  type BareMessage,
  type Body,
  decodeBareMessage,
  encodeBareMessage,
  type MessageId,
} from './codec/amqp10-message.js';
