/**
 * Messages byte by byte, for programs that speak QMF without our sessions, tools that look at a bus, and transports of one's own:
 * the AMQP 1.0 and 0-10 codecs, and the parts of QMFv2 messages as values.
 *
 * @module
 */
export { decodeList, decodeMap, encodeList, encodeMap } from './codec/amqp010.js';
export {
  type BareMessage,
  type Body,
  decodeBareMessage,
  encodeBareMessage,
  type MessageId,
} from './codec/amqp10-message.js';
export {
  addressFromValue,
  addressToValue,
  type DataItem,
  dataItemFromValue,
  dataItemToValue,
  type EventItem,
  eventItemFromValue,
  eventItemToValue,
} from './data/index.js';
export {
  type AgentInfo,
  type AgentName,
  agentNameFromText,
  agentNameToText,
  type Envelope,
  type QueryRequest,
  type QueryTarget,
  type SubscribeRequest,
  type SubscribeResponse,
} from './message/index.js';
export {
  accessCodes,
  dataTypeCodes,
  decodeNative,
  directionCodes,
  encodeNative,
  type Native,
  schemaFromValue,
  schemaIdFromValue,
  schemaIdToValue,
  schemaKindCodes,
  schemaToValue,
} from './schema/index.js';
export type { Binding, Peer, Wire } from './transport/index.js';
