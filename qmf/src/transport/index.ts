export * from './transport.js';
export {
  type BrokerAddress,
  type BrokerScheme,
  describeBroker,
  parseBrokerList,
  parseBrokerUrl,
} from './broker-url.js';
export {
  brokerHelp,
  type BusFlag,
  busFlags,
  type BusFlagValues,
  checkBusFiles,
  readBusFlags,
} from './command-line.js';
export type { CredentialOptions } from './credentials.js';
export type { PemSource, TlsOptions } from './dial/tls-options.js';
export type { SecurityOptions } from './security.js';
export { type SaslName, saslNames } from './sasl/choose.js';
export { amqp10, type Amqp10Options } from './amqp10/amqp10.js';
export { type DialectName, dialectNames } from './amqp10/dialects/index.js';
export { amqp091, type Amqp091Options } from './amqp091/amqp091.js';
export { transportFor, type TransportOptions, transportsFor } from './transport-for.js';
