/**
 * QMFv2 for Node.js: sessions of agents and consoles, their connection to a broker, schemas and values. Beside this door there are
 * `/query` for predicates, `/broker` for the embedded broker, `/wire` for messages byte by byte, and `/command-line` for programs.
 *
 * @module
 */
export * from './agent/index.js';
export * from './connection/index.js';
export * from './console/index.js';
export { addressFromPlain, addressToPlain, type DataAddress } from './data/index.js';
export * from './errors.js';
export {
  type Address,
  AgentException,
  type BodyForm,
  exceptionCodes,
  unknownUserIds,
  type UserIds,
} from './message/index.js';
export {
  type Access,
  type ArgumentDeclaration,
  type DataClass,
  type DataType,
  defineData,
  defineEvent,
  describeSchemaId,
  type Direction,
  type EventClass,
  type InputsOf,
  isSeverity,
  type MethodDeclaration,
  type MethodNamesOf,
  type NativeOf,
  type OutputsOf,
  type PropertyDeclaration,
  type Schema,
  type SchemaId,
  schemaKey,
  type SchemaKind,
  type SchemaMethod,
  type SchemaProperty,
  type SchemaShape,
  Severity,
  severityWords,
  type ValuesOf,
} from './schema/index.js';
export * from './session/index.js';
export {
  amqp091,
  type Amqp091Options,
  amqp10,
  type Amqp10Options,
  type BrokerAddress,
  type BrokerScheme,
  type CredentialOptions,
  describeBroker,
  type DialectName,
  dialectNames,
  parseBrokerList,
  parseBrokerUrl,
  type PemSource,
  type SaslName,
  saslNames,
  type SecurityOptions,
  type TlsOptions,
  type Transport,
  transportFor,
  type TransportOptions,
  transportsFor,
} from './transport/index.js';
export * from './value/index.js';
